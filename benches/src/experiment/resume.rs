//! `resume`: the cost of waking a stack, by its depth.

use anyhow::Result;
use lab_strategies::registry::{Entry, Work};
use lab_work::workload::{Chain, DEPTHS, Workload};

use super::run::{Experiment, Participant, Run};
use super::tools::{cells_of, lines, params, with};
use crate::measure::Cell;
use crate::measure::instructions::{self, Counter};
use crate::record::{Params, Record};
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

pub(super) struct Resume;

fn params_of(chain: Chain, depth: u32) -> Params {
    params! { "chain": chain.name(), "depth": depth }
}

fn workloads(depths: &[u32]) -> impl Iterator<Item = (Chain, u32)> {
    Chain::ALL.into_iter().flat_map(|chain| depths.iter().map(move |&depth| (chain, depth)))
}

impl Experiment for Resume {
    fn name(&self) -> &'static str {
        "resume"
    }

    fn about(&self) -> &'static str {
        "cost of waking a deep stack: a chain of coroutines whose leaf suspends again and again"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Chains)
    }

    fn cells(&self, run: &Run<'_>) -> Vec<Cell> {
        workloads(&DEPTHS)
            .flat_map(|(chain, depth)| {
                let workload = Workload::Resume { chain, depth };
                // Whatever the placement: a resume touches no frame but the leaf's.
                cells_of(run.participants, workload, "time_per_resume", 1.0, |_| {
                    params_of(chain, depth)
                })
            })
            .collect()
    }

    fn counts(&self) -> bool {
        true
    }

    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let depths: &[u32] = if run.quick { &[1, 8, 64] } else { &DEPTHS };
        run.progress.expect((workloads(depths).count() * run.participants.len()) as u64);
        let mut records = Vec::new();
        for (chain, depth) in workloads(depths) {
            let workload = Workload::Resume { chain, depth };
            for Participant { entry, strategy } in run.participants {
                let name = entry.name;
                for variant in strategy.variants(workload) {
                    let count = counter.per_iteration(
                        name,
                        strategy.as_ref(),
                        variant.placement,
                        workload,
                    )?;
                    let params = params_of(chain, depth);
                    let metric = "instructions_per_resume";
                    records.push(instructions::record(self.name(), name, params, metric, count));
                }
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let unit = match records.first() {
            Some(record) if record.unit == "1" => "instructions per resume",
            _ => "ns per resume",
        };
        let mut sections = Vec::new();
        for chain in Chain::ALL {
            let chosen = with(records, "chain", chain.name());
            if chosen.is_empty() {
                continue;
            }
            let note = match chain {
                Chain::Static => {
                    "The compiler sees every level. Up to depth 64 each is a function of its own; \
                     256 and 1024 recurse, so there nested futures are boxed."
                }
                Chain::Dyn => "Each level calls the next through a pointer and erases its type.",
            };
            let title = format!("resume, {} chain: {unit} by depth", chain.name());
            sections.push(Section {
                figure: Some(plot::lines("depth", unit, &lines(&chosen, "depth"))?),
                grid: Grid::pivot("depth", &chosen, |r| r.text("depth"), Record::label),
                note: note.to_owned(),
                title,
            });
        }
        Ok(sections)
    }
}
