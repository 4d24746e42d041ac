//! The branches of `join` under criterion: one group for each case, an id for each strategy and number of branches. An
//! iteration is what the case says: see `lab_work::join::Case`.

// `criterion_group!` makes an undocumented public function.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::join::Case;

const BRANCHES: [usize; 5] = [1, 2, 8, 63, 1000];

fn join(c: &mut Criterion) {
    let strategies = registry::load(|entry| entry.does(Work::Branches), &Setup::default());
    for case in Case::ALL {
        let mut group = c.benchmark_group(format!("join/{}", case.name()));
        group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            for branches in BRANCHES.into_iter().filter(|&branches| case.allows(branches)) {
                let Some(mut sample) = strategy.join(case, branches) else { continue };
                group.bench_function(BenchmarkId::new(entry.name, branches), |bencher| {
                    bencher.iter_custom(|n| sample(n).expect("the results are right"));
                });
            }
        }
    }
}

criterion_group!(benches, join);
criterion_main!(benches);
