//! The command line. A program that brings strategies or experiments of its own has the same: [`main_with`].

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::experiment::{self, Experiment, Participant, Progress};
use crate::gate;
use crate::layout;
use crate::machine::Machine;
use crate::machine::noise::Noise;
use crate::measure::Budget;
use crate::measure::instructions::{By, Counter};
use crate::record::{JsonSink, Record};
use crate::serve;
use crate::show::Section;
use crate::show::report::{self, Absent, Page};
use crate::show::table;
use crate::{compare, self_check, tables};
use anyhow::{Context as _, Result, bail, ensure};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use lab_layout::build::wrapper;
use lab_strategies::registry::{self, Entry, Loaded, Setup};
use lab_work::paths;

/// Compare ways of resuming suspended call stacks.
///
/// Without arguments: every experiment in quick mode, with tables here and a report in HTML.
#[derive(Debug, Parser)]
#[command(name = "lab", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Args)]
struct Run {
    /// The experiment to run, or `all`; without, all but `build`, `size` and `debug`, in quick mode
    #[arg(value_parser = PossibleValuesParser::new(experiment_names()))]
    experiment: Option<String>,

    /// Fewer and shorter samples: a first look
    #[arg(long)]
    quick: bool,

    /// Write the results as one JSON object per line; `-` is the standard output, then without
    /// tables
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Only these strategies (see `lab list`)
    #[arg(long, value_delimiter = ',', value_name = "A,B",
          value_parser = PossibleValuesParser::new(registry::names()))]
    strategies: Vec<String>,

    /// Write a report with plots into this directory
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,

    /// Count instructions with valgrind instead of measuring time (`resume`, `call`, `join`, `generate`,
    /// `prefetch`, `wake`, `runtime`, `service`, `debug`)
    #[arg(long)]
    instructions: bool,

    /// Who counts them
    #[arg(long, value_enum, value_name = "PROGRAM", default_value_t, requires = "instructions")]
    count_by: By,

    /// Count twice, and fail unless both counts are the same
    #[arg(long, requires = "instructions")]
    twice: bool,

    /// A lab built with `--features tail-call`, to measure `direct-tail` beside `direct`
    #[arg(long, value_name = "PATH", env = "LAB_TAIL")]
    tail_lab: Option<PathBuf>,

    /// Samples for each cell
    #[arg(long, hide = true, value_parser = clap::value_parser!(u16).range(1..))]
    samples: Option<u16>,

    /// Length of a sample in microseconds
    #[arg(long, hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    sample_time: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name the experiments and the strategies, and say why a strategy cannot run here
    List,
    Layout(Box<layout::Arguments>),
    Gate(gate::Arguments),
    Compare(compare::Arguments),
    Tables(tables::Arguments),
    /// Compare strategies with themselves, 20 times: no difference may be seen
    SelfCheck,
    /// Run one cell once, untimed: what `--instructions` counts
    #[command(name = "__cell", hide = true)]
    Cell {
        strategy: String,
        request: String,
    },
    /// Run cells on request: what `--tail-lab` talks to
    #[command(name = "__serve", hide = true)]
    Serve {
        strategy: String,
    },
}

fn experiment_names() -> Vec<&'static str> {
    experiment::all().map(|experiment| experiment.name()).chain(["all"]).collect()
}

/// The program `lab`.
#[must_use]
pub fn main() -> ExitCode {
    main_with(Extension::default())
}

/// What a program adds to the lab. Its names must not be the lab's own.
#[derive(Clone, Copy, Default)]
pub struct Extension {
    /// Strategies.
    pub strategies: &'static [Entry],
    /// Experiments.
    pub experiments: &'static [&'static dyn Experiment],
}

impl std::fmt::Debug for Extension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let experiments: Vec<&str> = self.experiments.iter().map(|e| e.name()).collect();
        let mut debug = f.debug_struct("Extension");
        debug.field("strategies", &self.strategies).field("experiments", &experiments).finish()
    }
}

