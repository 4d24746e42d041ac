//! What stands between two markers: made of records.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use lab_strategies::registry::{self, Role};

use super::number;
use super::query::Query;
use super::store::{DataFile, Store};
use crate::record::Record;

/// A figure, and the keys of the files that it is made of.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) content: String,
    pub(super) files: Vec<String>,
}

/// Draws what a marker in `document` defines.
///
/// # Errors
/// If the definition is malformed, or there is no such record.
pub(super) fn draw(store: &Store, document: &Path, definition: &str) -> Result<Drawn> {
    let (first, rest) = definition.split_once('\n').unwrap_or((definition, ""));
    let (kind, terms) = first.split_once(' ').unwrap_or((first, ""));
    let is_table = ["table", "machines"].contains(&kind);
    ensure!(is_table || rest.is_empty(), "`{kind}` has one line");
    let content = match kind {
        "value" => {
            let (text, _) = Query::parse(terms)?
                .text(store)?
                .with_context(|| format!("no record is {terms}"))?;
            text
        }
        "range" => range(store, terms)?,
        "run" => {
            let files = Query::parse(terms)?.files(store)?;
            files.into_iter().map(run).collect::<Vec<_>>().join("; ")
        }
        "table" => return Table::parse(terms, rest)?.draw(store, document),
        "machines" => machines(store)?,
        other => bail!("`{other}`: there are `value`, `range`, `run`, `table` and `machines`"),
    };
    let files = match kind {
        "machines" => Vec::new(),
        _ => Query::parse(terms)?.file_keys().into_iter().map(str::to_owned).collect(),
    };
    Ok(Drawn { content, files })
}

/// The smallest and the largest value; one, if they look the same.
fn range(store: &Store, terms: &str) -> Result<String> {
    let records = Query::parse(terms)?.records(store)?;
    let by_value = |a: &&&Record, b: &&&Record| a.value.total_cmp(&b.value);
    let (low, high) = (records.iter().min_by(by_value), records.iter().max_by(by_value));
    let (low, high) = low.zip(high).with_context(|| format!("no record is {terms}"))?;
    let (low, high) = (number::of(low), number::of(high));
    Ok(if low == high { low } else { format!("{low} to {high}") })
}

/// How a file was made.
fn run(file: &DataFile) -> String {
    let machine = &file.machine;
    // Where it was written to is where it is.
    let command = machine.command.split(" --json").next().unwrap_or_default();
    let mut text = format!("`{command}`, commit `{}`", machine.commit);
    if machine.noise.is_some_and(|noise| noise.is_busy()) {
        text.push_str(", on a **busy** machine");
    }
    text
}

/// The machines of all files.
fn machines(store: &Store) -> Result<String> {
    let mut text = String::from(
        "\n| folder | machine | caches | kernel | compiler | peers | recorded |\n|---|---|---|---|---|---|---|\n",
    );
    for (name, files) in store.machines() {
        let machine = &files[0].machine;
        let mut peers = std::collections::BTreeMap::new();
        for file in &files {
            peers.extend(&file.machine.peers);
        }
        let peers: Vec<String> =
            peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let dates =
            files.iter().map(|file| file.machine.date.split('T').next().unwrap_or_default());
        let (first, last) =
            (dates.clone().min().unwrap_or_default(), dates.max().unwrap_or_default());
        let dates = if first == last { first.to_owned() } else { format!("{first} to {last}") };
        writeln!(
            text,
            "| `{name}` | {}; {} | {} | {} | {} | {} | {dates} |",
            machine.processor,
            machine.stepping,
            machine.caches,
            machine.kernel,
            machine.compiler,
            peers.join(", "),
        )?;
    }
    Ok(text)
}

/// A line of heads, and what its cells have in common.
#[derive(Debug)]
struct Line {
    heads: Vec<String>,
    query: Query,
}

/// The definition of a table.
#[derive(Debug)]
struct Table {
    base: Query,
    corner: Vec<String>,
    rows: Vec<Line>,
    columns: Vec<Line>,
}

