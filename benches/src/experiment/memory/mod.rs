//! `memory`: the size of a suspended call stack in bytes, by how it is written and where its frames lie.

use anyhow::{Context as _, Result, bail, ensure};
use lab_strategies::registry::{self, Entry, Work};
use lab_work::child::{Connection, Reply, Request};
use lab_work::drive::Sample;
use lab_work::drive::{Placement, Runner};
use lab_work::memory::{
    Case, Footprint, HOST_STACK_DEPTH, PAYLOADS, Shape, TASK_DEPTH, WORDS, movability,
};
use lab_work::strategy::Strategy;

use super::run::{Experiment, Participant, Run};
use super::tools::params;
use crate::measure::{Cell, Metric, record_of, timed};
use crate::record::{Params, Record};
use crate::show::Section;

mod show;

pub(super) struct Memory;

const NAME: &str = "memory";

/// The case of chains that are moved before they start.
const MOVE: &str = "move";

/// The cases of one chain with a payload of bytes, and how often each is repeated.
const CHAINS: [(Shape, &[u32]); 11] = [
    (Shape::Held, &[0]),
    (Shape::Passed, &[1, 2, 4, 8]),
    (Shape::PassedLate, &[1, 2, 4, 8]),
    (Shape::Wrap, &[1, 2, 4, 8]),
    (Shape::Combine, &[1, 4, 8]),
    (Shape::Timeout, &[1, 3]),
    (Shape::Sequential, &[1, 2, 4, 16]),
    (Shape::Disjoint, &[1, 2, 4]),
    (Shape::Packed, &[1, 2, 4]),
    (Shape::Branch, &[1]),
    (Shape::Join, &[2]),
];

/// The second is for those that need no host stack for a level.
const RECURSION_DEPTHS: [u32; 2] = [HOST_STACK_DEPTH, 1_000_000];

const TASKS: [Shape; 2] = [Shape::TasksArguments, Shape::TasksLocals];

/// How much of it all.
struct Scope {
    payloads: &'static [u32],
    recursion_depths: &'static [u32],
    words: &'static [u32],
    /// How many tasks are suspended at the same time.
    tasks: u32,
}

const FULL: Scope = Scope {
    payloads: &PAYLOADS,
    recursion_depths: &RECURSION_DEPTHS,
    words: &WORDS,
    tasks: 1_000_000,
};

/// Some seconds. With so few tasks, the allocator's reserve is some bytes of each.
const QUICK: Scope =
    Scope { payloads: &[1024], recursion_depths: &[HOST_STACK_DEPTH], words: &[8], tasks: 20_000 };

fn cases(quick: bool) -> Vec<Case> {
    let scope = if quick { QUICK } else { FULL };
    let mut cases = Vec::new();
    for &payload in scope.payloads {
        for (shape, depths) in CHAINS {
            cases.extend(depths.iter().map(|&depth| Case { shape, depth, payload, tasks: 1 }));
        }
    }
    for &depth in scope.recursion_depths {
        // The larger ones would take more memory than most machines have for a test.
        let payloads = if depth > HOST_STACK_DEPTH { &scope.words[..1] } else { scope.words };
        cases.extend(payloads.iter().map(|&payload| Case {
            shape: Shape::Recursion,
            depth,
            payload,
            tasks: 1,
        }));
    }
    for shape in TASKS {
        let task = |&payload| Case { shape, depth: TASK_DEPTH, payload, tasks: scope.tasks };
        cases.extend(scope.words.iter().map(task));
    }
    cases
}

impl Experiment for Memory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "bytes and allocations of suspended stacks: payloads, recursion, a million tasks"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Memory)
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let cases = cases(run.quick);
        run.progress.expect((cases.len() * run.participants.len()) as u64);
        let mut records = Vec::new();
        for case in cases {
            for Participant { entry, strategy } in run.participants {
                let name = entry.name;
                let measured = footprints(name, strategy.as_ref(), case)
                    .with_context(|| format!("{name} on {case:?}"))?;
                for (placement, footprint) in measured {
                    records.extend(records_of(name, case, placement, &footprint));
                }
                run.progress.tick();
            }
        }
        let cells = moving(run.participants, &mut records);
        run.progress.expect(run.ticks(cells.len()));
        records.extend(run.measure(NAME, cells)?);
        // By case within a strategy, so that a table's columns of one strategy are side by side.
        records.sort_by_key(|record| registry::rank(&record.strategy));
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        show::sections(records)
    }
}

/// The cells that move chains; the records get the sizes of these chains.
fn moving(participants: &[&Participant], records: &mut Vec<Record>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for payload in movability::PAYLOADS {
        for Participant { entry, strategy } in participants {
            let name = entry.name;
            let Some(unstarted) = strategy.unstarted(payload) else { continue };
            let params = params! { "case": MOVE, "depth": 4, "payload": payload };
            records.push(record(name, &params, "bytes", "B", unstarted.bytes as f64));
            let runs = [("time_per_move", unstarted.moves), ("time_per_spawn", unstarted.spawns)];
            cells.extend(runs.map(|(metric, run)| Cell {
                strategy: name.to_owned(),
                params: params.clone(),
                metrics: vec![Metric::time(metric, 1.0)],
                iterations: None,
                sample: timed(checked(name, payload, run)),
            }));
        }
    }
    cells
}

/// Moves a chain and checks its result, which is the same after any number of moves.
fn checked(strategy: &str, payload: u32, mut run: Runner) -> Sample {
    let name = format!("{strategy} moving {payload} bytes");
    Box::new(move |iterations| {
        let timed = run(iterations).with_context(|| name.clone())?;
        ensure!(
            timed.checksum == movability::RESULT,
            "wrong result: {name}, {iterations} iterations: expected {}, got {}",
            movability::RESULT,
            timed.checksum,
        );
        Ok(timed.elapsed)
    })
}

/// All ways in which a strategy runs a case. Resident memory is measured in a process for each.
fn footprints(
    name: &str,
    strategy: &dyn Strategy,
    case: Case,
) -> Result<Vec<(Option<Placement>, Footprint)>> {
    let probes = strategy.probes(case)?.into_iter();
    if !case.shape.is_tasks() {
        return probes.map(|probe| Ok((probe.placement, (probe.measure)()?))).collect();
    }
    let program = match strategy.child_program() {
        Some(program) => program,
        None => std::env::current_exe()?,
    };
    probes
        .map(|probe| {
            let placement = probe.placement;
            let mut child = Connection::start(&program, name, strategy.child_environment())?;
            match child.ask(&Request::Probe { case, placement })? {
                Reply::Footprint(footprint) => Ok((placement, footprint)),
                other => bail!("the child answers {other:?}"),
            }
        })
        .collect()
}

fn records_of(
    name: &str,
    case: Case,
    placement: Option<Placement>,
    footprint: &Footprint,
) -> Vec<Record> {
    let mut params = params! {
        "case": case.shape.name(), "depth": case.depth, "payload": case.payload,
    };
    if let Some(placement) = placement {
        params.insert("placement".to_owned(), placement.name().into());
    }
    let record = |metric, unit, value| record(name, &params, metric, unit, value);
    let peak = footprint.peak_bytes.map(|peak| record("peak_bytes", "B", peak));
    [record("bytes", "B", footprint.bytes)]
        .into_iter()
        .chain(peak)
        .chain([record("allocations", "1", footprint.allocations)])
        .collect()
}

/// A figure that is counted, not sampled.
fn record(strategy: &str, params: &Params, metric: &str, unit: &str, value: f64) -> Record {
    record_of(NAME, strategy, params, metric, unit, vec![value])
}
