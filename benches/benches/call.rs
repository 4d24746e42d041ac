//! The workload `call` under criterion: one group for each case, an id for each strategy and
//! placement. An iteration is one whole call: a chain of depth 8, or one `fib`.

// `criterion_group!` makes an undocumented public function.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::workload::{Chain, Workload};

const CASES: [(&str, Workload); 4] = [
    ("ready", Workload::Call { chain: Chain::Static, depth: 8, suspensions: 0 }),
    ("once", Workload::Call { chain: Chain::Static, depth: 8, suspensions: 1 }),
    ("fib", Workload::Fib { n: 25, yields: false }),
    ("fib-yield", Workload::Fib { n: 20, yields: true }),
];

fn call(c: &mut Criterion) {
    let strategies = registry::load(|entry| entry.does(Work::Chains), &Setup::default());
    for (case, workload) in CASES {
        let mut group = c.benchmark_group(format!("call/{case}"));
        group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            for mut variant in strategy.variants(workload) {
                let id = match variant.placement {
                    Some(placement) => format!("{}/{}", entry.name, placement.name()),
                    None => entry.name.to_owned(),
                };
                group.bench_function(id, |bencher| {
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

criterion_group!(benches, call);
criterion_main!(benches);
