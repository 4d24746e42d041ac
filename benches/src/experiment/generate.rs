//! `generate`: items out of a recursion.

use anyhow::Result;
use lab_strategies::registry::{Entry, Work};
use lab_work::generate::{Shape, Tree};

use super::run::{Experiment, Participant, Run};
use super::tools::{lines, params, with};
use crate::measure::instructions::{Counter, record};
use crate::measure::{Cell, Metric, timed};
use crate::record::Record;
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

pub(super) struct Generate;

fn depths(shape: Shape, quick: bool) -> &'static [u32] {
    match shape {
        Shape::Balanced if quick => &[5, 10, 15],
        Shape::Balanced => &[5, 10, 15, 20],
        Shape::Random if quick => &[10, 15],
        Shape::Random => &[10, 15, 20],
        Shape::Degenerate => &[10, 100, 1000, 10_000, 100_000],
    }
}

/// The depths of which instructions are counted.
fn counted_depths(shape: Shape) -> &'static [u32] {
    match shape {
        Shape::Balanced | Shape::Random => &[10, 14],
        Shape::Degenerate => &[10, 1000, 10_000],
    }
}

impl Experiment for Generate {
    fn name(&self) -> &'static str {
        "generate"
    }

    fn about(&self) -> &'static str {
        "items of a recursive traversal: generators that delegate, against iterators"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Items)
    }

    fn cells(&self, run: &Run<'_>) -> Vec<Cell> {
        let mut cells = Vec::new();
        for shape in Shape::ALL {
            for &depth in depths(shape, run.quick) {
                let tree = Tree::build(shape, depth);
                for Participant { entry, strategy } in run.participants {
                    let name = entry.name;
                    let Some(sample) = strategy.generate(&tree) else { continue };
                    cells.push(Cell {
                        strategy: name.to_owned(),
                        params: params! { "shape": shape.name(), "depth": depth },
                        metrics: vec![Metric::time("time_per_item", tree.nodes() as f64)],
                        iterations: None,
                        sample: timed(sample),
                    });
                }
            }
        }
        cells
    }

    fn counts(&self) -> bool {
        true
    }

    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for shape in Shape::ALL {
            for &depth in counted_depths(shape) {
                let tree = Tree::build(shape, depth);
                for Participant { entry, strategy } in run.participants {
                    let name = entry.name;
                    if strategy.generate(&tree).is_none() {
                        continue;
                    }
                    run.progress.expect(1);
                    let per_traversal = counter.per_traversal(name, &**strategy, shape, depth)?;
                    run.progress.tick();
                    records.push(record(
                        self.name(),
                        name,
                        params! { "shape": shape.name(), "depth": depth },
                        "instructions_per_item",
                        per_traversal / tree.nodes() as f64,
                    ));
                }
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let mut sections = Vec::new();
        for shape in Shape::ALL {
            let chosen = with(records, "shape", shape.name());
            let Some(first) = chosen.first() else { continue };
            let unit = if first.unit == "ns" { "ns" } else { "instructions" };
            let note = match shape {
                Shape::Balanced => {
                    "2^depth - 1 nodes, all paths of the same length, neighbours near each other in \
                     memory. visitor is a function that is called with each item: a floor, not an \
                     iterator."
                }
                Shape::Random => {
                    "The search tree of 2^depth - 1 insertions in random order: a node lies anywhere \
                     in memory."
                }
                Shape::Degenerate => {
                    "A tree of left children alone: the depth is that of the recursion. \
                     nested-iterator and genawaiter pass an item through every level; what recurses \
                     on the host stack ends at 10 000 levels."
                }
            };
            sections.push(Section {
                title: format!("generate, {}: {unit} per item by depth", shape.name()),
                note: note.to_owned(),
                grid: Grid::pivot("depth", &chosen, |r| r.text("depth"), Record::label),
                figure: Some(plot::lines("depth", unit, &lines(&chosen, "depth"))?),
            });
        }
        Ok(sections)
    }
}
