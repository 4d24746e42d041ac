//! Results arranged in rows and columns, for the terminal and for the report.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

use lab_strategies::registry::{self, Role};

use crate::record::Record;

/// What the sign beside a value means.
pub const TIES: &str = "≈: no difference from this project's first value in the same row was seen (the 99 % intervals of \
                        the medians overlap)";

/// This project's first record in the row of `record`, if both are sampled and it is another strategy's.
fn ours_beside<'r>(
    records: &[&'r Record],
    record: &Record,
    row: &impl Fn(&Record) -> String,
) -> Option<&'r Record> {
    let is_ours = |name: &str| registry::find(name).is_some_and(|entry| entry.role == Role::Ours);
    if record.interval.is_none() || is_ours(&record.strategy) {
        return None;
    }
    let head = row(record);
    records
        .iter()
        .find(|other| {
            other.interval.is_some()
                && is_ours(&other.strategy)
                && other.metric == record.metric
                && row(other) == head
        })
        .copied()
}

/// A table of texts.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    /// The meaning of the rows and columns.
    pub corner: String,
    /// Heads of the columns.
    pub columns: Vec<String>,
    /// Head and cells of each row; an empty text where there is no result.
    pub rows: Vec<(String, Vec<String>)>,
}

impl Grid {
    /// Arranges `records` by the texts that `row` and `column` give, both in the order of their
    /// first appearance. Each cell shows the value.
    pub fn pivot(
        corner: &str,
        records: &[&Record],
        row: impl Fn(&Record) -> String,
        column: impl Fn(&Record) -> String,
    ) -> Self {
        let mut grid = Self { corner: corner.to_owned(), ..Self::default() };
        for record in records {
            let (head, column) = (row(record), column(record));
            let x = grid.columns.iter().position(|c| *c == column).unwrap_or_else(|| {
                grid.columns.push(column);
                grid.columns.len() - 1
            });
            let y = grid.rows.iter().position(|(r, _)| *r == head).unwrap_or_else(|| {
                grid.rows.push((head, Vec::new()));
                grid.rows.len() - 1
            });
            let cells = &mut grid.rows[y].1;
            if cells.len() <= x {
                cells.resize(x + 1, String::new());
            }
            let ours = ours_beside(records, record, &row);
            let is_tie = ours.is_some_and(|ours| ours.is_like(record));
            cells[x] = short(record.value) + if is_tie { " ≈" } else { "" };
        }
        let width = grid.columns.len();
        for (_, cells) in &mut grid.rows {
            cells.resize(width, String::new());
        }
        grid
    }

    /// Puts the columns in the order of what `key` gives for their heads; equals stay as they are.
    pub fn sort_columns_by_key<K: Ord>(&mut self, key: impl Fn(&str) -> K) {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|&column| key(&self.columns[column]));
        let sorted = |texts: &[String]| order.iter().map(|&i| texts[i].clone()).collect();
        self.columns = sorted(&self.columns);
        for (_, cells) in &mut self.rows {
            *cells = sorted(cells);
        }
    }

    /// The table as text, no wider than the terminal if the output is one.
    #[must_use]
    pub fn to_terminal(&self) -> String {
        let mut table = Table::new();
        table
            .load_preset(UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(std::iter::once(&self.corner).chain(&self.columns));
        for (head, cells) in &self.rows {
            table.add_row(std::iter::once(head).chain(cells));
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

/// A value with about three significant digits.
#[must_use]
pub fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Params;

    fn record(strategy: &str, depth: u32, value: f64) -> Record {
        let mut params = Params::new();
        params.insert("depth".into(), json!(depth));
        Record {
            experiment: "resume".into(),
            strategy: strategy.into(),
            params,
            metric: "time_per_resume".into(),
            unit: "ns".into(),
            value,
            low: value,
            high: value,
            samples: 1,
            ..Record::default()
        }
    }

    #[test]
    fn a_pivot_leaves_holes_where_there_is_no_result() {
        let records =
            [record("nested", 1, 1.234), record("direct", 1, 12.34), record("direct", 2, 123.4)];
        let all: Vec<&Record> = records.iter().collect();
        let grid = Grid::pivot("depth", &all, |r| r.text("depth"), Record::label);
        assert_eq!(grid.columns, ["nested", "direct"]);
        assert_eq!(grid.rows[0], ("1".into(), vec!["1.23".into(), "12.3".into()]));
        assert_eq!(grid.rows[1], ("2".into(), vec![String::new(), "123".into()]));
        assert!(grid.to_terminal().contains("12.3"));
    }

    #[test]
    fn what_cannot_be_told_from_ours_is_marked() {
        let with = |strategy, value: f64| Record {
            interval: Some([value - 0.1, value + 0.1]),
            ..record(strategy, 1, value)
        };
        let records = [with("nested", 5.0), with("direct", 5.15), with("stackful", 4.0)];
        let all: Vec<&Record> = records.iter().collect();
        let grid = Grid::pivot("depth", &all, |r| r.text("depth"), Record::label);
        assert_eq!(grid.rows[0].1, ["5.00 ≈", "5.15", "4.00"]);
    }

    #[test]
    fn sorted_columns_take_their_cells_along() {
        let records = [record("nested", 1, 1.0), record("direct", 1, 2.0)];
        let all: Vec<&Record> = records.iter().collect();
        let mut grid = Grid::pivot("depth", &all, |r| r.text("depth"), Record::label);
        grid.sort_columns_by_key(str::to_owned);
        assert_eq!(grid.columns, ["direct", "nested"]);
        assert_eq!(grid.rows[0].1, ["2.00", "1.00"]);
    }
}
