//! `build`: how long the compiler works on many small coroutines, against plain `async fn`s of the same text.

use anyhow::{Context as _, Result};
use lab_strategies::registry::{self, Entry, Work};
use lab_work::source::Size;

use super::run::{Experiment, Run};
use super::tools::{packages, params};
use crate::measure::generated::Mode;
use crate::measure::record_of;
use crate::record::Record;
use crate::show::Section;
use crate::show::table::{Grid, short};

pub(super) struct Build;

const NAME: &str = "build";

/// A hundred functions, or twenty for a first look.
fn size(quick: bool) -> Size {
    Size { chains: if quick { 2 } else { 10 }, levels: 10, awaits: 1 }
}

/// How often each program is compiled, in rounds over all of them.
const ROUNDS: usize = 5;

impl Experiment for Build {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "compile time of a hundred small functions: check, debug and release builds"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Sources)
    }

    fn in_overview(&self) -> bool {
        false
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let packages = packages(run.participants)?;
        let size = size(run.quick);
        let rounds = if run.quick { 1 } else { ROUNDS };
        run.progress.expect((packages.len() * Mode::ALL.len() * (rounds + 1)) as u64);
        let mut seconds = vec![Vec::new(); packages.len() * Mode::ALL.len()];
        for round in 0..=rounds {
            for (p, (strategy, package)) in packages.iter().enumerate() {
                for (m, mode) in Mode::ALL.into_iter().enumerate() {
                    let time = package
                        .compile(size, mode)
                        .with_context(|| format!("{NAME} of {strategy}"))?;
                    // The first build is that of the dependencies, too.
                    if round > 0 {
                        seconds[p * Mode::ALL.len() + m].push(time.as_secs_f64());
                    } else if mode != Mode::Check {
                        package.verify(size, mode)?;
                    }
                    run.progress.tick();
                }
            }
        }
        let mut seconds = seconds.into_iter();
        let mut records = Vec::new();
        for (strategy, package) in packages {
            for mode in Mode::ALL {
                let mut params = params! { "functions": size.functions(), "levels": size.levels };
                params.extend(package.params());
                let samples = seconds.next().expect("one for each package and mode");
                let metric = format!("{}_s", mode.name());
                records.push(record_of(NAME, strategy, &params, &metric, "s", samples));
            }
        }
        Ok(records)
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let all: Vec<&Record> = records.iter().collect();
        let times = Grid::pivot("strategy", &all, Record::label, |record| record.metric.clone());
        let ratios = against_baseline(&all);
        let functions = records.first().map(|record| record.text("functions")).unwrap_or_default();
        let note = format!(
            "Processor time of Cargo, the compiler and the linker for one package of {functions} functions, in chains \
             of ten calls; without its dependencies, and not incremental."
        );
        let mut sections = vec![Section {
            title: "build: processor time (s)".to_owned(),
            note,
            grid: times,
            figure: None,
        }];
        if !ratios.rows.is_empty() {
            sections.push(Section {
                title: format!("build: time / time of {}", registry::baseline()),
                note: String::new(),
                grid: ratios,
                figure: None,
            });
        }
        Ok(sections)
    }
}

/// Each value over the baseline's of the same metric.
fn against_baseline(records: &[&Record]) -> Grid {
    let baseline = |metric: &str| {
        let of = |r: &&&Record| r.strategy == registry::baseline() && r.metric == metric;
        records.iter().find(of).map(|record| record.value)
    };
    let mut grid = Grid { corner: "strategy".to_owned(), ..Grid::default() };
    for record in records.iter().filter(|record| record.strategy != registry::baseline()) {
        let Some(base) = baseline(&record.metric) else { continue };
        if !grid.columns.contains(&record.metric) {
            grid.columns.push(record.metric.clone());
        }
        let cell = short(record.value / base);
        match grid.rows.iter_mut().find(|(label, _)| *label == record.label()) {
            Some((_, cells)) => cells.push(cell),
            None => grid.rows.push((record.label(), vec![cell])),
        }
    }
    grid
}
