//! How the results of `prefetch` are shown.

use anyhow::Result;

use super::cases::title;
use super::ratios;
use crate::record::Record;
use crate::show::Section;
use crate::show::plot::{self, HeatMap, Line};
use crate::show::table::{Grid, short};

/// A section for each table, then all of them in one.
pub(super) fn all(records: &[Record]) -> Result<Vec<Section>> {
    let (floor, records): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.params.contains_key("beside"));
    // Times, or counts by valgrind; the processor's counts have sections of their own.
    let (shown, counted): (Vec<&Record>, Vec<&Record>) = records
        .into_iter()
        .partition(|record| record.unit == "ns" || record.metric.starts_with("instructions"));
    let mut sections = Vec::new();
    for title in titles(&shown) {
        let of_table = |record: &&&Record| self::title(&record.params) == title;
        let chosen: Vec<&Record> = shown.iter().filter(of_table).copied().collect();
        let floor: Vec<&Record> =
            floor.iter().filter(|record| record.text("beside") == title).copied().collect();
        sections.extend(of_case(&title, &chosen, &floor)?);
        let counted: Vec<&Record> = counted.iter().filter(of_table).copied().collect();
        sections.extend(of_counters(&title, &counted));
    }
    sections.extend(summary(&shown)?);
    let timed: Vec<&Record> = shown.into_iter().filter(|record| is_timed(record)).collect();
    sections.extend(ratios::of_tables(&timed));
    // In the order of `lab list`, whichever way came first.
    for section in &mut sections {
        section.grid.sort_columns_by_key(lab_strategies::registry::rank);
    }
    Ok(sections)
}

/// Whether a record is of the lookups of a table as they are, and not of a call depth.
fn is_timed(record: &Record) -> bool {
    record.unit == "ns" && !record.params.contains_key("call_depth")
}

/// The titles of the tables, in the order of their appearance.
pub(super) fn titles(records: &[&Record]) -> Vec<String> {
    let mut titles: Vec<String> = records.iter().map(|record| title(&record.params)).collect();
    titles.dedup();
    titles
}

fn unit(record: &Record) -> String {
    let per = if record.metric.ends_with("step") { "step" } else { "lookup" };
    let what = if record.unit == "ns" { "ns" } else { "instructions" };
    format!("{what} per {per}")
}

/// The table by group, or for `nesting` by call depth, a section for each group.
fn of_case(title: &str, records: &[&Record], floor: &[&Record]) -> Result<Vec<Section>> {
    let unit = unit(records[0]);
    let note = circumstances(records, floor);
    if !records[0].params.contains_key("call_depth") {
        return Ok(vec![Section {
            title: format!("prefetch, {title}: {unit} by group"),
            note: format!("{note} Time that the thread ran. Group 0: one after the other."),
            grid: Grid::pivot("group", records, |r| r.text("group"), Record::label),
            figure: Some(plot::lines("group", &unit, &by_group(records))?),
        }]);
    }
    let mut groups: Vec<u64> = records.iter().filter_map(|r| r.number("group")).collect();
    groups.dedup();
    let mut sections = Vec::new();
    for group in groups {
        let chosen: Vec<&Record> =
            records.iter().filter(|r| r.number("group") == Some(group)).copied().collect();
        let name = format!("prefetch, {title}, group {group}");
        let lines = crate::experiment::tools::lines(&chosen, "call_depth");
        sections.push(Section {
            title: format!("{name}: {unit} by call depth"),
            note: format!(
                "{note} The innermost of so many coroutines does the lookup; depth 1 is flat."
            ),
            grid: Grid::pivot("call depth", &chosen, |r| r.text("call_depth"), Record::label),
            figure: Some(plot::lines("call depth", &unit, &lines)?),
        });
        sections.extend(ratios::of_depths(&name, &chosen));
    }
    Ok(sections)
}

