//! `lab self-check`: a strategy is compared with itself, and no difference may be seen.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result, ensure};
use lab_strategies::registry::{self, Loaded, Setup, Work};
use lab_work::workload::{Chain, Workload};

use crate::machine::noise::Noise;
use crate::measure::statistics::CONFIDENCE;
use crate::measure::{Budget, Cell, Metric, checked, measure, timed};
use crate::record::Params;

/// How often each strategy is compared with itself.
const TRIALS: usize = 20;

const WORKLOAD: Workload = Workload::Resume { chain: Chain::Dyn, depth: 8 };

/// `lab self-check`
///
/// # Errors
/// If a difference is seen where there is none.
pub fn run() -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "the machine is {}", Noise::now().line())?;
    let mut false_differences = Vec::new();
    // A minute of the compiler is not what this command is about.
    let loaded =
        registry::load(|entry| entry.does(Work::Chains) && !entry.is_compiled, &Setup::default());
    for Loaded { entry, state } in loaded {
        let Ok(strategy) = state else { continue };
        let cell = |name: &str| -> Result<Cell> {
            let variant = strategy.variants(WORKLOAD).into_iter().next();
            let variant =
                variant.with_context(|| format!("{} runs no {WORKLOAD:?}", entry.name))?;
            Ok(Cell {
                strategy: name.to_owned(),
                params: Params::new(),
                metrics: vec![Metric::time("time_per_resume", 1.0)],
                iterations: None,
                sample: timed(checked(entry.name, WORKLOAD, variant.run)),
            })
        };
        let mut same = 0;
        for _ in 0..TRIALS {
            let records = measure("self-check", vec![cell("a")?, cell("b")?], &BUDGET, &mut || ())?;
            same += usize::from(records[0].is_like(&records[1]));
        }
        writeln!(out, "{:<14} {same} of {TRIALS} without a difference", entry.name)?;
        if same < TRIALS {
            false_differences.push(entry.name);
        }
    }
    ensure!(
        false_differences.is_empty(),
        "{false_differences:?} differed from themselves, with a certainty of {CONFIDENCE} %: the machine is too busy, \
         or the samples depend on each other"
    );
    Ok(())
}

/// As many samples as for figures that are published, and shorter ones.
const BUDGET: Budget = Budget { sample_time: Budget::QUICK.sample_time, ..Budget::FULL };
