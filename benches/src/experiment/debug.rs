//! `debug`: what a resume and a call take as the compiler optimises more or less, debug builds first.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab_strategies::registry::{Entry, Work};
use lab_work::repeated::{self, Deed};

use super::run::{Experiment, Participant, Run};
use super::tools::{packages, params, with};
use crate::measure::generated::Level;
use crate::measure::instructions::{self, Counter};
use crate::measure::{Cell, Metric, timed};
use crate::record::{Params, Record};
use crate::show::Section;
use crate::show::table::Grid;

pub(super) struct Debug;

const NAME: &str = "debug";

/// A program, and what describes it.
struct Built {
    strategy: &'static str,
    params: Params,
    program: PathBuf,
}

/// The programs of all participants at all levels of optimisation.
fn build(participants: &[&Participant]) -> Result<Vec<Built>> {
    let mut programs = Vec::new();
    for (strategy, package) in packages(participants)? {
        for level in Level::ALL {
            let mut params = params! { "opt_level": level.0, "depth": repeated::LEVELS };
            params.extend(package.params());
            let program =
                package.repeating(level).with_context(|| format!("{NAME} of {strategy}"))?;
            verify(&program)?;
            programs.push(Built { strategy, params, program });
        }
    }
    Ok(programs)
}

/// Lets the program do it so often, and returns how long it took.
fn run(program: &PathBuf, deed: Deed, times: u64) -> Result<Duration> {
    let output = Command::new(program)
        .args([deed.name(), &times.to_string()])
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let (nanoseconds, sum) = printed.trim().split_once(' ').unwrap_or_default();
    ensure!(
        output.status.success() && sum == repeated::expected(deed, times).to_string(),
        "{} {} {times} printed {printed:?}",
        program.display(),
        deed.name()
    );
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn verify(program: &PathBuf) -> Result<()> {
    Deed::ALL.into_iter().try_for_each(|deed| run(program, deed, 3).map(drop))
}

/// The parameters of a program that does `deed`.
fn doing(deed: Deed, params: &Params) -> Params {
    let mut all = params! { "case": deed.name() };
    all.extend(params.clone());
    all
}

impl Experiment for Debug {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "a resume and a call at the levels of optimisation 0 (a debug build), 1, s and 3"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Sources)
    }

    fn in_overview(&self) -> bool {
        false
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let programs = build(run.participants)?;
        let mut cells = Vec::new();
        for deed in Deed::ALL {
            for built in &programs {
                let program = built.program.clone();
                cells.push(Cell {
                    strategy: built.strategy.to_owned(),
                    params: doing(deed, &built.params),
                    metrics: vec![Metric::time("time", f64::from(deed.units()))],
                    iterations: None,
                    sample: timed(Box::new(move |times| self::run(&program, deed, times))),
                });
            }
        }
        run.progress.expect(run.ticks(cells.len()));
        run.measure(NAME, cells)
    }

    fn counts(&self) -> bool {
        true
    }

    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let programs = build(run.participants)?;
        run.progress.expect((programs.len() * Deed::ALL.len()) as u64);
        let mut records = Vec::new();
        for deed in Deed::ALL {
            for Built { strategy, params, program } in &programs {
                let count = counter.per_repetition(program, deed.name())?;
                let params = doing(deed, params);
                let value = count / f64::from(deed.units());
                records.push(instructions::record(NAME, strategy, params, "instructions", value));
                run.progress.tick();
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let counted = records.first().is_some_and(|record| record.unit == "1");
        let unit = if counted { "instructions" } else { "ns" };
        let mut sections = Vec::new();
        for deed in Deed::ALL {
            let chosen = with(records, "case", deed.name());
            if chosen.is_empty() {
                continue;
            }
            let of = match deed {
                Deed::Resume => "a resume below so many calls, the executor's loop included",
                Deed::Call => "a call that does not suspend: a chain of so many, over their number",
            };
            let levels = repeated::LEVELS;
            sections.push(Section {
                title: format!("debug, {}: {unit} by level of optimisation", deed.name()),
                note: format!(
                    "Depth {levels}: {of}. Level 0 is a debug build; the others are release builds."
                ),
                grid: Grid::pivot("strategy", &chosen, Record::label, |r| r.text("opt_level")),
                figure: None,
            });
        }
        Ok(sections)
    }
}
