//! `lab compare`: the records of two files, cell by cell.
//!
//! On machines of the same kind their values are compared. Between different ones times are not comparable; then what
//! is compared is each strategy's ratio to the baseline of its cell, so that a conclusion that holds on one machine only
//! is seen.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use lab_strategies::registry;

use crate::machine::Machine;
use crate::record::Record;
use crate::show::table::{Grid, short};

/// Compare two files that `--json` wrote: which cells have changed, and by how much
#[derive(Debug, Args)]
pub struct Arguments {
    /// The first file
    before: PathBuf,
    /// The second file
    after: PathBuf,
    /// Show all cells, not only those that differ
    #[arg(long)]
    all: bool,
}

/// The records of a file, and the circumstances of the first.
#[derive(Debug)]
struct Results {
    records: Vec<Record>,
    machine: Option<Machine>,
}

impl Results {
    fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let parse = |(number, line): (usize, &str)| {
            let record: Record = serde_json::from_str(line)
                .with_context(|| format!("{}, line {}: no record", path.display(), number + 1))?;
            Ok(record)
        };
        let records: Vec<Record> = text.lines().enumerate().map(parse).collect::<Result<_>>()?;
        ensure!(!records.is_empty(), "{} has no records", path.display());
        let machine = records.iter().find_map(|record| record.machine.as_deref().cloned());
        Ok(Self { records, machine })
    }

    /// The record of the baseline beside `record`: of the same experiment, metric and parameters but for the placement.
    fn baseline(&self, record: &Record) -> Option<&Record> {
        let cell = |record: &Record| {
            let mut params = record.params.clone();
            params.remove("placement");
            params
        };
        let is_beside = |other: &&Record| {
            other.strategy == registry::baseline()
                && (&other.experiment, &other.metric) == (&record.experiment, &record.metric)
                && cell(other) == cell(record)
        };
        self.records.iter().find(is_beside)
    }
}

/// What names a cell in both files.
fn key(record: &Record) -> String {
    let Record { experiment, strategy, params, metric, .. } = record;
    let params: Vec<String> =
        params.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("{experiment}, {strategy}, {metric}: {}", params.join(", ").replace('"', ""))
}

/// A pair of records of one cell.
#[derive(Debug)]
struct Change {
    key: String,
    before: f64,
    after: f64,
    verdict: String,
}

/// The values, where nothing but noise may differ: machines of one kind.
fn changes(before: &Results, after: &Results) -> Vec<Change> {
    pairs(before, after)
        .map(|(old, new)| {
            let percent = (new.value / old.value - 1.0) * 100.0;
            let verdict = match old.is_like(new) {
                true => String::new(),
                false => format!("{percent:+.1} %"),
            };
            Change { key: key(new), before: old.value, after: new.value, verdict }
        })
        .collect()
}

/// The ratios to the baseline, between machines of different kinds. Counts are compared as they are.
fn conclusions(before: &Results, after: &Results) -> Vec<Change> {
    let ratios = pairs(before, after).filter(|(old, _)| old.strategy != registry::baseline());
    ratios
        .filter_map(|(old, new)| {
            let (old_base, new_base) = (before.baseline(old)?, after.baseline(new)?);
            let (before, after) = (old.value / old_base.value, new.value / new_base.value);
            let (old_tie, new_tie) = (old.is_like(old_base), new.is_like(new_base));
            let verdict = match (old_tie, new_tie) {
                (true, true) => String::new(),
                (false, false) if (before < 1.0) == (after < 1.0) => String::new(),
                (false, false) => "the other way round".to_owned(),
                _ => "on one machine only".to_owned(),
            };
            Some(Change { key: key(new), before, after, verdict })
        })
        .collect()
}

fn pairs<'r>(
    before: &'r Results,
    after: &'r Results,
) -> impl Iterator<Item = (&'r Record, &'r Record)> {
    let old: HashMap<String, &Record> =
        before.records.iter().map(|record| (key(record), record)).collect();
    after.records.iter().filter_map(move |record| Some((*old.get(&key(record))?, record)))
}