/// The program `lab` with what `extension` adds: for the `main` function of another package. Call it once, before
/// anything else.
///
/// # Panics
/// If it is called twice, or a name is the lab's own.
#[must_use]
pub fn main_with(extension: Extension) -> ExitCode {
    registry::extend(extension.strategies);
    experiment::extend(extension.experiments);
    // `lab layout` makes this program the wrapper of rustc: then the arguments are the compiler's.
    if let Some(code) = wrapper::run() {
        return code;
    }
    let cli = Cli::parse();
    let result = match &cli.command {
        None => run(&cli.run, None),
        Some(Command::List) => {
            list(&Setup { tail_lab: std::env::var_os("LAB_TAIL").map(Into::into) })
        }
        Some(Command::Layout(arguments)) => layout::run(arguments, None),
        Some(Command::Gate(arguments)) => gate::run(arguments),
        Some(Command::Compare(arguments)) => compare::run(arguments),
        Some(Command::Tables(arguments)) => tables(arguments),
        Some(Command::SelfCheck) => self_check::run(),
        Some(Command::Cell { strategy, request }) => serve::run_once(strategy, request),
        Some(Command::Serve { strategy }) => serve::serve(strategy),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough. This is the status that a shell reports for SIGPIPE.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(141),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// `lab list`
fn list(setup: &Setup) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Experiments")?;
    for experiment in experiment::all() {
        writeln!(out, "  {:<17} {}", experiment.name(), experiment.about())?;
    }
    writeln!(out, "\nStrategies")?;
    for Loaded { entry, state } in registry::load(|_| true, setup) {
        writeln!(out, "  {:<17} {}", entry.name, entry.about)?;
        match state {
            Ok(strategy) => {
                if let Some(by) = strategy.built_by() {
                    writeln!(out, "  {:<17} built by {by}", "")?;
                }
            }
            Err(reason) => writeln!(out, "  {:<17} cannot run here: {reason:#}", "")?,
        }
    }
    Ok(())
}

/// `lab tables`
fn tables(arguments: &tables::Arguments) -> Result<()> {
    if arguments.record {
        let commands = tables::recorded(arguments)?;
        // What a command names is where it was when the command was given.
        std::env::set_current_dir(arguments.project()?)?;
        for tables::Recorded { path, command } in commands {
            let cli = Cli::try_parse_from(command.split_whitespace())
                .with_context(|| format!("{}: `{command}`", path.display()))?;
            match &cli.command {
                None => run(&cli.run, Some(command)),
                Some(Command::Layout(arguments)) => layout::run(arguments, Some(command)),
                Some(_) => bail!("{}: `{command}` measures nothing", path.display()),
            }
            .with_context(|| path.display().to_string())?;
        }
    }
    tables::run(arguments)
}

/// `lab [experiment]`; `command` is the command line, if it is not this process's.
fn run(args: &Run, command: Option<String>) -> Result<()> {
    // Everything that can be refused is refused before anything is measured or written.
    let chosen: Vec<&dyn Experiment> = match args.experiment.as_deref() {
        None => experiment::all().filter(|experiment| experiment.in_overview()).collect(),
        Some("all") => experiment::all().collect(),
        Some(name) => experiment::all().filter(|e| e.name() == name).collect(),
    };
    if args.instructions && !chosen.iter().any(|experiment| experiment.counts()) {
        bail!("there are no instruction counts for `{}`", chosen[0].name());
    }
    let everything = args.experiment.is_none();
    let quick = args.quick || everything;
    let html = match &args.html {
        Some(directory) => Some(directory.clone()),
        // Counts have no report of their own unless asked for.
        None if everything && !args.instructions => Some(paths::target().join("lab-report")),
        None => None,
    };
    if let Some(directory) = &html {
        std::fs::create_dir_all(directory)
            .map_err(|error| anyhow::anyhow!("cannot create {}: {error}", directory.display()))?;
    }
    let mut json = args.json.as_deref().map(JsonSink::open).transpose()?;
    let tables = !matches!(json, Some(JsonSink::Stdout));
    let counter = args.instructions.then(|| Counter::new(args.count_by)).transpose()?;
    let (participants, absent) = participants(args, &chosen)?;

    let mut machine = Machine::here();
    machine.command = command.unwrap_or(machine.command);
    if let Some(processor) = counter.as_ref().and_then(Counter::emulates) {
        machine = machine.emulating(processor);
    }
    for Participant { entry, strategy } in &participants {
        machine.peers.extend(strategy.built_by().map(|by| (entry.name.to_owned(), by)));
    }
    if tables {
        writeln!(io::stdout(), "{}", machine.line())?;
        writeln!(io::stdout(), "{}", table::TIES)?;
        for Participant { entry, strategy } in &participants {
            if let Some(by) = strategy.built_by() {
                writeln!(io::stdout(), "{}: built by {by}", entry.name)?;
            }
        }
        for Absent { name, reason } in &absent {
            writeln!(io::stdout(), "without {name}: {reason}")?;
        }
    }
    let (mut sections, mut all) = (Vec::new(), Vec::new());
    for experiment in chosen {
        if counter.is_some() && !experiment.counts() {
            continue;
        }
        let mut bar = Bar::new(experiment.name());
        let taking_part: Vec<&Participant> = participants
            .iter()
            .filter(|p| !args.strategies.is_empty() || experiment.takes(p.entry))
            .collect();
        let mut run = experiment::Run {
            participants: &taking_part,
            quick,
            budget: budget(args, quick),
            progress: &mut bar,
        };
        // Counts do not depend on what else the machine does.
        machine.noise = counter.is_none().then(Noise::now);
        let mut records = match &counter {
            None => experiment.run(&mut run)?,
            Some(counter) => experiment.count(counter, &mut run)?,
        };
        if let (true, Some(counter)) = (args.twice, &counter) {
            same(&records, &experiment.count(counter, &mut run)?)?;
        }
        if let Some(first) = records.first_mut() {
            first.machine = Some(Box::new(machine.clone()));
        }
        bar.finish();
        if records.is_empty() && args.experiment.is_some() && !args.strategies.is_empty() {
            bail!("`{}` has nothing for {} to do", experiment.name(), args.strategies.join(", "));
        }
        if let Some(json) = &mut json {
            records.iter().try_for_each(|record| json.write(record))?;
        }
        if let (true, Some(noise)) = (tables, &machine.noise) {
            writeln!(io::stdout(), "\n{}: the machine is {}", experiment.name(), noise.line())?;
        }
        show(experiment, &records, tables, &mut sections)?;
        all.extend(records);
    }
    if let Some(directory) = html {
        let strategies = participants.iter().map(|participant| participant.entry).collect();
        let page = Page::of_experiments(&all, strategies, &absent);
        let path = report::write(&directory, &machine, &page, &sections)?;
        if tables {
            writeln!(io::stdout(), "\nreport: {}", path.display())?;
        }
    }
    Ok(())
}

/// Fails unless both are the same counts.
fn same(first: &[Record], second: &[Record]) -> Result<()> {
    ensure!(first.len() == second.len(), "{} counts, then {}", first.len(), second.len());
    for (first, second) in first.iter().zip(second) {
        ensure!(first == second, "counts that should be the same: {first:?} and {second:?}");
    }
    println!("two runs gave the same {} counts", first.len());
    Ok(())
}

/// Prints the tables of one experiment and keeps them for the report.
fn show(
    experiment: &dyn Experiment,
    records: &[Record],
    tables: bool,
    sections: &mut Vec<Section>,
) -> Result<()> {
    let new = experiment.sections(records)?;
    if tables {
        let mut out = io::stdout().lock();
        for Section { title, note, grid, .. } in &new {
            writeln!(out, "\n{title}\n{note}\n{}", grid.to_terminal())?;
        }
    }
    sections.extend(new);
    Ok(())
}

/// The strategies that run, and those that cannot. One that was named on the command line must.
fn participants(args: &Run, chosen: &[&dyn Experiment]) -> Result<(Vec<Participant>, Vec<Absent>)> {
    let named = |name: &str| args.strategies.iter().any(|strategy| strategy == name);
    let wanted = |entry: &Entry| {
        if args.strategies.is_empty() {
            chosen.iter().any(|experiment| experiment.takes(entry))
        } else {
            named(entry.name)
        }
    };
    let mut participants = Vec::new();
    let mut absent = Vec::new();
    let setup = Setup { tail_lab: args.tail_lab.clone() };
    for Loaded { entry, state } in registry::load(wanted, &setup) {
        match state {
            Ok(strategy) => participants.push(Participant { entry, strategy }),
            Err(reason) if named(entry.name) => {
                bail!("the strategy {} cannot run here: {reason:#}", entry.name)
            }
            Err(reason) => absent.push(Absent { name: entry.name, reason: format!("{reason:#}") }),
        }
    }
    Ok((participants, absent))
}

fn budget(args: &Run, quick: bool) -> Budget {
    let mut budget = if quick { Budget::QUICK } else { Budget::FULL };
    if let Some(samples) = args.samples {
        budget.samples = usize::from(samples);
    }
    if let Some(microseconds) = args.sample_time {
        budget.sample_time = Duration::from_micros(u64::from(microseconds));
    }
    budget
}

/// A progress bar on the standard error, invisible unless that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(name: &'static str) -> Self {
        let style = ProgressStyle::with_template("{prefix:>10} {wide_bar} {percent:>3}% {eta:>4}")
            .expect("the template is well-formed");
        Self(ProgressBar::new(0).with_style(style).with_prefix(name))
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn expect(&mut self, steps: u64) {
        self.0.inc_length(steps);
    }

    fn tick(&mut self) {
        self.0.inc(1);
    }

    fn say(&mut self, message: &str) {
        self.0.suspend(|| eprintln!("{message}"));
    }
}
