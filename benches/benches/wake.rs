//! Wakes through an executor under criterion: one group for each source, an id for each runtime and depth. An iteration
//! is one event of the leaf.

// `criterion_group!` makes an undocumented public function.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::flavour::Flavour;
use lab_work::wake::{Body, Source, Spec};

fn wake(c: &mut Criterion) {
    let strategies = registry::load(|entry| entry.does(Work::Runtime), &Setup::default());
    for source in Source::ALL {
        let mut group = c.benchmark_group(format!("wake/{}", source.name()));
        group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            for (body, depth) in [(Body::Direct, 0), (Body::Direct, 64), (Body::Boxed, 64)] {
                let spec = Spec { source, depth, flavour: Flavour::Current, body };
                let Ok(Some(mut wakes)) = strategy.wakes(spec) else { continue };
                let id = BenchmarkId::new(format!("{}/{}", entry.name, body.name()), depth);
                group.bench_function(id, |bencher| {
                    bencher.iter_custom(|n| wakes(n).expect("the result is right").elapsed);
                });
            }
        }
    }
}

criterion_group!(benches, wake);
criterion_main!(benches);
