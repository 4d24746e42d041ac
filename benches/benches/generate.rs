//! The traversals of `generate` under criterion: one group for each shape of tree, an id for each strategy. An iteration
//! is a traversal of some thousand items.

// `criterion_group!` makes an undocumented public function.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::generate::{Shape, Tree};

const TREES: [(Shape, u32); 3] =
    [(Shape::Balanced, 12), (Shape::Random, 12), (Shape::Degenerate, 1000)];

fn generate(c: &mut Criterion) {
    let strategies = registry::load(|entry| entry.does(Work::Items), &Setup::default());
    for (shape, depth) in TREES {
        let tree = Tree::build(shape, depth);
        let mut group = c.benchmark_group(format!("generate/{}", shape.name()));
        group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
        group.throughput(Throughput::Elements(tree.nodes()));
        for Loaded { entry, state } in &strategies {
            let Ok(strategy) = state else { continue };
            let Some(mut sample) = strategy.generate(&tree) else { continue };
            group.bench_function(entry.name, |bencher| {
                bencher.iter_custom(|n| sample(n).expect("the items are right"));
            });
        }
    }
}

criterion_group!(benches, generate);
criterion_main!(benches);
