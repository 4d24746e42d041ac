//! Which records a figure is made of: `key=value` for each parameter that matters.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::number;
use super::store::{DataFile, Store};
use crate::record::Record;

/// What a record must be like. The keys are those of its parameters, and `file`, `experiment`, `strategy`, `metric`.
/// An empty value means that the record has no such parameter; `key!=value` that the value is another.
///
/// Two keys choose in another way: `best=min` takes the smallest of several values, and `per=key:value,…` divides by
/// the value of the record that differs by these.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query(BTreeMap<String, String>);

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<String> =
            self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&terms.join(" "))
    }
}

const FILE: &str = "file";
const BEST: &str = "best";
const PER: &str = "per";

impl Query {
    /// Reads terms: words with a `=`, and one without, which names the file.
    pub(super) fn parse(terms: &str) -> Result<Self> {
        let mut query = Self::default();
        for word in terms.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((FILE, word));
            let twice = query.0.insert(key.to_owned(), value.to_owned());
            ensure!(twice.is_none(), "{key} is there twice in `{terms}`");
        }
        Ok(query)
    }

    /// Both; where both say something of one key, `other` is right.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.0.extend(other.0.clone());
        both
    }

    /// The keys of the files that it asks: one, or several with a `+` between them.
    pub(super) fn file_keys(&self) -> Vec<&str> {
        self.0.get(FILE).into_iter().flat_map(|keys| keys.split('+')).collect()
    }

    /// These files.
    pub(super) fn files<'s>(&self, store: &'s Store) -> Result<Vec<&'s DataFile>> {
        let keys = self.file_keys();
        ensure!(!keys.is_empty(), "no file is named");
        keys.into_iter().map(|key| store.file(key)).collect()
    }

    /// All records that are so.
    pub(super) fn records<'s>(&self, store: &'s Store) -> Result<Vec<&'s Record>> {
        let terms = || self.0.iter().filter(|(key, _)| ![FILE, BEST, PER].contains(&key.as_str()));
        let has = |record: &Record, key: &str, value: &str| match key {
            "experiment" => record.experiment == value,
            "strategy" => record.strategy == value,
            "metric" => record.metric == value,
            _ => record.text(key) == value,
        };
        let is_so = |record: &&Record| {
            terms().all(|(key, value)| match key.strip_suffix('!') {
                Some(key) => !has(record, key, value),
                None => has(record, key, value),
            })
        };
        Ok(self.files(store)?.into_iter().flat_map(|file| &file.records).filter(is_so).collect())
    }

    /// The one that is so, if there is one.
    pub(super) fn record<'s>(&self, store: &'s Store) -> Result<Option<&'s Record>> {
        let records = self.records(store)?;
        match self.0.get(BEST).map(String::as_str) {
            None => ensure!(
                records.len() <= 1,
                "{} records are {self}: the first two have {} and {}",
                records.len(),
                Value::Object(records[0].params.clone()),
                Value::Object(records[1].params.clone())
            ),
            Some("min") => {}
            Some(other) => bail!("best={other}: only `min` is known"),
        }
        Ok(records.into_iter().min_by(|a, b| a.value.total_cmp(&b.value)))
    }

    /// What is to be shown, if there is a record, and that record.
    pub(super) fn text<'s>(&self, store: &'s Store) -> Result<Option<(String, &'s Record)>> {
        let Some(record) = self.record(store)? else { return Ok(None) };
        let Some(differs) = self.0.get(PER) else {
            return Ok(Some((number::of(record), record)));
        };
        let mut other = self.with(&Self::parse(&differs.replace(',', " ").replace(':', "="))?);
        other.0.remove(PER);
        let Some(below) = other.record(store)? else { return Ok(None) };
        Ok(Some((number::ratio(record.value / below.value), record)))
    }

    /// Whether it divides.
    pub(super) fn is_ratio(&self) -> bool {
        self.0.contains_key(PER)
    }
}
