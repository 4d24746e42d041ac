//! `join`: waking some of many branches of one task.

use anyhow::Result;
use lab_strategies::registry::{Entry, Work};
use lab_work::join::Case;

use super::run::{Experiment, Participant, Run};
use super::tools::{lines, params, with};
use crate::measure::instructions::{self, Counter};
use crate::measure::{Cell, Metric, timed};
use crate::record::Record;
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

pub(super) struct Join;

const WAKE_ONE: [usize; 6] = [2, 8, 63, 1000, 10_000, 100_000];
const ALL: [usize; 5] = [100, 1000, 10_000, 100_000, 1_000_000];

impl Experiment for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn about(&self) -> &'static str {
        "branches of one task: waking one of many or all, two that are ready, a deep one"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Branches)
    }

    fn cells(&self, run: &Run<'_>) -> Vec<Cell> {
        let mut cells = Vec::new();
        for case in Case::ALL {
            let (branches, metric): (&[usize], _) = match case {
                Case::WakeOne => (&WAKE_ONE, "time_per_wake"),
                Case::All => (&ALL, "time_total"),
                Case::Ready2 | Case::Ready2Futures => (&[2], "time_total"),
                Case::Below => (&[1, 8], "time_per_wake"),
            };
            for &branches in branches {
                for Participant { entry, strategy } in run.participants {
                    let name = entry.name;
                    let Some(sample) = strategy.join(case, branches) else { continue };
                    cells.push(Cell {
                        strategy: name.to_owned(),
                        params: params! { "case": case.name(), "branches": branches },
                        metrics: vec![Metric::time(metric, 1.0)],
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
        for case in Case::ALL {
            let branches: &[usize] = match case {
                Case::WakeOne => {
                    if run.quick {
                        &WAKE_ONE[..3]
                    } else {
                        &WAKE_ONE[..4]
                    }
                }
                Case::All => &ALL[..1],
                Case::Ready2 | Case::Ready2Futures => &[2],
                Case::Below => &[1, 8],
            };
            let metric = match case {
                Case::WakeOne | Case::Below => "instructions_per_wake",
                Case::All | Case::Ready2 | Case::Ready2Futures => "instructions_total",
            };
            for &branches in branches {
                for Participant { entry, strategy } in run.participants {
                    if strategy.join(case, branches).is_none() {
                        continue;
                    }
                    run.progress.expect(1);
                    let count = counter.per_join(entry.name, &**strategy, case, branches)?;
                    run.progress.tick();
                    let params = params! { "case": case.name(), "branches": branches };
                    records.push(instructions::record("join", entry.name, params, metric, count));
                }
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let mut sections = Vec::new();
        let unit = match records.first() {
            Some(record) if record.unit == "1" => "instructions",
            _ => "ns",
        };
        for case in Case::ALL {
            let chosen = with(records, "case", case.name());
            if chosen.is_empty() {
                continue;
            }
            let (what, note) = match case {
                Case::WakeOne => (
                    "per wake-up by the number of branches",
                    "One of the suspended branches is woken and resumed. nested polls all branches, \
                     as futures::join! does; join-set is a tokio task for each branch.",
                ),
                Case::All => (
                    "by the number of branches",
                    "All branches are made, suspend, are woken, and finish: the time of all of it. From \
                     100 000 on much of it is page faults where the allocator gives memory back; glibc \
                     keeps it with GLIBC_TUNABLES=glibc.malloc.mmap_max=0:\
                     glibc.malloc.trim_threshold=4000000000.",
                ),
                Case::Ready2 => (
                    "",
                    "Two branches that do not suspend, against futures::join! of plain futures.",
                ),
                Case::Ready2Futures => ("", "The same coroutines, joined by futures::join!."),
                Case::Below => (
                    "per wake-up by the number of branches",
                    "One leaf at depth 8 is woken. With one branch there is no join.",
                ),
            };
            let figure = match case {
                Case::WakeOne | Case::All => {
                    Some(plot::lines("branches", unit, &lines(&chosen, "branches"))?)
                }
                Case::Ready2 | Case::Ready2Futures | Case::Below => None,
            };
            sections.push(Section {
                title: format!("join, {}: {unit} {what}", case.name()).trim_end().to_owned(),
                note: note.to_owned(),
                grid: Grid::pivot("branches", &chosen, |r| r.text("branches"), Record::label),
                figure,
            });
        }
        Ok(sections)
    }
}
