//! `call`: the cost of a call whose callee never suspends, or once, and of calls in a deep recursion.

use anyhow::Result;
use lab_strategies::registry::{Entry, Work};
use lab_work::drive::Placement;
use lab_work::workload::{Chain, DEEPEST_UNROLLED, DEPTHS, Workload, fib_calls};

use super::run::{Experiment, Participant, Run};
use super::tools::{cells_of, lines, params, with};
use crate::measure::Cell;
use crate::measure::instructions::{self, Counter};
use crate::record::{Params, Record};
use crate::show::Section;
use crate::show::plot;
use crate::show::table::Grid;

pub(super) struct Call;

/// The cases on a static chain, with the number of suspensions of the leaf.
const CHAINS: [(&str, u64); 2] = [("ready", 0), ("once", 1)];

/// The recursive cases.
const FIBS: [(&str, u32, bool); 2] = [("fib", 25, false), ("fib-yield", 20, true)];

fn params_of(case: &str, depth: u32, placement: Option<Placement>) -> Params {
    let mut params = params! { "case": case, "depth": depth };
    if let Some(placement) = placement {
        params.insert("placement".to_owned(), placement.name().into());
    }
    params
}

fn depths() -> impl Iterator<Item = u32> {
    DEPTHS.into_iter().filter(|&depth| depth <= DEEPEST_UNROLLED)
}

fn chain(depth: u32, suspensions: u64) -> Workload {
    Workload::Call { chain: Chain::Static, depth, suspensions }
}

impl Experiment for Call {
    fn name(&self) -> &'static str {
        "call"
    }

    fn about(&self) -> &'static str {
        "cost of calling: chains whose leaf suspends never (ready) or once, recursive fib, fib-yield"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Chains)
    }

    fn cells(&self, run: &Run<'_>) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (case, suspensions) in CHAINS {
            for depth in depths() {
                let units = f64::from(depth);
                cells.extend(cells_of(
                    run.participants,
                    chain(depth, suspensions),
                    "time_per_level",
                    units,
                    |placement| params_of(case, depth, placement),
                ));
            }
        }
        for (case, n, yields) in FIBS {
            let units = fib_calls(n) as f64;
            cells.extend(cells_of(
                run.participants,
                Workload::Fib { n, yields },
                "time_per_call",
                units,
                |placement| params_of(case, n, placement),
            ));
        }
        cells
    }

    fn counts(&self) -> bool {
        true
    }

    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        // A level costs what doubling the depth adds, so that the driver's share cancels out.
        let depths: Vec<u32> = depths().filter(|&d| d > 1 && (!run.quick || d == 16)).collect();
        run.progress
            .expect(((depths.len() * CHAINS.len() + FIBS.len()) * run.participants.len()) as u64);
        let mut records = Vec::new();
        let mut push = |name: &str, params, metric, value| {
            records.push(instructions::record("call", name, params, metric, value));
        };
        for Participant { entry, strategy } in run.participants {
            let name = entry.name;
            let strategy = strategy.as_ref();
            for (case, suspensions) in CHAINS {
                for &depth in &depths {
                    let (shallow, deep) =
                        (chain(depth / 2, suspensions), chain(depth, suspensions));
                    for variant in strategy.variants(deep) {
                        let count = |workload| {
                            counter.per_iteration(name, strategy, variant.placement, workload)
                        };
                        let per_level =
                            (count(deep)? - count(shallow)?) / f64::from(depth - depth / 2);
                        let params = params_of(case, depth, variant.placement);
                        push(name, params, "instructions_per_level", per_level);
                    }
                    run.progress.tick();
                }
            }
            for (case, n, yields) in FIBS {
                // Smaller than under the clock: counts need no repetition, and valgrind is slow.
                let n = n - 8;
                let workload = Workload::Fib { n, yields };
                for variant in strategy.variants(workload) {
                    let count =
                        counter.per_iteration(name, strategy, variant.placement, workload)?;
                    let params = params_of(case, n, variant.placement);
                    push(name, params, "instructions_per_call", count / fib_calls(n) as f64);
                }
                run.progress.tick();
            }
        }
        records.sort_by_key(|record| (order(record), record.number("depth")));
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let counted = records.first().is_some_and(|record| record.unit == "1");
        let unit = if counted { "instructions" } else { "ns" };
        let mut sections = Vec::new();
        for (case, suspensions) in CHAINS {
            let chosen = with(records, "case", case);
            if chosen.is_empty() {
                continue;
            }
            let note = if counted {
                "What a level adds when the depth doubles."
            } else {
                "Time of the whole call, polls and resumes included, over the depth."
            };
            let axis = format!("{unit} per level");
            sections.push(Section {
                title: format!(
                    "call, {case} (static chain, leaf suspends {suspensions} times): {axis} by depth"
                ),
                note: note.to_owned(),
                figure: Some(plot::lines("depth", &axis, &lines(&chosen, "depth"))?),
                grid: Grid::pivot("depth", &chosen, |r| r.text("depth"), Record::label),
            });
        }
        let recursive: Vec<&Record> = records
            .iter()
            .filter(|record| FIBS.iter().any(|(case, ..)| record.text("case") == *case))
            .collect();
        if !recursive.is_empty() {
            sections.push(fib_section(&recursive, unit)?);
        }
        Ok(sections)
    }
}

/// The place of a record's case in the tables.
fn order(record: &Record) -> usize {
    let case = record.text("case");
    let cases = CHAINS.iter().map(|c| c.0).chain(FIBS.iter().map(|f| f.0));
    cases.take_while(|name| *name != case).count()
}

fn fib_section(records: &[&Record], unit: &str) -> Result<Section> {
    let bars: Vec<(String, f64)> = records
        .iter()
        .map(|record| (format!("{} {}", record.text("case"), record.label()), record.value))
        .collect();
    let name = |record: &Record| format!("{}({})", record.text("case"), record.text("depth"));
    Ok(Section {
        title: format!("call, recursive: {unit} per call"),
        note: "fib: no suspension; fib-yield: every leaf suspends once. Stackful calls are plain \
               calls on one stack."
            .to_owned(),
        grid: Grid::pivot("strategy", records, Record::label, name),
        figure: Some(plot::bars(&format!("{unit} per call"), &bars)?),
    })
}
