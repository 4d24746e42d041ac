//! `wake`: the cost of waking a task through an executor, by the depth of its stack.

use std::time::Duration;

use anyhow::Result;
use lab_strategies::registry::{Entry, Work};
use lab_work::flavour::Flavour;
use lab_work::wake::{Body, DEPTHS, Source, Spec};

use super::run::{Experiment, Participant, Run};
use super::tools::{Absences, lines_by, params};
use crate::measure::instructions::{self, Counter};
use crate::measure::{Cell, Metric};
use crate::record::{Params, Record};
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

pub(super) struct Wake;

const NAME: &str = "wake";

/// Counted, and measured at first sight.
const FEW_DEPTHS: [u32; 3] = [0, 16, 256];

fn specs(quick: bool, flavours: &[Flavour], sources: &[Source]) -> Vec<Spec> {
    let depths: &[u32] = if quick { &FEW_DEPTHS } else { &DEPTHS };
    let mut specs = Vec::new();
    for &flavour in flavours {
        for &source in sources {
            for &depth in depths {
                specs.extend(Body::ALL.map(|body| Spec { source, depth, flavour, body }));
            }
        }
    }
    specs
}

/// What two threads do to each other on a busy machine is too unsteady to be calibrated by.
fn iterations(source: Source, sample_time: Duration) -> Option<u64> {
    const USUAL: Duration = Duration::from_micros(20);
    let usual = sample_time.as_micros() / USUAL.as_micros();
    (source == Source::Thread).then(|| u64::try_from(usual).unwrap_or(u64::MAX).max(1))
}

fn params_of(spec: Spec) -> Params {
    params! {
        "source": spec.source.name(),
        "depth": spec.depth,
        "flavour": spec.flavour.name(),
        "body": spec.body.name(),
    }
}

fn label(record: &Record) -> String {
    format!("{} ({})", record.strategy, record.text("body"))
}

impl Experiment for Wake {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "waking a task with a deep stack through an executor: by itself, a task, a thread, a socket"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Runtime)
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let mut cells = Vec::new();
        let mut absences = Absences::default();
        for spec in specs(run.quick, &Flavour::ALL, &Source::ALL) {
            for Participant { entry, strategy } in run.participants {
                let what = format!("{}, {}", entry.name, spec.flavour.name());
                let Some(sample) = absences.note(&what, strategy.wakes(spec)) else { continue };
                let wakes = f64::from(spec.source.wakes());
                cells.push(Cell {
                    strategy: entry.name.to_owned(),
                    params: params_of(spec),
                    metrics: vec![
                        Metric::time("time_per_wake", wakes),
                        Metric::cpu("cpu_per_wake", wakes),
                    ],
                    iterations: iterations(spec.source, run.budget.sample_time),
                    sample,
                });
            }
        }
        absences.say(NAME, run.progress);
        run.progress.expect(run.ticks(cells.len()));
        run.measure(NAME, cells)
    }

    fn counts(&self) -> bool {
        true
    }

    /// On one thread, and without the source that is another: how threads wait is not the same each time.
    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let sources = [Source::Own, Source::Task, Source::Reactor];
        let specs = specs(run.quick, &[Flavour::Current], &sources);
        run.progress.expect((specs.len() * run.participants.len()) as u64);
        let mut records = Vec::new();
        for spec in specs {
            for Participant { entry, strategy } in run.participants {
                let name = entry.name;
                if matches!(strategy.wakes(spec), Ok(Some(_))) {
                    let count = counter.per_wake(name, &**strategy, spec)?;
                    let metric = "instructions_per_wake";
                    records.push(instructions::record(NAME, name, params_of(spec), metric, count));
                }
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let mut sections = Vec::new();
        for flavour in Flavour::ALL {
            for source in Source::ALL {
                let of_source = |record: &&Record| {
                    record.text("flavour") == flavour.name()
                        && record.text("source") == source.name()
                        && record.metric != "time_per_wake"
                };
                let chosen: Vec<&Record> = records.iter().filter(of_source).collect();
                let Some(first) = chosen.first() else { continue };
                let unit = if first.unit == "1" { "instructions" } else { "ns of CPU time" };
                let whose = match flavour {
                    Flavour::Current => "of the thread",
                    Flavour::Multi => "of all threads",
                };
                let note = match source {
                    Source::Own => "A task wakes itself.",
                    Source::Task => "Two tasks of this depth wake each other.",
                    Source::Thread => {
                        "A task and a thread wake each other; each waits for the other."
                    }
                    Source::Reactor => "Two tasks of this depth send each other a byte.",
                };
                sections.push(Section {
                    title: format!(
                        "wake, {}, {}: {unit} per wake by depth",
                        source.name(),
                        flavour.name()
                    ),
                    note: match first.unit.as_str() {
                        "1" => note.to_owned(),
                        _ => format!(
                            "{note} CPU time {whose}; on the wall: `time_per_wake` in the JSON."
                        ),
                    },
                    grid: Grid::pivot("depth", &chosen, |r| r.text("depth"), label),
                    figure: Some(plot::lines("depth", unit, &lines_by(&chosen, "depth", label))?),
                });
            }
        }
        Ok(sections)
    }
}
