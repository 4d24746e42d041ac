//! `prefetch`: lookups in tables larger than the caches, a group at a time, and where that loses.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use lab_strategies::naive::Naive;
use lab_strategies::registry::{Entry, Work};
use lab_work::prefetch::counters::{Counters, EVENTS};
use lab_work::prefetch::memory::{Pages, available};
use lab_work::prefetch::{Data, Lookups, Spec, Way};
use lab_work::strategy::Strategy as _;

use super::run::{Experiment, Participant, Run};
use super::tools::params;
use crate::measure::instructions::{self, Counter};
use crate::measure::{Cell, Metric, timed};
use crate::record::{Params, Record};
use crate::show::Section;

mod cases;
mod ratios;
mod sections;

use cases::Case;

pub(super) struct Prefetch;

/// In how many slices the inputs are. A sample takes one, and neighbours take different ones, so
/// that none finds in the caches what the one before it has left there.
const SLICES: usize = 16;

/// The groups of the floor beside each table.
const FLOOR_GROUPS: [usize; 4] = [1, 8, 16, 32];

impl Experiment for Prefetch {
    fn name(&self) -> &'static str {
        "prefetch"
    }

    fn about(&self) -> &'static str {
        "hiding memory latency: lookups interleaved in groups, against lookups one by one"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Lookups)
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let mut counters = match Counters::open() {
            Ok(counters) => Some(counters),
            Err(error) => {
                run.progress.say(&format!("hardware counters: not available here ({error:#})"));
                None
            }
        };
        let mut records = Vec::new();
        let cases = cases::all(run.quick);
        for case in &cases {
            run.progress.expect(run.ticks(contestants(case, run.participants).len()));
        }
        for case in &cases {
            records.extend(measured(case, run, counters.as_mut())?);
        }
        Ok(records)
    }

    fn counts(&self) -> bool {
        true
    }

    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        // Instructions do not depend on the size of a table, only on the number of steps.
        let cases = cases::counted(run.quick);
        let mut records = Vec::new();
        for case in &cases {
            run.progress.expect(contestants(case, run.participants).len() as u64);
        }
        for case in &cases {
            for Contestant { participant, way, .. } in contestants(case, run.participants) {
                let Participant { entry, strategy } = participant;
                let name = entry.name;
                let count = counter.per_lookup(name, strategy.as_ref(), case.spec, way)?;
                let (metric, per) = match case.spec.steps() {
                    Some(steps) => ("instructions_per_step", f64::from(steps)),
                    None => ("instructions_per_lookup", 1.0),
                };
                let params = case.params(way);
                records.push(instructions::record("prefetch", name, params, metric, count / per));
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        sections::all(records)
    }
}

/// A strategy with a way of doing the lookups of a case.
struct Contestant<'p> {
    participant: &'p Participant,
    way: Way,
    lookups: Lookups,
}

fn contestants<'p>(case: &Case, participants: &[&'p Participant]) -> Vec<Contestant<'p>> {
    let mut all = Vec::new();
    for way in case.ways() {
        for participant in participants {
            if let Some(lookups) = participant.strategy.lookups(case.spec, way) {
                all.push(Contestant { participant, way, lookups });
            }
        }
    }
    all
}

/// Measures one case: all ways of all strategies, and the floor, in alternating rounds.
fn measured(
    case: &Case,
    run: &mut Run<'_>,
    counters: Option<&mut Counters>,
) -> Result<Vec<Record>> {
    let contestants = contestants(case, run.participants);
    if contestants.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(reason) = too_large(case, run.participants) {
        (0..run.ticks(contestants.len())).for_each(|_| run.progress.tick());
        run.progress.say(&format!("prefetch: without {}: {reason}", case.title()));
        return Ok(Vec::new());
    }
    let mut cells = Cells { cells: Vec::new(), lookups: Vec::new() };
    let (data, pages) = build(case)?;
    for Contestant { participant, way, lookups } in contestants {
        let mut params = case.params(way);
        params.insert("pages".to_owned(), pages.name().into());
        cells.push(participant.name(), params, &data, case.lookups, lookups);
    }
    if case.workload != "chase" {
        add_floor(&mut cells, case)?;
        run.progress.expect(run.ticks(FLOOR_GROUPS.len()));
    }
    let mut records = run.measure("prefetch", cells.cells)?;
    if let Some(counters) = counters {
        for (timed, counted) in records.clone().iter().zip(&cells.lookups) {
            records.extend(counted.count(timed, counters)?);
        }
    }
    Ok(records)
}

