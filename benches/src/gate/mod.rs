//! `lab gate`: the instructions of the hot paths, against a baseline that is part of the project.
//!
//! Counts repeat exactly, so that two percent more are two percent more. They belong to a compiler: with another one
//! nothing is compared, and the gate says so.

mod paths;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::measure::instructions::{By, Counter};
use crate::show::table::{Grid, short};
use paths::HotPath;

/// What is an increase, in percent.
const TOLERANCE: f64 = 2.0;

/// How much more a path takes in the gate's test of itself, in percent.
const INSERTED: f64 = 2.5;

/// Count the instructions of the hot paths with valgrind, and fail if one takes 2 % more than the baseline says
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write the baseline anew
    #[arg(long, conflicts_with = "self_test")]
    renew: bool,

    /// Make each path 2.5 % longer, one after the other, and fail unless the gate finds it
    #[arg(long)]
    self_test: bool,

    /// Another baseline than the project's
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

/// The committed counts.
#[derive(Debug, Serialize, Deserialize)]
struct Baseline {
    /// The compiler that they belong to.
    compiler: String,
    /// Instructions by path.
    paths: BTreeMap<String, f64>,
}

impl Baseline {
    fn place(arguments: &Arguments) -> PathBuf {
        let file = format!("baseline/{}.json", std::env::consts::ARCH);
        arguments
            .baseline
            .clone()
            .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
    }

    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| {
            format!("no baseline in {}: `lab gate --renew` writes it", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is no baseline", path.display()))
    }
}

/// What became of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Same,
    /// By so many percent.
    Longer(f64),
    /// By so many percent.
    Shorter(f64),
    New,
}

impl Verdict {
    fn of(before: Option<f64>, now: f64) -> Self {
        let Some(before) = before else { return Verdict::New };
        let percent = (now / before - 1.0) * 100.0;
        match percent {
            more if more > TOLERANCE => Verdict::Longer(more),
            less if less < -TOLERANCE => Verdict::Shorter(-less),
            _ => Verdict::Same,
        }
    }

    fn text(self) -> String {
        match self {
            Verdict::Same => String::new(),
            Verdict::Longer(percent) => format!("{} % MORE", short(percent)),
            Verdict::Shorter(percent) => format!("{} % less: renew the baseline", short(percent)),
            Verdict::New => "new: renew the baseline".to_owned(),
        }
    }
}

/// `lab gate`
///
/// # Errors
/// If a path takes more than the baseline allows, or is missing there; if valgrind is not there, or a count fails.
pub fn run(arguments: &Arguments) -> Result<()> {
    let counter = Counter::new(By::Valgrind)?;
    let paths = paths::all()?;
    if arguments.self_test {
        return test(&counter, &paths);
    }
    let counts: BTreeMap<String, f64> = paths
        .iter()
        .map(|path| Ok((path.name.clone().into_owned(), count(&counter, path, 0.0)?)))
        .collect::<Result<_>>()?;
    let place = Baseline::place(arguments);
    let compiler = lab_strategies::COMPILER.to_owned();
    let mut out = io::stdout().lock();
    if arguments.renew {
        let text = serde_json::to_string_pretty(&Baseline { compiler, paths: counts })?;
        fs::write(&place, text + "\n")
            .with_context(|| format!("cannot write {}", place.display()))?;
        writeln!(out, "{} written", place.display())?;
        return Ok(());
    }
    let baseline = Baseline::read(&place)?;
    if baseline.compiler != compiler {
        writeln!(out, "SKIPPED: the baseline is of {}, this lab of {compiler}", baseline.compiler)?;
        return Ok(());
    }
    let verdicts: Vec<(&String, f64, Verdict)> = counts
        .iter()
        .map(|(name, &now)| (name, now, Verdict::of(baseline.paths.get(name).copied(), now)))
        .collect();
    let rows = verdicts.iter().map(|(name, now, verdict)| {
        let before = baseline.paths.get(*name).map(|&before| short(before)).unwrap_or_default();
        ((*name).clone(), vec![before, short(*now), verdict.text()])
    });
    let columns = ["baseline", "now", ""].map(str::to_owned).to_vec();
    let grid = Grid { corner: "instructions".to_owned(), columns, rows: rows.collect() };
    writeln!(out, "{}", grid.to_terminal())?;
    let failed: Vec<String> = verdicts
        .iter()
        .filter(|(.., verdict)| matches!(verdict, Verdict::Longer(_) | Verdict::New))
        .map(|(name, _, verdict)| format!("{name}: {}", verdict.text()))
        .collect();
    let gone: Vec<&String> =
        baseline.paths.keys().filter(|name| !counts.contains_key(*name)).collect();
    ensure!(gone.is_empty(), "the baseline has {gone:?}, which are measured no more: renew it");
    ensure!(failed.is_empty(), "{}; `lab gate --renew` if it is to be so", failed.join("; "));
    Ok(())
}

/// Instructions of a path, in which each time `inserted` more are executed.
fn count(counter: &Counter, path: &HotPath, inserted: f64) -> Result<f64> {
    let mut sum = 0.0;
    for (index, (weight, request)) in path.counts.iter().enumerate() {
        let more = if index == 0 { inserted / weight } else { 0.0 };
        let total = counter.of_request(path.strategy, request, more as u64);
        sum += weight * total.with_context(|| format!("{} under valgrind", path.name))?;
    }
    Ok((sum * 100.0).round() / 100.0)
}

/// Makes each path longer, and looks whether that is found.
fn test(counter: &Counter, paths: &[HotPath]) -> Result<()> {
    let mut missed = Vec::new();
    for path in paths {
        let before = count(counter, path, 0.0)?;
        let now = count(counter, path, before * INSERTED / 100.0)?;
        let verdict = Verdict::of(Some(before), now);
        let is_found = matches!(verdict, Verdict::Longer(percent) if percent < 2.0 * INSERTED);
        writeln!(io::stdout(), "{}: {} to {}: {verdict:?}", path.name, short(before), short(now))?;
        if !is_found {
            missed.push(&path.name);
        }
    }
    if !missed.is_empty() {
        bail!("{INSERTED} % more were inserted and not found in {missed:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_two_percent_are_longer() {
        assert_eq!(Verdict::of(Some(100.0), 101.9), Verdict::Same);
        assert!(
            matches!(Verdict::of(Some(100.0), 102.1), Verdict::Longer(p) if (p - 2.1).abs() < 1e-9)
        );
        assert!(matches!(Verdict::of(Some(100.0), 97.0), Verdict::Shorter(_)));
        assert_eq!(Verdict::of(None, 1.0), Verdict::New);
    }

    #[test]
    fn names_are_different() {
        let paths = paths::all().unwrap();
        let names: std::collections::BTreeSet<_> = paths.iter().map(|path| &path.name).collect();
        assert_eq!(names.len(), paths.len());
        assert!(paths.iter().all(|path| path.counts[0].0 > 0.0));
    }
}
