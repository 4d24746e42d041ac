//! What experiments have in common: cells of workloads, parameters, lines of plots.

use anyhow::Result;
use lab_work::drive::Placement;
use lab_work::workload::Workload;

use super::run::{Participant, Progress};
use crate::measure::generated::Package;
use crate::measure::{Cell, Metric, checked, timed};
use crate::record::{Params, Record};
use crate::show::plot::Line;

/// The cells of all participants for one workload.
pub(super) fn cells_of(
    participants: &[&Participant],
    workload: Workload,
    metric: &'static str,
    units: f64,
    params: impl Fn(Option<Placement>) -> Params,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for participant in participants {
        for variant in participant.strategy.variants(workload) {
            cells.push(Cell {
                strategy: participant.name().to_owned(),
                params: params(variant.placement),
                metrics: vec![Metric::time(metric, units)],
                iterations: None,
                sample: timed(checked(participant.name(), workload, variant.run)),
            });
        }
    }
    cells
}

/// The packages of all participants for programs of their own, each with its strategy's name.
pub(super) fn packages(participants: &[&Participant]) -> Result<Vec<(&'static str, Package)>> {
    let dialects = participants.iter().flat_map(|participant| {
        participant.strategy.dialects().into_iter().map(|dialect| (participant.name(), dialect))
    });
    dialects.map(|(name, dialect)| Ok((name, Package::new(name, dialect)?))).collect()
}

/// Builds [`Params`] from names and values.
macro_rules! params {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut params = $crate::record::Params::new();
        $(params.insert($name.to_owned(), ::serde_json::Value::from($value));)*
        params
    }};
}
pub(super) use params;

/// The records that carry `param` = `value`.
pub(super) fn with<'a>(records: &'a [Record], param: &str, value: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(param) == value).collect()
}

/// The records as lines of a plot over `param`: one for each label, in the order of appearance.
pub(super) fn lines(records: &[&Record], param: &str) -> Vec<Line> {
    lines_by(records, param, Record::label)
}

/// [`lines`] with other labels.
pub(super) fn lines_by(
    records: &[&Record],
    param: &str,
    label: impl Fn(&Record) -> String,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for record in records {
        let Some(x) = record.number(param) else { continue };
        let label = label(record);
        let point = (x as f64, record.value);
        let interval = record.interval.map(|[low, high]| (x as f64, low, high));
        match lines.iter_mut().find(|line| line.label == label) {
            Some(line) => {
                line.points.push(point);
                line.intervals.extend(interval);
            }
            None => lines.push(Line {
                label,
                points: vec![point],
                intervals: interval.into_iter().collect(),
            }),
        }
    }
    lines
}

/// What participants cannot do, each once.
#[derive(Default)]
pub(super) struct Absences(Vec<String>);

impl Absences {
    /// What a participant offers, if it does; keeps the reason if it cannot do `what`.
    pub(super) fn note<T>(&mut self, what: &str, offer: Result<Option<T>>) -> Option<T> {
        offer.unwrap_or_else(|reason| {
            let line = format!("{what}: not available: {reason:#}");
            if !self.0.contains(&line) {
                self.0.push(line);
            }
            None
        })
    }

    /// Tells the reader.
    pub(super) fn say(self, experiment: &str, progress: &mut dyn Progress) {
        for line in self.0 {
            progress.say(&format!("{experiment} without {line}"));
        }
    }
}
