//! One result, as it stands on one line of JSON.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::machine::Machine;

/// What identifies a result within an experiment and strategy, for instance `{"depth": 8}`.
pub type Params = Map<String, Value>;

/// One result. The field names are a contract with other programs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the experiment.
    pub experiment: String,
    /// Name of the strategy.
    pub strategy: String,
    /// The parameters that were varied.
    pub params: Params,
    /// The metric.
    pub metric: String,
    /// In which unit; `1` for a plain count.
    pub unit: String,
    /// Median of the samples.
    pub value: f64,
    /// Lower quartile.
    pub low: f64,
    /// Upper quartile.
    pub high: f64,
    /// How many samples.
    pub samples: usize,
    /// Where the median is with a [certainty of 99 %](crate::measure::statistics::CONFIDENCE), if there are enough
    /// samples to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// The circumstances, in the first record of each experiment of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Box<Machine>>,
}

impl Record {
    /// A parameter as text, empty if absent.
    #[must_use]
    pub fn text(&self, param: &str) -> String {
        match self.params.get(param) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        }
    }

    /// A parameter as a number, if it is one.
    #[must_use]
    pub fn number(&self, param: &str) -> Option<u64> {
        self.params.get(param).and_then(Value::as_u64)
    }

    /// Whether nothing tells the two apart: their intervals overlap. Without intervals, their quartiles do.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let bounds = |record: &Self| record.interval.unwrap_or([record.low, record.high]);
        let ([low, high], [other_low, other_high]) = (bounds(self), bounds(other));
        low <= other_high && other_low <= high
    }

    /// Name of the strategy, with the placement where it has one.
    #[must_use]
    pub fn label(&self) -> String {
        match self.text("placement") {
            placement if placement.is_empty() => self.strategy.clone(),
            placement => format!("{} ({placement})", self.strategy),
        }
    }
}

/// Where the JSON goes.
#[derive(Debug)]
pub enum JsonSink {
    /// The standard output.
    Stdout,
    /// A file.
    File {
        /// Its name, for messages.
        path: PathBuf,
        /// The open file.
        file: File,
        /// Whether anything has been written; until then an old file keeps its content.
        begun: bool,
    },
}

impl JsonSink {
    /// Opens `path` for writing, `-` meaning the standard output. An existing file is emptied only
    /// when the first record is there.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File { path: path.to_owned(), file, begun: false })
    }

    /// Writes one line in one system call: whatever ends the program, the file holds whole lines.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&mut self, record: &Record) -> Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(&line)?;
                out.flush()?;
            }
            Self::File { path, file, begun } => {
                if !*begun {
                    // Not for devices and pipes, which have no length to set.
                    if file.metadata()?.is_file() {
                        file.set_len(0)?;
                    }
                    *begun = true;
                }
                file.write_all(&line)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"experiment":"resume","strategy":"direct","params":{"depth":8},"metric":"time_per_resume","unit":"ns","value":1.9,"low":1.8,"high":2.0,"samples":31}"#;

    #[test]
    fn a_record_is_exactly_the_line_of_the_contract() {
        let record: Record = serde_json::from_str(LINE).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), LINE);
        assert_eq!(record.number("depth"), Some(8));
    }

    #[test]
    fn an_old_file_survives_until_the_first_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.json");
        std::fs::write(&path, "a much longer old line of text\n".repeat(20)).unwrap();
        let mut sink = JsonSink::open(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("a much longer"));
        let record: Record = serde_json::from_str(LINE).unwrap();
        sink.write(&record).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{LINE}\n"));
    }
}
