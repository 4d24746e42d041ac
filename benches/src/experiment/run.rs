//! Experiments, and the options of a run.

use anyhow::{Result, bail};
use lab_strategies::registry::Entry;
use lab_work::strategy::Strategy;

use crate::measure::instructions::Counter;
use crate::measure::{Budget, Cell, measure, ticks};
use crate::record::Record;
use crate::show::Section;

/// A strategy that can run here.
pub struct Participant {
    /// What is known of it.
    pub entry: &'static Entry,
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
}

impl Participant {
    /// Its name in the JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.entry.name
    }
}

impl std::fmt::Debug for Participant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// One run of an experiment.
pub struct Run<'a> {
    /// Who takes part.
    pub participants: &'a [&'a Participant],
    /// A coarser choice of workloads, where the full one is long.
    pub quick: bool,
    /// How much to sample.
    pub budget: Budget,
    /// Who is told about the progress.
    pub progress: &'a mut dyn Progress,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Run");
        debug.field("participants", &self.participants).field("quick", &self.quick);
        debug.field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Run<'_> {
    /// Measures cells, ticking.
    ///
    /// # Errors
    /// If a result is wrong.
    pub fn measure(&mut self, experiment: &str, cells: Vec<Cell>) -> Result<Vec<Record>> {
        measure(experiment, cells, &self.budget, &mut || self.progress.tick())
    }

    /// How often [`measure`](Run::measure) ticks for so many cells.
    #[must_use]
    pub fn ticks(&self, cells: usize) -> u64 {
        ticks(cells, &self.budget)
    }
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

/// One experiment.
pub trait Experiment: Sync {
    /// Its name on the command line and in the JSON.
    fn name(&self) -> &'static str;

    /// One line about it.
    fn about(&self) -> &'static str;

    /// Whether `strategy` takes part when none is named on the command line.
    fn takes(&self, strategy: &Entry) -> bool;

    /// Whether it runs when no experiment is named. Not, if it takes longer than a reader's patience.
    fn in_overview(&self) -> bool {
        true
    }

    /// The cells to be measured. An experiment that cannot have all of them in memory at once implements
    /// [`run`](Experiment::run) instead.
    fn cells(&self, run: &Run<'_>) -> Vec<Cell> {
        let _ = run;
        Vec::new()
    }

    /// Measures.
    ///
    /// # Errors
    /// If a result is wrong.
    fn run(&self, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let cells = self.cells(run);
        run.progress.expect(run.ticks(cells.len()));
        run.measure(self.name(), cells)
    }

    /// Whether [`Experiment::count`] is implemented.
    fn counts(&self) -> bool {
        false
    }

    /// Counts instructions instead of measuring time.
    ///
    /// # Errors
    /// If a count fails, or this experiment has none.
    fn count(&self, counter: &Counter, run: &mut Run<'_>) -> Result<Vec<Record>> {
        let _ = (counter, run);
        bail!("the experiment `{}` has no instruction counts", self.name())
    }

    /// How the results are shown.
    ///
    /// # Errors
    /// If a figure cannot be drawn.
    fn sections(&self, records: &[Record]) -> Result<Vec<Section>>;
}
