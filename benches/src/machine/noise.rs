//! What else the machine does: a fixed amount of work, again and again, which takes the same time each time only if
//! nothing comes between.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// How often the work is done. Some milliseconds in all.
const ROUNDS: usize = 400;
/// Steps of it, each of which depends on the one before.
const STEPS: u64 = 20_000;

/// How even the work was, and what the system says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// How much longer the longest tenth took at least than the median, in percent.
    pub spread_percent: f64,
    /// Of the processors' time since they were started, how much their host gave to others, in percent.
    pub steal_percent: f64,
    /// The load average of a minute, for each hardware thread. It includes the lab's own.
    pub load: f64,
}

impl Noise {
    /// Measures it.
    #[must_use]
    pub fn now() -> Self {
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let mut sum = black_box(1u64);
                for step in 0..STEPS {
                    sum = black_box(sum.wrapping_mul(3) ^ step);
                }
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let (median, late) = (times[ROUNDS / 2], times[ROUNDS * 9 / 10]);
        Self {
            spread_percent: rounded((late / median - 1.0) * 100.0),
            steal_percent: rounded(steal().unwrap_or(0.0)),
            load: rounded(load().unwrap_or(0.0)),
        }
    }

    /// Whether times that are measured now say little.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.spread_percent > 10.0 || self.steal_percent > 2.0 || self.load > 1.5
    }

    /// For a reader.
    #[must_use]
    pub fn line(&self) -> String {
        let verdict =
            if self.is_busy() { "BUSY: compare nothing but ratios of one run" } else { "quiet" };
        let Noise { spread_percent, steal_percent, load } = self;
        format!(
            "{verdict} (a fixed loop varies by {spread_percent} %, steal {steal_percent} %, load {load} a thread)"
        )
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn steal() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // `proc_stat(5)`: user, nice, system, idle, iowait, irq, softirq, steal. What guests took is in the first two.
    Some(ticks.get(7)? / ticks.iter().take(8).sum::<f64>() * 100.0)
}

fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split(' ').next()?.parse().ok()?;
    Some(load / std::thread::available_parallelism().map_or(1.0, |threads| threads.get() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_work_is_busy() {
        let quiet = Noise { spread_percent: 3.0, steal_percent: 0.1, load: 0.6 };
        assert!(!quiet.is_busy() && quiet.line().starts_with("quiet"));
        let busy = Noise { spread_percent: 40.0, ..quiet };
        assert!(busy.is_busy() && busy.line().contains("BUSY"));
        assert!(Noise { steal_percent: 5.0, ..quiet }.is_busy());
    }

    #[test]
    fn it_is_measured() {
        let noise = Noise::now();
        assert!(noise.spread_percent >= 0.0 && noise.steal_percent >= 0.0 && noise.load >= 0.0);
    }
}