/// `lab compare A B`
///
/// # Errors
/// If a file cannot be read, or the files have no cell in common.
pub fn run(arguments: &Arguments) -> Result<()> {
    let (before, after) = (Results::read(&arguments.before)?, Results::read(&arguments.after)?);
    let mut out = io::stdout().lock();
    for (name, results) in [("before", &before), ("after", &after)] {
        let line = results.machine.as_ref().map_or("unknown circumstances".to_owned(), |machine| {
            let noise = machine.noise.map_or(String::new(), |noise| format!("; {}", noise.line()));
            format!("{}; {}{noise}", machine.line(), machine.date)
        });
        writeln!(out, "{name}: {line}")?;
    }
    // Without circumstances nobody knows, and values are compared as they are.
    let is_same = match (&before.machine, &after.machine) {
        (Some(before), Some(after)) => before.is_like(after),
        _ => true,
    };
    let (what, note, all) = match is_same {
        true => (
            "value",
            "Changed: the 99 % intervals of the medians do not overlap.",
            changes(&before, &after),
        ),
        false => (
            "ratio",
            "The machines are of different kinds: ratios to the baseline of each cell. One that is below 1 on one \
             machine only, or a tie on one only, is a conclusion that does not hold on both.",
            conclusions(&before, &after),
        ),
    };
    ensure!(!all.is_empty(), "the files have no cell in common");
    let shown: Vec<&Change> =
        all.iter().filter(|change| arguments.all || !change.verdict.is_empty()).collect();
    let differ = all.iter().filter(|change| !change.verdict.is_empty()).count();
    writeln!(out, "{note}\n{} cells in both, {differ} differ", all.len())?;
    if !shown.is_empty() {
        let row = |change: &&Change| {
            (
                change.key.clone(),
                vec![short(change.before), short(change.after), change.verdict.clone()],
            )
        };
        let grid = Grid {
            corner: what.to_owned(),
            columns: ["before", "after", ""].map(str::to_owned).to_vec(),
            rows: shown.iter().map(row).collect(),
        };
        writeln!(out, "{}", grid.to_terminal())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Params;

    fn record(strategy: &str, depth: u32, value: f64, machine: Option<&str>) -> Record {
        let mut params = Params::new();
        params.insert("depth".into(), json!(depth));
        let machine = machine.map(|processor| {
            Box::new(Machine { processor: processor.to_owned(), ..Machine::here() })
        });
        Record {
            experiment: "resume".into(),
            strategy: strategy.into(),
            params,
            metric: "time_per_resume".into(),
            unit: "ns".into(),
            value,
            interval: Some([value * 0.98, value * 1.02]),
            machine,
            ..Record::default()
        }
    }

    fn results(values: [f64; 4], processor: &str) -> Results {
        let records = vec![
            record("nested", 1, values[0], Some(processor)),
            record("direct", 1, values[1], None),
            record("nested", 8, values[2], None),
            record("direct", 8, values[3], None),
        ];
        let machine = records[0].machine.as_deref().cloned();
        Results { records, machine }
    }

    #[test]
    fn a_change_is_what_the_intervals_tell_apart() {
        let (before, after) =
            (results([1.0, 2.0, 8.0, 2.0], "a"), results([1.01, 2.2, 8.0, 1.5], "a"));
        let verdicts: Vec<String> =
            changes(&before, &after).into_iter().map(|change| change.verdict).collect();
        assert_eq!(verdicts, ["", "+10.0 %", "", "-25.0 %"]);
    }

    #[test]
    fn a_conclusion_may_hold_on_one_machine_only() {
        let (before, after) =
            (results([1.0, 2.0, 8.0, 2.0], "a"), results([10.0, 5.0, 20.0, 20.1], "b"));
        let verdicts: Vec<(String, String)> = conclusions(&before, &after)
            .into_iter()
            .map(|change| (change.key, change.verdict))
            .collect();
        assert_eq!(verdicts.len(), 2);
        assert_eq!(verdicts[0].1, "the other way round");
        assert_eq!(verdicts[1].1, "on one machine only");
        assert_eq!(verdicts[0].0, "resume, direct, time_per_resume: depth 1");
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let line = serde_json::to_string(&record("direct", 1, 1.0, Some("a"))).unwrap();
        fs::write(&path, format!("{line}\nnonsense\n")).unwrap();
        let error = format!("{:#}", Results::read(&path).unwrap_err());
        assert!(error.contains("a.json, line 2"), "{error}");
        fs::write(&path, &line).unwrap();
        assert_eq!(Results::read(&path).unwrap().machine.unwrap().processor, "a");
    }
}
