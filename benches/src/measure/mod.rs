//! Sampling: every cell once per round, round after round, so that a slow minute of the machine
//! slows all of them alike and cancels out of their ratios. Each round has an order of its own: what a cell finds
//! in the caches depends on the one before it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab_work::clock::Cost;
use lab_work::drive::{Runner, Sample};
use lab_work::workload::Workload;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use crate::record::{Params, Record};
use statistics::{interval, median_and_quartiles};

mod emulator;
pub mod generated;
pub mod instructions;
pub mod statistics;

/// How much to sample.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Samples for each cell.
    pub samples: usize,
    /// How long a sample should take.
    pub sample_time: Duration,
}

impl Budget {
    /// For figures that are to be published.
    pub const FULL: Budget = Budget { samples: 31, sample_time: Duration::from_millis(10) };
    /// For a first look.
    pub const QUICK: Budget = Budget { samples: 11, sample_time: Duration::from_millis(2) };
}

/// Which figure of a sample is recorded.
#[derive(Clone, Copy, Debug)]
enum Figure {
    Elapsed,
    Cpu,
    Throughput,
    P50,
    P99,
    P999,
}

/// A figure that is recorded of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    name: &'static str,
    figure: Figure,
    /// How many units of the metric one iteration makes, for instance the depth for a time per
    /// level.
    units: f64,
}

impl Metric {
    /// The time on the clock of the sample, for each unit.
    #[must_use]
    pub fn time(name: &'static str, units: f64) -> Self {
        Self { name, figure: Figure::Elapsed, units }
    }

    /// The processor time, for each unit.
    #[must_use]
    pub fn cpu(name: &'static str, units: f64) -> Self {
        Self { name, figure: Figure::Cpu, units }
    }

    /// Units in a second.
    #[must_use]
    pub fn throughput(units: f64) -> Self {
        Self { name: "throughput", figure: Figure::Throughput, units }
    }

    /// What half of the requests took at most.
    #[must_use]
    pub fn p50() -> Self {
        Self { name: "p50", figure: Figure::P50, units: 1.0 }
    }

    /// What all but one percent of the requests took at most.
    #[must_use]
    pub fn p99() -> Self {
        Self { name: "p99", figure: Figure::P99, units: 1.0 }
    }

    /// What all but one in a thousand of the requests took at most.
    #[must_use]
    pub fn p999() -> Self {
        Self { name: "p999", figure: Figure::P999, units: 1.0 }
    }

    fn unit(&self) -> &'static str {
        if matches!(self.figure, Figure::Throughput) { "1/s" } else { "ns" }
    }

    fn of(&self, cost: &Cost, iterations: u64) -> f64 {
        let units = iterations as f64 * self.units;
        match self.figure {
            Figure::Elapsed => cost.elapsed.as_secs_f64() * 1e9 / units,
            Figure::Cpu => cost.cpu.as_secs_f64() * 1e9 / units,
            Figure::Throughput => units / cost.elapsed.as_secs_f64(),
            Figure::P50 => cost.requests.p50.as_secs_f64() * 1e9,
            Figure::P99 => cost.requests.p99.as_secs_f64() * 1e9,
            Figure::P999 => cost.requests.p999.as_secs_f64() * 1e9,
        }
    }
}

/// Does the work of a cell, and says what it took.
pub type Measurement = Box<dyn FnMut(u64) -> Result<Cost>>;

/// One thing to measure: a strategy on some work.
pub struct Cell {
    /// Name of the strategy.
    pub strategy: String,
    /// The part of the record that describes the cell.
    pub params: Params,
    /// What is recorded of it, a record for each.
    pub metrics: Vec<Metric>,
    /// How many iterations a sample has; without, as many as fill the sample time.
    pub iterations: Option<u64>,
    /// Does the work.
    pub sample: Measurement,
}

/// A sample that is measured by one clock.
#[must_use]
pub fn timed(mut sample: Sample) -> Measurement {
    Box::new(move |iterations| Ok(sample(iterations)?.into()))
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cell").field("strategy", &self.strategy).finish_non_exhaustive()
    }
}

/// Runs iterations of `workload` and compares the checksum with the workload's.
#[must_use]
pub fn checked(strategy: &str, workload: Workload, mut run: Runner) -> Sample {
    let name = format!("{strategy} on {workload:?}");
    Box::new(move |iterations| {
        let timed = run(iterations).with_context(|| name.clone())?;
        let expected = workload.expected(iterations);
        ensure!(
            timed.checksum == expected,
            "wrong result: {name}, {iterations} iterations: expected {expected}, got {}",
            timed.checksum,
        );
        Ok(timed.elapsed)
    })
}

impl Cell {
    /// How many iterations take about `target`, unless the number is given; the runs also warm the
    /// cell up.
    fn calibrate(&mut self, target: Duration) -> Result<u64> {
        let mut iterations = self.iterations.unwrap_or(1);
        loop {
            let elapsed = (self.sample)(iterations)?.elapsed;
            if self.iterations.is_some() {
                return Ok(iterations);
            }
            // A tenth of the target is long enough to extrapolate from; twice, since a run that was
            // interrupted looks long.
            if elapsed >= target / 10 {
                let elapsed = elapsed.min((self.sample)(iterations)?.elapsed);
                if elapsed >= target / 10 {
                    let scale = target.as_secs_f64() / elapsed.as_secs_f64();
                    return Ok(((iterations as f64 * scale) as u64).max(1));
                }
            }
            iterations = iterations.saturating_mul(4);
        }
    }

