//! Every strategy that can run here gives the known result of every workload, in every placement.

use lab::strategy::{self, Setup};
use lab::workload::{Chain, DEPTHS, Workload};

fn workloads() -> Vec<Workload> {
    let mut all = Vec::new();
    for chain in Chain::ALL {
        for depth in DEPTHS {
            all.push(Workload::Resume { chain, depth });
            for suspensions in [0, 1, 5] {
                all.push(Workload::Call { chain, depth, suspensions });
            }
        }
    }
    for n in [0, 1, 2, 10] {
        all.extend([false, true].map(|yields| Workload::Fib { n, yields }));
    }
    all
}

#[test]
fn every_strategy_gives_the_known_result() {
    for entry in strategy::load(|_| true, &Setup::default()) {
        let Ok(strategy) = entry.state else { continue };
        for workload in workloads() {
            let variants = strategy.variants(workload);
            assert!(!variants.is_empty(), "{} does not run {workload:?}", entry.name);
            for mut variant in variants {
                for n in [1, 3, 100] {
                    let timed = (variant.run)(n).unwrap();
                    let expected = workload.expected(n);
                    let placement = variant.placement;
                    assert_eq!(
                        timed.checksum, expected,
                        "{} {placement:?} {workload:?} {n}",
                        entry.name
                    );
                }
            }
        }
    }
}

#[test]
fn ours_is_direct_or_direct_tail_by_the_feature() {
    let loaded = strategy::load(|name| name.starts_with("direct"), &Setup::default());
    let present: Vec<_> = loaded.iter().filter(|l| l.state.is_ok()).map(|l| l.name).collect();
    let expected = if cfg!(feature = "tail-call") { "direct-tail" } else { "direct" };
    assert_eq!(present, [expected]);
}
