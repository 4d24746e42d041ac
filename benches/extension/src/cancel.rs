//! An experiment: what it costs to start a stack of calls and to cancel it where it suspends.

use std::future::{Future as _, IntoFuture};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use anyhow::{Result, ensure};
use cps_core::prelude::*;
use lab::experiment::{Experiment, Run};
use lab::measure::{Cell, Metric, timed};
use lab::record::{Params, Record};
use lab::show::{Section, plot, table::Grid};
use lab_strategies::registry::{Entry, Work};
use lab_work::clock::ThreadTime;
use lab_work::drive::{Sample, opaque, suspend};

pub(crate) struct Cancel;

const DEPTHS: [u32; 5] = [1, 4, 16, 64, 256];

async fn nested(depth: u32) -> u64 {
    if depth == 1 {
        suspend().await;
        return opaque(1);
    }
    Box::pin(nested(depth - 1)).await + opaque(1)
}

#[cps]
async fn direct(depth: u32) -> u64 {
    if depth == 1 {
        suspend().await;
        return opaque(1);
    }
    direct(depth - 1).on_heap().await + opaque(1)
}

/// Starts a stack so many times, and drops it.
fn starts<F: IntoFuture<Output = u64>>(make: impl Fn() -> F, iterations: u64) -> Result<Duration> {
    let cx = &mut Context::from_waker(Waker::noop());
    let start = ThreadTime::now();
    for _ in 0..iterations {
        let is_suspended = pin!(make().into_future()).poll(cx).is_pending();
        ensure!(is_suspended, "it did not suspend");
    }
    Ok(start.elapsed())
}

impl Experiment for Cancel {
    fn name(&self) -> &'static str {
        "cancel"
    }

    fn about(&self) -> &'static str {
        "starting a recursion and cancelling it where it suspends"
    }

    fn takes(&self, strategy: &Entry) -> bool {
        strategy.does(Work::Chains)
    }

    /// The work is this package's own: of the strategies only the names are the lab's.
    fn cells(&self, _: &Run<'_>) -> Vec<Cell> {
        let cell = |strategy: &str, depth: u32, sample: Sample| Cell {
            strategy: strategy.to_owned(),
            params: Params::from_iter([("depth".to_owned(), depth.into())]),
            metrics: vec![Metric::time("time_per_level", f64::from(depth))],
            iterations: None,
            sample: timed(sample),
        };
        DEPTHS
            .into_iter()
            .flat_map(|depth| {
                let boxed = move |n| starts(|| nested(opaque(depth)), n);
                let on_heap = move |n| starts(|| direct(opaque(depth)), n);
                [
                    cell("nested-boxed", depth, Box::new(boxed)),
                    cell("direct", depth, Box::new(on_heap)),
                ]
            })
            .collect()
    }

    fn sections(&self, records: &[Record]) -> Result<Vec<Section>> {
        let all: Vec<&Record> = records.iter().collect();
        let line = |strategy: &str| plot::Line {
            label: strategy.to_owned(),
            points: records
                .iter()
                .filter(|record| record.strategy == strategy)
                .filter_map(|record| Some((record.number("depth")? as f64, record.value)))
                .collect(),
            intervals: Vec::new(),
        };
        Ok(vec![Section {
            title: "cancel: ns per level by depth".to_owned(),
            note: "Each level is on the heap.".to_owned(),
            grid: Grid::pivot("depth", &all, |record| record.text("depth"), Record::label),
            figure: Some(plot::lines("depth", "ns", &["nested-boxed", "direct"].map(line))?),
        }])
    }
}