    fn records(
        &self,
        experiment: &str,
        iterations: u64,
        samples: &[Cost],
    ) -> impl Iterator<Item = Record> {
        self.metrics.iter().map(move |metric| {
            let figures = samples.iter().map(|cost| metric.of(cost, iterations)).collect();
            record_of(experiment, &self.strategy, &self.params, metric.name, metric.unit(), figures)
        })
    }
}

/// What samples of one metric come to; counts are their own only sample.
#[must_use]
pub fn record_of(
    experiment: &str,
    strategy: &str,
    params: &Params,
    metric: &str,
    unit: &str,
    samples: Vec<f64>,
) -> Record {
    let count = samples.len();
    let interval = interval(&samples).map(|bounds| bounds.map(rounded));
    let (value, low, high) = median_and_quartiles(samples);
    Record {
        experiment: experiment.to_owned(),
        strategy: strategy.to_owned(),
        params: params.clone(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value: rounded(value),
        low: rounded(low),
        high: rounded(high),
        samples: count,
        interval,
        machine: None,
    }
}

/// To a thousandth: more digits would pretend a precision that no clock has.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Measures `cells` in alternating rounds, each in a random order, the same ones in every run. `tick` is called after
/// each sample and each calibration, [`ticks`] times in all.
///
/// # Errors
/// If a result is wrong.
pub fn measure(
    experiment: &str,
    mut cells: Vec<Cell>,
    budget: &Budget,
    tick: &mut dyn FnMut(),
) -> Result<Vec<Record>> {
    let mut iterations = Vec::with_capacity(cells.len());
    for cell in &mut cells {
        iterations.push(cell.calibrate(budget.sample_time)?);
        tick();
    }
    let mut samples = vec![Vec::with_capacity(budget.samples); cells.len()];
    let mut order: Vec<usize> = (0..cells.len()).collect();
    let rng = &mut SmallRng::seed_from_u64(0x5eed);
    for _ in 0..budget.samples {
        order.shuffle(rng);
        for &i in &order {
            samples[i].push((cells[i].sample)(iterations[i])?);
            tick();
        }
    }
    let results = cells.iter().zip(iterations).zip(&samples);
    Ok(results.flat_map(|((cell, n), samples)| cell.records(experiment, n, samples)).collect())
}

/// How often [`measure`] ticks.
#[must_use]
pub fn ticks(cells: usize, budget: &Budget) -> u64 {
    (cells * (budget.samples + 1)) as u64
}

#[cfg(test)]
mod tests {
    use lab_work::clock::Requests;
    use lab_work::drive::Timed;

    use super::*;

    const BUDGET: Budget = Budget { samples: 3, sample_time: Duration::from_micros(100) };

    fn cell(checksum: impl Fn(u64) -> u64 + 'static) -> Cell {
        Cell {
            strategy: "fake".into(),
            params: Params::new(),
            metrics: vec![Metric::time("time_per_call", 1.0)],
            iterations: None,
            sample: timed(checked(
                "fake",
                Workload::Fib { n: 10, yields: false },
                Box::new(move |n| {
                    Ok(Timed { elapsed: Duration::from_nanos(100 * n), checksum: checksum(n) })
                }),
            )),
        }
    }

    #[test]
    fn a_wrong_result_is_an_error_that_names_the_cell() {
        let error = measure("call", vec![cell(|n| 55 * n + 1)], &BUDGET, &mut || ()).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("wrong result") && message.contains("fake"), "{message}");
    }

    #[test]
    fn the_value_is_per_unit_and_every_tick_is_counted() {
        let mut count = 0;
        let cells = vec![cell(|n| 55 * n), cell(|n| 55 * n)];
        let records = measure("call", cells, &BUDGET, &mut || count += 1).unwrap();
        assert_eq!(count, ticks(2, &BUDGET));
        assert_eq!(records.len(), 2);
        assert!((records[0].value - 100.0).abs() < 1e-6);
        assert_eq!(records[0].samples, 3);
    }

    #[test]
    fn a_cell_has_a_record_for_each_metric() {
        let mut server = cell(|_| 0);
        server.metrics = vec![
            Metric::time("time_total", 1.0),
            Metric::cpu("cpu_per_item", 4.0),
            Metric::throughput(4.0),
            Metric::p50(),
            Metric::p99(),
            Metric::p999(),
        ];
        let (elapsed, cpu) = (Duration::from_micros(10), Duration::from_micros(2));
        let [p50, p99, p999] = [3, 7, 9].map(Duration::from_micros);
        let requests = Requests { p50, p99, p999 };
        let cost = Cost { elapsed, cpu, requests };
        let figures: Vec<_> = server
            .records("runtime", 5, &[cost; 3])
            .map(|record| (record.metric, record.unit, record.value))
            .collect();
        let expected = [
            ("time_total", "ns", 2000.0),
            ("cpu_per_item", "ns", 100.0),
            ("throughput", "1/s", 2_000_000.0),
            ("p50", "ns", 3000.0),
            ("p99", "ns", 7000.0),
            ("p999", "ns", 9000.0),
        ];
        assert_eq!(figures, expected.map(|(name, unit, value)| (name.into(), unit.into(), value)));
    }

    #[test]
    fn a_run_that_was_interrupted_does_not_make_samples_short() {
        let mut first = true;
        let mut interrupted = cell(|_| 0);
        interrupted.sample = Box::new(move |n| {
            let interruption = if std::mem::take(&mut first) { 1_000_000 } else { 0 };
            Ok(Duration::from_nanos(100 * n + interruption).into())
        });
        let iterations = interrupted.calibrate(BUDGET.sample_time).unwrap();
        assert_eq!(iterations, 1000);
    }
}
