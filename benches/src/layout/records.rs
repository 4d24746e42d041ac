//! The results as records: totals by scheme, and each large coroutine by scheme and by suspension.

use lab_layout::detail::Use;
use lab_layout::scheme::Scheme;
use serde_json::Value;

use super::Findings;
use crate::record::{Params, Record};

const NAME: &str = "layout";

pub(super) fn of(findings: &Findings) -> Vec<Record> {
    let mut records = Vec::new();
    let program = &findings.program;
    let counts = [
        ("types", program.types.coroutines.len()),
        ("modelled", program.coroutines.len()),
        ("roots", findings.totals.roots.len()),
        ("right", program.checked.types),
        ("definitions", program.checked.definitions + program.checked.other_liveness.len()),
        ("right_definitions", program.checked.definitions),
    ];
    for (metric, count) in counts {
        records.push(record(Scheme::Today, &params(findings, &[]), metric, "1", count as f64));
    }
    for scheme in Scheme::ALL {
        let params = params(findings, &[("scheme", scheme.name().into())]);
        let total = findings.totals.bytes(scheme);
        records.push(record(scheme, &params, "bytes", "B", total as f64));
    }
    for (ty, reason) in &program.missing {
        let name = program.types.get(*ty).name.clone();
        let of = [("coroutine", name.into()), ("reason", reason.name().into())];
        records.push(record(Scheme::Today, &params(findings, &of), "not_modelled", "1", 1.0));
    }
    for (number, large) in findings.largest.iter().enumerate() {
        // Two types may have one name.
        let number: Value = number.into();
        let name: Value = program.types.get(large.ty).name.clone().into();
        for scheme in Scheme::ALL {
            let of = [
                ("scheme", scheme.name().into()),
                ("coroutine", name.clone()),
                ("number", number.clone()),
            ];
            let size = findings.size(large.ty, scheme);
            records.push(record(scheme, &params(findings, &of), "bytes", "B", size as f64));
        }
        for (suspension, suspended) in large.detail.suspensions.iter().enumerate() {
            let place = format!("{}:{}", suspended.place.file, suspended.place.line);
            let of = [
                ("coroutine", name.clone()),
                ("number", number.clone()),
                ("suspension", suspension.into()),
                ("place", place.into()),
            ];
            let params = params(findings, &of);
            let free = suspended.free(large.detail.size);
            for (metric, bytes) in [
                ("live_bytes", suspended.bytes(Use::Live)),
                ("dead_bytes", suspended.bytes(Use::Dead)),
                ("free_bytes", free),
            ] {
                records.push(record(Scheme::Today, &params, metric, "B", bytes as f64));
            }
        }
        if let Some(blocks) = &large.blocks {
            let params = params(findings, &[("coroutine", name.clone()), ("number", number)]);
            let saves = blocks.saves as f64;
            records.push(record(Scheme::Coroutine, &params, "saved_by_blocks", "B", saves));
        }
    }
    records
}

fn params(findings: &Findings, more: &[(&str, Value)]) -> Params {
    let mut params = Params::new();
    params.insert("program".to_owned(), findings.name.clone().into());
    params.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    params
}

/// A figure that is counted, not sampled.
fn record(scheme: Scheme, params: &Params, metric: &str, unit: &str, value: f64) -> Record {
    Record {
        experiment: NAME.to_owned(),
        strategy: scheme.name().to_owned(),
        params: params.clone(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        low: value,
        high: value,
        samples: 1,
        ..Record::default()
    }
}