/// Latency, floor and pages, in words.
fn circumstances(records: &[&Record], floor: &[&Record]) -> String {
    let pages = match &*records[0].text("pages") {
        "" => return "Counted by valgrind.".to_owned(),
        "2 MiB" => "Pages of 2 MiB were granted.".to_owned(),
        "4 KiB" => "Pages of 2 MiB were asked for, but not granted.".to_owned(),
        "mixed" => "Pages of 2 MiB were granted in part.".to_owned(),
        other => format!("Pages: {other}."),
    };
    let single = floor.iter().find(|record| record.number("group") == Some(1));
    let best = floor.iter().min_by(|a, b| a.value.total_cmp(&b.value));
    match (single, best) {
        (Some(single), Some(best)) => format!(
            "{pages} Random accesses (chase) over as many bytes: {} ns with one chain, {} ns at \
             best, with {} chains.",
            short(single.value),
            short(best.value),
            best.text("group")
        ),
        _ => pages,
    }
}

/// A line for each strategy over the groups; a level line for a strategy without groups.
fn by_group(records: &[&Record]) -> Vec<Line> {
    let groups = || records.iter().filter_map(|r| r.number("group")).filter(|&group| group > 0);
    let ends = groups().min().zip(groups().max());
    let (single, grouped): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.number("group") == Some(0));
    let mut lines = crate::experiment::tools::lines(&grouped, "group");
    for record in single {
        if let Some((first, last)) = ends {
            let label = match lines.iter().any(|line| line.label == record.strategy) {
                true => format!("{} (one by one)", record.strategy),
                false => record.label(),
            };
            let points = [first, last].map(|group| (group as f64, record.value)).to_vec();
            lines.push(Line { label, points, intervals: Vec::new() });
        }
    }
    lines
}

/// The processor's counts: a section for each event.
fn of_counters(title: &str, records: &[&Record]) -> Vec<Section> {
    let mut metrics: Vec<&str> = records.iter().map(|record| &*record.metric).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let row = |record: &Record| match record.text("call_depth") {
        depth if depth.is_empty() => record.text("group"),
        depth => format!("{} depth {depth}", record.text("group")),
    };
    metrics
        .into_iter()
        .map(|metric| {
            let chosen: Vec<&Record> =
                records.iter().filter(|record| record.metric == metric).copied().collect();
            Section {
                title: format!("prefetch, {title}: {} by group", metric.replace('_', " ")),
                note: "Hardware counters, one slice of the inputs.".to_owned(),
                grid: Grid::pivot("group", &chosen, row, Record::label),
                figure: None,
            }
        })
        .collect()
}

/// Each table with each strategy at its best group, and by how much the groups of this project are
/// faster than lookups one by one by hand.
fn summary(records: &[&Record]) -> Result<Option<Section>> {
    let records: Vec<&Record> = records.iter().filter(|record| is_timed(record)).copied().collect();
    let mut grid = Grid { corner: "table".to_owned(), ..Grid::default() };
    let mut strategies: Vec<&str> = Vec::new();
    for record in &records {
        if !strategies.contains(&&*record.strategy) {
            strategies.push(&record.strategy);
        }
    }
    strategies.sort_by_key(|name| lab_strategies::registry::rank(name));
    grid.columns = strategies.iter().map(|name| (*name).to_owned()).collect();
    let titles = titles(&records);
    for title in &titles {
        let of_table: Vec<&Record> =
            records.iter().filter(|r| self::title(&r.params) == *title).copied().collect();
        let cells = strategies.iter().map(|name| {
            let of_strategy = of_table.iter().filter(|r| r.strategy == *name);
            let best = of_strategy.min_by(|a, b| a.value.total_cmp(&b.value));
            best.map_or_else(String::new, |record| match record.number("group") {
                Some(0) => short(record.value),
                _ => format!("{} ({})", short(record.value), record.text("group")),
            })
        });
        grid.rows.push((title.clone(), cells.collect()));
    }
    if grid.rows.len() < 2 {
        return Ok(None);
    }
    Ok(Some(Section {
        title: "prefetch, all tables: ns per step or lookup at the best group".to_owned(),
        note: "In parentheses the group. The figure: time of naive over time of direct; above 1 \
               direct is faster."
            .to_owned(),
        grid,
        figure: speed_up(&titles, &records)?,
    }))
}

