//! `crossover`: from which depth and how many suspensions on direct resume wins over nested polls.

use anyhow::Result;
use lab_strategies::registry::{self, Entry, Role, Work};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, DEPTHS, Workload};

use super::run::{Experiment, Run};
use super::tools::{cells_of, params};
use crate::measure::Cell;
use crate::record::Record;
use crate::show::Section;
use crate::show::plot;
use crate::show::table::{Grid, short};

pub(super) struct Crossover;

const SUSPENSIONS: [u64; 13] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const SUSPENSIONS_QUICK: [u64; 8] = [0, 1, 2, 4, 8, 16, 32, 64];

impl Experiment for Crossover {
    fn name(&self) -> &'static str {
        "crossover"
    }

    fn about(&self) -> &'static str {
        "whole calls over a grid of depth and suspensions: nested against direct"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Chains) && strategy.role != Role::Other
    }

    fn cells(&self, run: &Run<'_>) -> Vec<Cell> {
        let grid: &[u64] = if run.quick { &SUSPENSIONS_QUICK } else { &SUSPENSIONS };
        let mut cells = Vec::new();
        for chain in Chain::ALL {
            for depth in DEPTHS.into_iter().filter(|&depth| depth <= DEEPEST_UNROLLED) {
                for &suspensions in grid {
                    let workload = Workload::Call { chain, depth, suspensions };
                    let mut all = cells_of(
                        run.participants,
                        workload,
                        "time_per_call",
                        1.0,
                        |_| {
                            params! { "chain": chain.name(), "depth": depth, "suspensions": suspensions }
                        },
                    );
                    // A strategy's first placement is the one that it has unless asked.
                    all.dedup_by(|other, first| other.strategy == first.strategy);
                    cells.extend(all);
                }
            }
        }
        cells
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let mut sections = Vec::new();
        for chain in Chain::ALL {
            let of_chain: Vec<&Record> =
                records.iter().filter(|record| record.text("chain") == chain.name()).collect();
            let mut others: Vec<&str> = Vec::new();
            for record in &of_chain {
                if record.strategy != registry::baseline()
                    && !others.contains(&record.strategy.as_str())
                {
                    others.push(&record.strategy);
                }
            }
            for other in others {
                if let Some(map) = RatioMap::new(&of_chain, other) {
                    sections.push(map.section(chain, other)?);
                }
            }
        }
        Ok(sections)
    }
}

/// Time of the baseline over time of another strategy: above 1 the other is faster.
struct RatioMap {
    depths: Vec<u64>,
    suspensions: Vec<u64>,
    /// A row for each depth.
    ratios: Vec<Vec<f64>>,
}

impl RatioMap {
    /// `None` unless both strategies have every cell.
    fn new(records: &[&Record], other: &str) -> Option<Self> {
        let axis = |param| {
            let mut values: Vec<u64> = records.iter().filter_map(|r| r.number(param)).collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        let (depths, suspensions) = (axis("depth"), axis("suspensions"));
        let value = |strategy: &str, depth, suspensions| {
            let found = records.iter().find(|record| {
                record.strategy == strategy
                    && record.number("depth") == Some(depth)
                    && record.number("suspensions") == Some(suspensions)
            });
            found.map(|record| record.value)
        };
        let baseline = registry::baseline();
        let ratios: Option<Vec<Vec<f64>>> = depths
            .iter()
            .map(|&d| {
                let row = suspensions.iter();
                row.map(|&s| Some(value(baseline, d, s)? / value(other, d, s)?)).collect()
            })
            .collect();
        Some(Self { ratios: ratios?, depths, suspensions })
    }

    fn section(&self, chain: Chain, other: &str) -> Result<Section> {
        let texts = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>();
        let rows = texts(&self.depths)
            .into_iter()
            .zip(&self.ratios)
            .map(|(depth, ratios)| (depth, ratios.iter().map(|&r| short(r)).collect()))
            .collect();
        let crossings: Vec<Option<f64>> = self.ratios.iter().map(|row| crossing(row)).collect();
        let points: Vec<String> = self
            .depths
            .iter()
            .zip(&crossings)
            .map(|(depth, crossing)| match crossing {
                Some(0.0) => format!("depth {depth}: always"),
                Some(index) => format!("depth {depth}: {}", short(self.suspensions_at(*index))),
                None => format!("depth {depth}: none"),
            })
            .collect();
        let figure = plot::heat_map(&plot::HeatMap {
            x_label: "suspensions per call",
            y_label: "depth",
            columns: &texts(&self.suspensions),
            rows: &texts(&self.depths),
            values: &self.ratios,
            break_even: &crossings,
        })?;
        Ok(Section {
            title: format!(
                "crossover, {} chain: time {} / time {other}",
                chain.name(),
                registry::baseline()
            ),
            note: format!(
                "Above 1, {other} is faster. Break-even, in suspensions per call: {}.",
                points.join("; ")
            ),
            grid: Grid {
                corner: "depth \\ suspensions".to_owned(),
                columns: texts(&self.suspensions),
                rows,
            },
            figure: Some(figure),
        })
    }

    /// The number of suspensions at a fractional index of the axis.
    fn suspensions_at(&self, index: f64) -> f64 {
        let below = index.floor() as usize;
        let (from, to) = (
            self.suspensions[below] as f64,
            self.suspensions[(below + 1).min(self.suspensions.len() - 1)] as f64,
        );
        from + (to - from) * index.fract()
    }
}

/// The fractional index from which on all of `row` is at least 1, or `None` if its end is not.
/// The last crossing counts, so that noise at the left does not move the line.
fn crossing(row: &[f64]) -> Option<f64> {
    let last_below = row.iter().rposition(|&ratio| ratio < 1.0);
    let Some(below) = last_below else { return Some(0.0) };
    let above = *row.get(below + 1)?;
    Some(below as f64 + (1.0 - row[below]) / (above - row[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossing_is_interpolated() {
        assert_eq!(crossing(&[0.5, 0.8, 1.2, 2.0]), Some(1.5));
        assert_eq!(crossing(&[1.5, 1.8]), Some(0.0));
        assert_eq!(crossing(&[0.5, 0.8]), None);
    }

    #[test]
    fn the_last_crossing_counts() {
        assert_eq!(crossing(&[1.01, 0.5, 1.5]), Some(1.5));
    }

    #[test]
    fn an_index_reads_as_a_number_of_suspensions() {
        let map = RatioMap { depths: vec![], suspensions: vec![0, 1, 2, 4, 8], ratios: vec![] };
        assert_eq!(map.suspensions_at(3.5), 6.0);
        assert_eq!(map.suspensions_at(4.0), 8.0);
    }
}
