//! Exact instruction counts, by valgrind's callgrind or by QEMU.
//!
//! The lab runs itself under one of them with two numbers of iterations; the difference of the totals
//! belongs to the difference of the iterations, and everything else cancels out. The figures repeat
//! exactly, on a busy machine too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use lab_work::child::Request;
use lab_work::drive::Placement;
use lab_work::generate::Shape;
use lab_work::prefetch::{Spec, Way};
use lab_work::strategy::Strategy;
use lab_work::workload::Workload;
use lab_work::{join, tasks, wake};

use super::emulator::Emulator;
use crate::record::{Params, Record};

/// Iterations of the shorter run: enough for every pool, vector and cache to have its final size.
const FEW: u64 = 200;
/// Iterations of the longer run.
const MANY: u64 = 1200;

/// The variable of a child's environment that says how many instructions more it is to execute.
pub const MORE: &str = "LAB_MORE_INSTRUCTIONS";

/// Who counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// callgrind, on the processor that is there
    #[default]
    Valgrind,
    /// An emulator of the lab's architecture, which may be another than the machine's
    Qemu,
}

/// Counts instructions.
#[derive(Debug)]
pub struct Counter(Option<Emulator>);

impl Counter {
    /// Looks for the program that counts.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn new(by: By) -> Result<Self> {
        if by == By::Qemu {
            return Ok(Self(Some(Emulator::find()?)));
        }
        let status = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(Self(None)),
            _ => bail!("--instructions needs `valgrind` on the path: apt-get install valgrind"),
        }
    }

    /// The processor that is counted on, if it is not the machine's.
    #[must_use]
    pub fn emulates(&self) -> Option<String> {
        self.0.as_ref().map(Emulator::describe)
    }

    /// Instructions per iteration of `workload`.
    ///
    /// # Errors
    /// If a run fails or its result is wrong.
    pub fn per_iteration(
        &self,
        name: &str,
        strategy: &dyn Strategy,
        placement: Option<Placement>,
        workload: Workload,
    ) -> Result<f64> {
        let (few, many) = match workload {
            // One `fib` is many calls already.
            Workload::Fib { .. } => (1, 2),
            // An emulator is fast, and how values lie in memory makes a difference of some hundred instructions.
            _ if self.0.is_some() => (FEW, 10 * MANY),
            _ => (FEW, MANY),
        };
        let total = |iterations| {
            self.total(name, strategy, &Request::Run { workload, placement, iterations })
                .with_context(|| format!("{name} on {workload:?} under its counter"))
        };
        Ok((total(many)? - total(few)?) / (many - few) as f64)
    }

    /// Instructions per lookup. Building the table cancels out; checking the results adds a few
    /// instructions, to all strategies the same.
    ///
    /// # Errors
    /// If a run fails or a result is wrong.
    pub fn per_lookup(
        &self,
        name: &str,
        strategy: &dyn Strategy,
        spec: Spec,
        way: Way,
    ) -> Result<f64> {
        let total = |lookups| {
            let request = Request::Lookups { spec, inputs: MANY as usize, way, range: 0..lookups };
            self.total(name, strategy, &request)
                .with_context(|| format!("{name} on {spec:?} under its counter"))
        };
        Ok((total(MANY as usize)? - total(FEW as usize)?) / (MANY - FEW) as f64)
    }

    /// Instructions of one traversal of a tree, with what making and dropping the traversal takes.
    /// Building the tree cancels out.
    ///
    /// # Errors
    /// If a run fails or its items are wrong.
    pub fn per_traversal(
        &self,
        name: &str,
        strategy: &dyn Strategy,
        shape: Shape,
        depth: u32,
    ) -> Result<f64> {
        let total = |iterations| {
            self.total(name, strategy, &Request::Generate { shape, depth, iterations })
                .with_context(|| format!("{name} on a {} tree under its counter", shape.name()))
        };
        Ok(total(2)? - total(1)?)
    }

    /// Instructions of one wake, of all threads. Making the runtime and the task cancels out.
    ///
    /// # Errors
    /// If a run fails or its result is wrong.
    pub fn per_wake(&self, name: &str, strategy: &dyn Strategy, spec: wake::Spec) -> Result<f64> {
        let total = |iterations| {
            self.total(name, strategy, &Request::Wakes { spec, iterations })
                .with_context(|| format!("{name} on {spec:?} under its counter"))
        };
        let events = (MANY - FEW) as f64;
        Ok((total(MANY)? - total(FEW)?) / events / f64::from(spec.source.wakes()))
    }

    /// Instructions for each item of what runtimes do, of all threads. Making the runtime cancels out.
    ///
    /// # Errors
    /// If a run fails or its result is wrong.
    pub fn per_item(&self, name: &str, strategy: &dyn Strategy, spec: tasks::Spec) -> Result<f64> {
        let total = |iterations| {
            self.total(name, strategy, &Request::Tasks { spec, iterations })
                .with_context(|| format!("{name} on {spec:?} under its counter"))
        };
        Ok((total(2)? - total(1)?) / spec.bench.items() as f64)
    }

    /// Instructions of one request to a service, alone. What the requests ask is repeated after 32.
    ///
    /// # Errors
    /// If a run fails or its result is wrong.
    pub fn per_request(&self, name: &str, strategy: &dyn Strategy, depth: u32) -> Result<f64> {
        const MANY: u64 = 32 * 40;
        const FEW: u64 = 32 * 5;
        let total = |iterations| {
            self.total(name, strategy, &Request::Requests { depth, iterations })
                .with_context(|| format!("{name} on requests under its counter"))
        };
        Ok((total(MANY)? - total(FEW)?) / (MANY - FEW) as f64)
    }

    /// Instructions of one iteration of branches of a task.
    ///
    /// # Errors
    /// If a run fails or its result is wrong.
    pub fn per_join(
        &self,
        name: &str,
        strategy: &dyn Strategy,
        case: join::Case,
        branches: usize,
    ) -> Result<f64> {
        let total = |iterations| {
            self.total(name, strategy, &Request::Join { case, branches, iterations })
                .with_context(|| format!("{name} on {case:?} of {branches} under its counter"))
        };
        Ok((total(MANY)? - total(FEW)?) / (MANY - FEW) as f64)
    }

    /// Instructions of a whole child that answers the request with a strategy of this lab, and then executes about
    /// `more` others.
    ///
    /// # Errors
    /// If it fails or its result is wrong.
    pub fn of_request(&self, strategy: &str, request: &Request, more: u64) -> Result<f64> {
        let environment = [(MORE.to_owned(), more.to_string().into())];
        self.child(strategy, std::env::current_exe()?, environment, request)
    }

    fn total(&self, name: &str, strategy: &dyn Strategy, request: &Request) -> Result<f64> {
        let program = match strategy.child_program() {
            Some(program) => program,
            None => std::env::current_exe()?,
        };
        self.child(name, program, strategy.child_environment(), request)
    }

    fn child(
        &self,
        name: &str,
        program: PathBuf,
        environment: impl IntoIterator<Item = (String, PathBuf)>,
        request: &Request,
    ) -> Result<f64> {
        let mut command = self.counting(program);
        command.args(["__cell", name, &serde_json::to_string(request)?]).envs(environment);
        self.collected(command)
    }

    /// Instructions of one repetition of what a program with these arguments repeats, of which the last is to be how often.
    ///
    /// # Errors
    /// If a run fails.
    pub fn per_repetition(&self, program: &Path, deed: &str) -> Result<f64> {
        let total = |times: u64| {
            let mut command = self.counting(program.to_owned());
            command.args([deed, &times.to_string()]);
            self.collected(command)
                .with_context(|| format!("{deed} in {} under its counter", program.display()))
        };
        Ok((total(MANY)? - total(FEW)?) / (MANY - FEW) as f64)
    }

    /// Runs `program`, and counts its instructions.
    fn counting(&self, program: PathBuf) -> Command {
        if let Some(emulator) = &self.0 {
            return emulator.command(program);
        }
        let mut command = Command::new("valgrind");
        command
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", profile().display()));
        command.arg(program);
        command
    }

    /// What was counted.
    fn collected(&self, mut command: Command) -> Result<f64> {
        let output = command.output()?;
        let _ = std::fs::remove_file(profile());
        let messages = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{}", messages.lines().last().unwrap_or("no message"));
        }
        match &self.0 {
            Some(_) => Emulator::count(&messages),
            None => messages
                .lines()
                .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
                .context("valgrind did not say how many instructions it counted"),
        }
    }
}

/// A file, not a device: valgrind replaces the file that is there.
fn profile() -> PathBuf {
    std::env::temp_dir().join(format!("lab-callgrind-{}", std::process::id()))
}

/// A record of a count, which has no spread.
#[must_use]
pub fn record(
    experiment: &str,
    strategy: &str,
    params: Params,
    metric: &str,
    value: f64,
) -> Record {
    let value = (value * 100.0).round() / 100.0;
    Record {
        experiment: experiment.to_owned(),
        strategy: strategy.to_owned(),
        params,
        metric: metric.to_owned(),
        unit: "1".to_owned(),
        value,
        low: value,
        high: value,
        samples: 1,
        ..Record::default()
    }
}
