//! The same results as ratios, which travel between machines better than times.

use super::cases::title;
use super::sections::titles;
use crate::record::Record;
use crate::show::Section;
use crate::show::table::Grid;

/// Two figures of one table.
struct Ratio {
    name: &'static str,
    over: Pick,
    under: Pick,
}

/// A strategy, lookups one by one or at its best group.
type Pick = (&'static str, Form);

#[derive(Clone, Copy, PartialEq)]
enum Form {
    OneByOne,
    Grouped,
}
use Form::{Grouped, OneByOne};

const RATIOS: [Ratio; 10] = [
    Ratio { name: "naive / direct", over: ("naive", OneByOne), under: ("direct", Grouped) },
    Ratio {
        name: "naive-branch / direct",
        over: ("naive-branch", OneByOne),
        under: ("direct", Grouped),
    },
    Ratio {
        name: "direct / state-machine",
        over: ("direct", Grouped),
        under: ("state-machine", Grouped),
    },
    Ratio {
        name: "direct / group-prefetch",
        over: ("direct", Grouped),
        under: ("group-prefetch", Grouped),
    },
    Ratio { name: "direct / nested", over: ("direct", Grouped), under: ("nested", Grouped) },
    Ratio { name: "direct / stackful", over: ("direct", Grouped), under: ("stackful", Grouped) },
    Ratio { name: "direct / cpp-clang", over: ("direct", Grouped), under: ("cpp-clang", Grouped) },
    Ratio { name: "direct / floor", over: ("direct", Grouped), under: ("naive", Grouped) },
    Ratio {
        name: "direct one by one / naive",
        over: ("direct", OneByOne),
        under: ("naive", OneByOne),
    },
    Ratio { name: "adaptive / naive", over: ("adaptive", Grouped), under: ("naive", OneByOne) },
];

fn ratio(over: Option<f64>, under: Option<f64>) -> String {
    over.zip(under).map_or_else(String::new, |(over, under)| format!("{:.2}", over / under))
}

/// All tables but those of `nesting`, all strategies at their best group.
pub(super) fn of_tables(records: &[&Record]) -> Option<Section> {
    let mut rows = Vec::new();
    for title in titles(records) {
        let best = |(strategy, form): Pick| {
            let values = records.iter().filter(|record| {
                record.strategy == strategy
                    && (record.number("group") == Some(0)) == (form == OneByOne)
                    && self::title(&record.params) == title
            });
            values.map(|record| record.value).min_by(f64::total_cmp)
        };
        let cells: Vec<String> =
            RATIOS.iter().map(|of| ratio(best(of.over), best(of.under))).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push((title, cells));
        }
    }
    (!rows.is_empty()).then(|| Section {
        title: "prefetch, all tables: ratios of times at the best groups".to_owned(),
        note: "In the first two columns more is better for direct, in the others less. The floor \
               is the plain loop over several chains."
            .to_owned(),
        grid: Grid {
            corner: "table".to_owned(),
            columns: RATIOS.iter().map(|of| of.name.to_owned()).collect(),
            rows,
        },
        figure: None,
    })
}

/// For `nesting`: each call depth over depth 1 of the same strategy and group.
pub(super) fn of_depths(name: &str, records: &[&Record]) -> Option<Section> {
    let depth = |record: &Record| record.number("call_depth");
    let flat = |strategy: &str| {
        let mut found = records.iter().filter(|r| r.strategy == strategy && depth(r) == Some(1));
        found.next().map(|record| record.value)
    };
    let deep: Vec<Record> = records
        .iter()
        .filter(|record| depth(record) > Some(1))
        .filter_map(|&record| {
            Some(Record { value: record.value / flat(&record.strategy)?, ..record.clone() })
        })
        .collect();
    let deep: Vec<&Record> = deep.iter().collect();
    (!deep.is_empty()).then(|| Section {
        title: format!("{name}: over the same strategy at call depth 1"),
        note: String::new(),
        grid: Grid::pivot("call depth", &deep, |r| r.text("call_depth"), Record::label),
        figure: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tools::params;

    fn record(strategy: &str, group: u64, call_depth: Option<u64>, value: f64) -> Record {
        let mut params = params! { "workload": "bsearch", "table_bytes": 1024, "group": group };
        if let Some(depth) = call_depth {
            params.insert("call_depth".to_owned(), depth.into());
        }
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

    #[test]
    fn ratios_are_of_the_best_groups_and_one_by_one_apart() {
        let records = [
            record("naive", 0, None, 40.0),
            record("direct", 0, None, 42.0),
            record("direct", 8, None, 20.0),
            record("direct", 16, None, 10.0),
            record("state-machine", 8, None, 8.0),
        ];
        let section = of_tables(&records.iter().collect::<Vec<_>>()).unwrap();
        let row = &section.grid.rows[0].1;
        let cell = |name| &row[section.grid.columns.iter().position(|c| c == name).unwrap()];
        assert_eq!(cell("naive / direct"), "4.00");
        assert_eq!(cell("direct / state-machine"), "1.25");
        assert_eq!(cell("direct one by one / naive"), "1.05");
        assert_eq!(cell("direct / cpp-clang"), "");
    }

    #[test]
    fn depths_are_compared_with_the_flat_form_of_the_same_strategy() {
        let records = [
            record("direct", 16, Some(1), 10.0),
            record("nested", 16, Some(1), 8.0),
            record("direct", 16, Some(5), 11.0),
            record("nested", 16, Some(5), 16.0),
        ];
        let section = of_depths("x", &records.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(section.grid.rows, [("5".to_owned(), vec!["1.10".into(), "2.00".into()])]);
    }
}
