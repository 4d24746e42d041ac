//! Experiments: which workloads are measured, how results are named, and how they are shown.

use anyhow::{Result, bail};

use crate::instructions::Counter;
use crate::measure::{Budget, Cell, checked, measure};
use crate::record::{Params, Record};
use crate::table::Grid;
use lab_work::drive::Placement;
use lab_work::strategy::Strategy;
use lab_work::workload::Workload;

mod call;
mod crossover;
mod generate;
mod join;
mod memory;
mod prefetch;
mod resume;

/// A strategy that can run here.
pub struct Participant {
    /// Its name in the JSON.
    pub name: &'static str,
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
}

impl std::fmt::Debug for Participant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What an experiment is told about the run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A coarser choice of workloads, where the full one is long.
    pub quick: bool,
    /// How much to sample.
    pub budget: Budget,
}

/// Follows the progress of a run.
pub trait Progress {
    /// So many more steps are to come.
    fn expect(&mut self, steps: u64);
    /// One step is done.
    fn tick(&mut self);
    /// Something that the reader should know now.
    fn say(&mut self, message: &str);
}

/// A part of an experiment's results as it is shown.
#[derive(Debug)]
pub struct Section {
    /// Headline, with the unit.
    pub title: String,
    /// What to know when reading it; may be empty.
    pub note: String,
    /// The numbers.
    pub grid: Grid,
    /// The picture, as SVG.
    pub figure: Option<String>,
}

/// One experiment.
pub trait Experiment: Sync {
    /// Its name on the command line and in the JSON.
    fn name(&self) -> &'static str;

    /// One line about it.
    fn about(&self) -> &'static str;

    /// Whether `strategy` takes part when none is named on the command line.
    fn takes(&self, strategy: &str) -> bool {
        let _ = strategy;
        true
    }

    /// What is measured. An experiment that cannot have all of it in memory at once implements
    /// [`run`](Experiment::run) instead.
    fn cells(&self, participants: &[&Participant], options: &Options) -> Vec<Cell> {
        let _ = (participants, options);
        Vec::new()
    }

    /// Measures.
    ///
    /// # Errors
    /// If a result is wrong.
    fn run(
        &self,
        participants: &[&Participant],
        options: &Options,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Record>> {
        let cells = self.cells(participants, options);
        progress.expect(crate::measure::ticks(cells.len(), &options.budget));
        measure(self.name(), cells, &options.budget, &mut || progress.tick())
    }

    /// Whether [`Experiment::count`] is implemented.
    fn counts(&self) -> bool {
        false
    }

    /// Counts instructions instead of measuring time.
    ///
    /// # Errors
    /// If a count fails, or this experiment has none.
    fn count(
        &self,
        counter: &Counter,
        participants: &[&Participant],
        options: &Options,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Record>> {
        let _ = (counter, participants, options, progress);
        bail!("the experiment `{}` has no instruction counts", self.name())
    }

    /// How the results are shown.
    ///
    /// # Errors
    /// If a figure cannot be drawn.
    fn sections(&self, records: &[Record]) -> Result<Vec<Section>>;
}

/// All experiments, in the order in which they run.
pub static ALL: [&dyn Experiment; 7] = [
    &resume::Resume,
    &call::Call,
    &crossover::Crossover,
    &memory::Memory,
    &join::Join,
    &generate::Generate,
    &prefetch::Prefetch,
];

/// The cells of all participants for one workload.
fn cells_of(
    participants: &[&Participant],
    workload: Workload,
    metric: &'static str,
    units: f64,
    params: impl Fn(Option<Placement>) -> Params,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for participant in participants {
        for variant in participant.strategy.variants(workload) {
            cells.push(Cell {
                strategy: participant.name.to_owned(),
                params: params(variant.placement),
                metric,
                units,
                iterations: None,
                sample: checked(participant.name, workload, variant.run),
            });
        }
    }
    cells
}

/// Builds [`Params`] from names and values.
macro_rules! params {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut params = $crate::record::Params::new();
        $(params.insert($name.to_owned(), ::serde_json::Value::from($value));)*
        params
    }};
}
use params;

/// The records that carry `param` = `value`.
fn with<'a>(records: &'a [Record], param: &str, value: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(param) == value).collect()
}

/// The records as lines of a plot over `param`: one for each label, in the order of appearance.
fn lines(records: &[&Record], param: &str) -> Vec<crate::plot::Line> {
    let mut lines: Vec<crate::plot::Line> = Vec::new();
    for record in records {
        let Some(x) = record.number(param) else { continue };
        let label = record.label();
        let point = (x as f64, record.value);
        match lines.iter_mut().find(|line| line.label == label) {
            Some(line) => line.points.push(point),
            None => lines.push(crate::plot::Line { label, points: vec![point] }),
        }
    }
    lines
}
