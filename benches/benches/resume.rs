//! The workload `resume` under criterion: one group for each chain, an id for each strategy and
//! depth. An iteration is one resume.

// `criterion_group!` makes an undocumented public function.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::workload::{Chain, Workload};

/// Where the curves start, where real programs are, and where they end.
const DEPTHS: [u32; 4] = [1, 8, 64, 1024];

fn resume(c: &mut Criterion) {
    let strategies = registry::load(|entry| entry.does(Work::Chains), &Setup::default());
    for chain in Chain::ALL {
        let mut group = c.benchmark_group(format!("resume/{}", chain.name()));
        group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            for depth in DEPTHS {
                let workload = Workload::Resume { chain, depth };
                for mut variant in strategy.variants(workload) {
                    group.bench_function(BenchmarkId::new(entry.name, depth), |bencher| {
                        bencher.iter_custom(|n| {
                            let timed = (variant.run)(n).expect("runs in this process");
                            assert_eq!(timed.checksum, workload.expected(n));
                            timed.elapsed
                        });
                    });
                }
            }
        }
    }
}

criterion_group!(benches, resume);
criterion_main!(benches);