impl Table {
    fn parse(terms: &str, rest: &str) -> Result<Self> {
        let (mut rows, mut columns, mut corner) = (Vec::new(), Vec::new(), Vec::new());
        for line in rest.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (what, text) = line.split_once(' ').unwrap_or((line, ""));
            match what {
                "corner" => corner = heads(text),
                "row" => rows.push(labelled(text)?),
                "column" => columns.push(labelled(text)?),
                "rows" => rows.extend(each(text)?),
                "columns" => columns.extend(each(text)?),
                other => bail!("`{other}`: there are corner, row, rows, column and columns"),
            }
        }
        ensure!(!rows.is_empty() && !columns.is_empty(), "a table has rows and columns");
        let width = rows[0].heads.len();
        ensure!(
            rows.iter().all(|row| row.heads.len() == width),
            "all rows have as many heads as the first, {width}"
        );
        corner.resize(width, String::new());
        Ok(Self { base: Query::parse(terms)?, corner, rows, columns })
    }

    fn draw(&self, store: &Store, document: &Path) -> Result<Drawn> {
        let heads = self.columns.iter().flat_map(|column| &column.heads);
        let mut content = format!(
            "\n| {} |\n",
            self.corner.iter().chain(heads).cloned().collect::<Vec<_>>().join(" | ")
        );
        content += &format!("|{}\n", "---|".repeat(self.corner.len() + self.columns.len()));
        let mut files: Vec<String> = Vec::new();
        let mut found = vec![false; self.columns.len()];
        for row in &self.rows {
            let mut cells: Vec<Option<(String, &Record)>> = Vec::new();
            for (column, found) in self.columns.iter().zip(&mut found) {
                let query = self.base.with(&column.query).with(&row.query);
                let cell = query.text(store)?;
                *found |= cell.is_some();
                for key in query.file_keys() {
                    if cell.is_some() && !files.iter().any(|file| file == key) {
                        files.push(key.to_owned());
                    }
                }
                cells.push(cell);
            }
            ensure!(cells.iter().any(Option::is_some), "nothing is in the row {:?}", row.heads);
            let is_ratio = self.base.with(&row.query).is_ratio();
            let texts = texts(&cells, is_ratio);
            content += &format!(
                "| {} |\n",
                row.heads.iter().cloned().chain(texts).collect::<Vec<_>>().join(" | ")
            );
        }
        for (column, found) in self.columns.iter().zip(found) {
            ensure!(found, "nothing is in the column {:?}", column.heads);
        }
        content.push('\n');
        let sources: Result<Vec<String>> = files
            .iter()
            .map(|key| {
                let file = store.file(key)?;
                Ok(format!("[{key}]({}): {}", relative(document, &file.path).display(), run(file)))
            })
            .collect();
        content += &format!("({})\n", sources?.join("; "));
        Ok(Drawn { content, files })
    }
}

/// The cells of a row; ≈ is at those that cannot be told from this project's first of the same metric. (Intervals are
/// those of values, not of their ratios.)
fn texts(cells: &[Option<(String, &Record)>], is_ratio: bool) -> Vec<String> {
    let is_ours = |record: &Record| {
        registry::find(&record.strategy).is_some_and(|entry| entry.role == Role::Ours)
    };
    let ours = |metric: &str| {
        let mut records = cells.iter().flatten().map(|(_, record)| *record);
        records
            .find(|record| is_ours(record) && record.interval.is_some() && record.metric == metric)
    };
    cells
        .iter()
        .map(|cell| {
            let Some((text, record)) = cell else { return "–".to_owned() };
            let is_tie = !is_ratio
                && record.interval.is_some()
                && !is_ours(record)
                && ours(&record.metric).is_some_and(|ours| ours.is_like(record));
            if is_tie { format!("{text} ≈") } else { text.clone() }
        })
        .collect()
}

fn heads(text: &str) -> Vec<String> {
    text.split('|').map(|head| head.trim().to_owned()).collect()
}

/// `head | head: terms`
fn labelled(text: &str) -> Result<Line> {
    let (label, terms) = text.rsplit_once(": ").with_context(|| format!("no `: ` in `{text}`"))?;
    Ok(Line { heads: heads(label), query: Query::parse(terms)? })
}

/// `key = value value`: a line for each.
fn each(text: &str) -> Result<Vec<Line>> {
    let (key, values) = text.split_once(" = ").with_context(|| format!("no ` = ` in `{text}`"))?;
    let line = |value: &str| {
        Ok(Line { heads: vec![value.to_owned()], query: Query::parse(&format!("{key}={value}"))? })
    };
    values.split_whitespace().map(line).collect()
}

/// The way from a document to a file; both from the project's folder on.
fn relative(document: &Path, file: &Path) -> PathBuf {
    let mut from = document.parent().unwrap_or(Path::new("")).components().peekable();
    let mut to = file.components().peekable();
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    from.map(|_| Component::ParentDir).chain(to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_from_the_document() {
        let file = Path::new("docs/results/data/a/b.json");
        let from = |document: &str| relative(Path::new(document), file).display().to_string();
        assert_eq!(from("README.md"), "docs/results/data/a/b.json");
        assert_eq!(from("docs/trade-offs.md"), "results/data/a/b.json");
        assert_eq!(from("benches/README.md"), "../docs/results/data/a/b.json");
    }

    #[test]
    fn what_cannot_be_told_from_ours_is_marked_metric_by_metric() {
        let record = |strategy: &str, metric: &str, value: f64| Record {
            strategy: strategy.to_owned(),
            metric: metric.to_owned(),
            value,
            interval: Some([value - 1.0, value + 1.0]),
            ..Record::default()
        };
        let records = [
            record("direct", "p50", 10.0),
            record("nested", "p50", 20.0),
            record("direct", "p99", 30.0),
            record("nested", "p99", 31.0),
        ];
        let cells: Vec<_> =
            records.iter().map(|record| Some((record.value.to_string(), record))).collect();
        assert_eq!(texts(&cells, false), ["10", "20", "30", "31 ≈"]);
        assert_eq!(texts(&cells, true), ["10", "20", "30", "31"]);
    }

    #[test]
    fn a_table_that_says_nothing_is_refused() {
        assert!(Table::parse("zen4/resume", "rows depth = 1 8").is_err());
        assert!(
            Table::parse("zen4/resume", "rows depth = 1\nrow a | b: depth=8\ncolumns x = y")
                .is_err()
        );
        assert!(Table::parse("zen4/resume", "line depth = 1").is_err());
    }
}