/// The ratio of the time of `naive` to that of this project, by table and group.
fn speed_up(titles: &[String], records: &[&Record]) -> Result<Option<String>> {
    let ours = |record: &&&Record| record.strategy.starts_with("direct");
    let mut groups: Vec<u64> =
        records.iter().filter(ours).filter_map(|record| record.number("group")).collect();
    groups.sort_unstable();
    groups.dedup();
    let value = |title: &str, strategy: &str, group: u64| {
        let mut found = records.iter().filter(|record| {
            record.strategy == strategy
                && record.number("group") == Some(group)
                && self::title(&record.params) == title
        });
        found.next().map(|record| record.value)
    };
    let ours =
        if records.iter().any(|r| r.strategy == "direct") { "direct" } else { "direct-tail" };
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    // From below.
    for title in titles.iter().rev() {
        let single = value(title, "naive", 0);
        let row: Option<Vec<f64>> =
            groups.iter().map(|&group| Some(single? / value(title, ours, group)?)).collect();
        if let Some(row) = row {
            rows.push(title.clone());
            values.push(row);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let columns: Vec<String> = groups.iter().map(u64::to_string).collect();
    let break_even = vec![None; rows.len()];
    let map = HeatMap {
        x_label: "group",
        y_label: "table",
        columns: &columns,
        rows: &rows,
        values: &values,
        break_even: &break_even,
    };
    plot::heat_map(&map).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tools::params;
    use crate::record::Params;

    fn record(strategy: &str, params: Params, value: f64) -> Record {
        Record {
            experiment: "prefetch".into(),
            strategy: strategy.into(),
            params,
            metric: "time_per_step".into(),
            unit: "ns".into(),
            value,
            low: value,
            high: value,
            samples: 1,
            ..Record::default()
        }
    }

    fn bsearch(strategy: &str, bytes: u64, group: u64, value: f64) -> Record {
        let params = params! {
            "workload": "bsearch", "table_bytes": bytes, "group": group, "pages": "2 MiB"
        };
        record(strategy, params, value)
    }

    #[test]
    fn a_table_is_shown_with_its_latency_floor_and_pages() {
        let mut records =
            vec![bsearch("naive", 1 << 20, 0, 44.0), bsearch("direct", 1 << 20, 16, 11.0)];
        for (group, value) in [(1, 225.0), (16, 15.5), (32, 13.1)] {
            let params = params! {
                "workload": "chase", "table_bytes": 1 << 20, "group": group, "pages": "2 MiB",
                "beside": "bsearch 1 MiB",
            };
            records.push(record("naive", params, value));
        }
        let sections = all(&records).unwrap();
        // And the ratios.
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].title, "prefetch, bsearch 1 MiB: ns per step by group");
        for part in ["2 MiB were granted", "225 ns with one chain", "13.1 ns at best, with 32"] {
            assert!(sections[0].note.contains(part), "{}", sections[0].note);
        }
        assert_eq!(sections[0].grid.columns, ["direct", "naive"]);
    }

    #[test]
    fn several_tables_have_a_summary_at_the_best_group() {
        let records = [
            bsearch("naive", 1 << 20, 0, 44.0),
            bsearch("direct", 1 << 20, 8, 22.0),
            bsearch("direct", 1 << 20, 16, 11.0),
            bsearch("naive", 1 << 14, 0, 2.0),
            bsearch("direct", 1 << 14, 8, 4.0),
            bsearch("direct", 1 << 14, 16, 5.0),
        ];
        let sections = all(&records).unwrap();
        let summary = &sections[2];
        assert_eq!(summary.grid.columns, ["direct", "naive"]);
        assert_eq!(summary.grid.rows[0].1, ["11.0 (16)", "44.0"]);
        assert_eq!(summary.grid.rows[1].1, ["4.00 (8)", "2.00"]);
        // Four times as fast, and half as fast.
        let figure = summary.figure.as_ref().unwrap();
        assert!(figure.contains("4.00") && figure.contains("0.50"));
    }
}