/// The data of a case, and what pages they lie on.
fn build(case: &Case) -> Result<(Rc<Data>, Pages)> {
    let data = Data::build(case.spec, case.lookups * SLICES)
        .with_context(|| format!("prefetch, {}", case.title()))?;
    let pages = data.pages();
    Ok((Rc::new(data), pages))
}

/// The best that the machine can do on as much memory as the table of `case` has.
fn add_floor(cells: &mut Cells, case: &Case) -> Result<()> {
    let floor = cases::floor(case.spec.table_bytes());
    let (data, pages) = build(&floor)?;
    for group in FLOOR_GROUPS {
        let way = Way { group, call_depth: None };
        let mut params = floor.params(way);
        // Apart from the workload `chase`, and each beside its own table.
        params.extend(params! {
            "table_bytes": case.spec.table_bytes(), "beside": case.title(), "pages": pages.name()
        });
        let lookups = Naive.lookups(floor.spec, way).expect("naive has all chains");
        cells.push("naive", params, &data, floor.lookups, lookups);
    }
    Ok(())
}

/// Why the case cannot be measured here, if it cannot.
fn too_large(case: &Case, participants: &[&Participant]) -> Option<String> {
    // The floor takes as much again, unless it is the workload itself; a lab in a child process has
    // its own table.
    let floor = !matches!(case.spec, Spec::Chase { .. });
    let remote = participants.iter().filter(|p| p.strategy.child_program().is_some()).count();
    let needed = case.spec.table_bytes() * (1 + usize::from(floor) + remote);
    let available = available()?;
    let gib = |bytes: usize| bytes as f64 / f64::from(1 << 30);
    (needed > available / 10 * 9).then(|| {
        format!("needs {:.1} GiB, and {:.1} GiB are available", gib(needed), gib(available))
    })
}

/// The cells of a case, and their lookups once more, for the counters.
struct Cells {
    cells: Vec<Cell>,
    lookups: Vec<Counted>,
}

struct Counted {
    data: Rc<Data>,
    length: usize,
    lookups: Rc<RefCell<Lookups>>,
}

/// The inputs of a slice.
fn slice(number: usize, length: usize) -> Range<usize> {
    let number = number % SLICES;
    number * length..(number + 1) * length
}

impl Cells {
    fn push(
        &mut self,
        strategy: &str,
        params: Params,
        data: &Rc<Data>,
        length: usize,
        lookups: Lookups,
    ) {
        let lookups = Rc::new(RefCell::new(lookups));
        let counted = Counted { data: Rc::clone(data), length, lookups: Rc::clone(&lookups) };
        self.lookups.push(counted);
        let steps = data.spec.steps();
        // Round after round the cells of a round are on different slices.
        let mut turn = self.cells.len();
        let data = Rc::clone(data);
        self.cells.push(Cell {
            strategy: strategy.to_owned(),
            params,
            metrics: vec![match steps {
                Some(steps) => Metric::time("time_per_step", f64::from(steps)),
                None => Metric::time("time_per_lookup", 1.0),
            }],
            iterations: Some(length as u64),
            sample: timed(Box::new(move |_| {
                turn += 1;
                (lookups.borrow_mut())(&data, slice(turn, length), None)
            })),
        });
    }
}

impl Counted {
    /// Runs a slice with the hardware counters on: a record for each event beside the timed one.
    /// There is none for a strategy that runs in another process.
    fn count(&self, timed: &Record, counters: &mut Counters) -> Result<Vec<Record>> {
        counters.reset()?;
        (self.lookups.borrow_mut())(&self.data, slice(0, self.length), Some(counters))?;
        let counts = counters.read()?;
        let (steps, per) = match self.data.spec.steps() {
            Some(steps) => (f64::from(steps), "step"),
            None => (1.0, "lookup"),
        };
        let units = self.length as f64 * steps;
        let counted = EVENTS.iter().zip(counts).filter(|(_, count)| *count > 0);
        Ok(counted
            .map(|(event, count)| {
                let (params, metric) = (timed.params.clone(), format!("{event}_per_{per}"));
                let value = count as f64 / units;
                instructions::record("prefetch", &timed.strategy, params, &metric, value)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_each_other_and_begin_again() {
        assert_eq!([0, 1, SLICES].map(|number| slice(number, 10)), [0..10, 10..20, 0..10]);
        assert_eq!(slice(SLICES - 1, 10).end, 10 * SLICES);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_table_that_does_not_fit_is_left_out_with_its_size_as_the_reason() {
        let reason = |bytes| too_large(&cases::bsearch(bytes, 1, true), &[]);
        assert_eq!(reason(1 << 20), None);
        // With its floor beside it.
        let text = reason(1 << 50).unwrap();
        assert!(text.starts_with("needs 2097152.0 GiB, and "), "{text}");
    }
}
