//! Lookups of `prefetch` under criterion: one group for each table, an id for each strategy and group. An iteration is
//! one lookup. The tables are larger than most caches.

// `criterion_group!` makes an undocumented public function.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::prefetch::{Data, Spec, Way};

const TABLES: [(&str, Spec); 2] = [
    ("bsearch", Spec::Bsearch { bytes: 256 << 20 }),
    ("hash", Spec::Hash { keys: 1 << 22, chain_length: 4, hit_rate: 100 }),
];

/// Lookups that are prepared: as many as a sample may do at a time.
const INPUTS: usize = 200_000;

fn prefetch(c: &mut Criterion) {
    let strategies = registry::load(|entry| entry.does(Work::Lookups), &Setup::default());
    for (name, spec) in TABLES {
        let data = Data::build(spec, INPUTS).expect("there is memory for the table");
        let mut group = c.benchmark_group(format!("prefetch/{name}"));
        group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            for size in [0, 16] {
                let Some(mut lookups) =
                    strategy.lookups(spec, Way { group: size, call_depth: None })
                else {
                    continue;
                };
                group.bench_function(BenchmarkId::new(entry.name, size), |bencher| {
                    bencher.iter_custom(|n| {
                        let (whole, rest) = (n as usize / INPUTS, n as usize % INPUTS);
                        let parts = std::iter::repeat_n(INPUTS, whole).chain([rest]);
                        parts
                            .map(|part| {
                                lookups(&data, 0..part, None).expect("the results are right")
                            })
                            .sum::<Duration>()
                    });
                });
            }
        }
    }
}

criterion_group!(benches, prefetch);
criterion_main!(benches);
