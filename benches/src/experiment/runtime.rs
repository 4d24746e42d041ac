//! `runtime`: what runtimes do all day.

use anyhow::Result;
use lab_strategies::registry::{Entry, Work};
use lab_work::flavour::Flavour;
use lab_work::tasks::{Bench, Spec};

use super::run::{Experiment, Participant, Run};
use super::tools::{Absences, params};
use crate::measure::instructions::{self, Counter};
use crate::measure::{Cell, Metric};
use crate::record::{Params, Record};
use crate::show::Section;
use crate::show::table::Grid;

pub(super) struct Runtime;

const NAME: &str = "runtime";

fn benches(quick: bool) -> [Bench; 14] {
    // The figures of the first look are too good: what fits into the caches costs less.
    let (many, some, few) =
        if quick { (10_000, 10_000, 2_000) } else { (1_000_000, 100_000, 20_000) };
    [
        Bench::SpawnMany,
        Bench::SpawnJoin,
        Bench::YieldMany,
        Bench::PingPong,
        Bench::ChainedSpawn,
        Bench::Echo { connections: 1 },
        Bench::Echo { connections: 64 },
        Bench::Hyper { connections: 1 },
        Bench::Hyper { connections: 64 },
        Bench::Hyper { connections: 512 },
        Bench::TimersArm { timers: many },
        Bench::TimersRepoll { timers: some },
        Bench::TimersCancel { timers: some },
        Bench::TimersFire { timers: few },
    ]
}

fn specs(quick: bool, flavours: &[Flavour]) -> Vec<Spec> {
    let of = |&flavour| benches(quick).map(|bench| Spec { bench, flavour });
    flavours.iter().flat_map(of).collect()
}

fn params_of(spec: Spec) -> Params {
    let mut params = params! { "bench": spec.bench.name(), "workers": spec.flavour.workers() };
    match spec.bench {
        Bench::Echo { connections } | Bench::Hyper { connections } => {
            params.insert("connections".to_owned(), connections.into());
        }
        Bench::TimersArm { timers }
        | Bench::TimersRepoll { timers }
        | Bench::TimersCancel { timers }
        | Bench::TimersFire { timers } => {
            params.insert("timers".to_owned(), timers.into());
        }
        _ => {}
    }
    params
}

fn metrics_of(bench: Bench) -> Vec<Metric> {
    let items = bench.items() as f64;
    let cpu = Metric::cpu("cpu_per_item", items);
    match bench {
        Bench::Echo { .. } | Bench::Hyper { .. } => {
            vec![cpu, Metric::throughput(items), Metric::p50(), Metric::p99()]
        }
        // On the wall it is a wait.
        Bench::TimersFire { .. } => vec![cpu],
        _ => vec![Metric::time("time_total", 1.0), cpu],
    }
}

impl Experiment for Runtime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "what runtimes do: spawning, joining, yielding, messages, servers (echo, HTTP), timers"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Runtime)
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let mut cells = Vec::new();
        let mut absences = Absences::default();
        for spec in specs(run.quick, &Flavour::ALL) {
            for Participant { entry, strategy } in run.participants {
                let what = format!("{}, {}", entry.name, spec.flavour.name());
                let Some(sample) = absences.note(&what, strategy.tasks(spec)) else { continue };
                // Where an iteration is long, or a wait, it is one.
                let iterations = match spec.bench {
                    Bench::YieldMany | Bench::TimersArm { .. } | Bench::TimersFire { .. } => {
                        Some(1)
                    }
                    _ => None,
                };
                cells.push(Cell {
                    strategy: entry.name.to_owned(),
                    params: params_of(spec),
                    metrics: metrics_of(spec.bench),
                    iterations,
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

    /// On one thread, and what needs neither another nor the clock.
    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let mut specs = specs(true, &[Flavour::Current]);
        // What is armed is also cancelled under valgrind, which knows of no stopwatch.
        specs.retain(|spec| {
            use Bench::{Echo, Hyper, TimersCancel, TimersFire};
            !matches!(
                spec.bench,
                Echo { .. } | Hyper { .. } | TimersCancel { .. } | TimersFire { .. }
            )
        });
        run.progress.expect((specs.len() * run.participants.len()) as u64);
        let mut records = Vec::new();
        for spec in specs {
            for Participant { entry, strategy } in run.participants {
                let name = entry.name;
                if matches!(strategy.tasks(spec), Ok(Some(_))) {
                    let count = counter.per_item(name, &**strategy, spec)?;
                    let metric = "instructions_per_item";
                    records.push(instructions::record(NAME, name, params_of(spec), metric, count));
                }
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let table = |title: &str, note: &str, metric: &str| {
            let chosen: Vec<&Record> = records.iter().filter(|r| r.metric == metric).collect();
            (!chosen.is_empty()).then(|| Section {
                title: format!("runtime: {title}"),
                note: note.to_owned(),
                grid: Grid::pivot("work", &chosen, row, column),
                figure: None,
            })
        };
        let sections = [
            table(
                "instructions per item",
                "On one thread. A timer that is armed is also cancelled.",
                "instructions_per_item",
            ),
            table(
                "ns of CPU time per item",
                "An item is a task, a yield, a pair of tasks, a message, a request, a timer. CPU time of the thread \
                 with one worker, else of all threads; for the server without the client's.",
                "cpu_per_item",
            ),
            table(
                "messages or requests per second",
                "With a client on the same machine.",
                "throughput",
            ),
            table("ns that half of the requests take at most", "", "p50"),
            table("ns that 99 % of the requests take at most", "", "p99"),
        ];
        Ok(sections.into_iter().flatten().collect())
    }
}

fn row(record: &Record) -> String {
    let mut row = record.text("bench");
    for param in ["connections", "timers"] {
        if record.params.contains_key(param) {
            row = format!("{row}, {} {param}", record.text(param));
        }
    }
    row
}

fn column(record: &Record) -> String {
    match record.number("workers") {
        Some(1) => record.strategy.clone(),
        _ => format!("{} ({} workers)", record.strategy, record.text("workers")),
    }
}
