//! The lab as a child of another lab: for instruction counts, and for strategies that need a build
//! of their own. One request is one line of JSON on standard input, so is the reply.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::drive::Timed;
use crate::strategy::{self, Placement, Setup, Variant};
use crate::workload::Workload;

/// What a parent asks for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// In which placements does the strategy run this workload?
    Variants(Workload),
    /// Run it.
    Run {
        /// The work.
        workload: Workload,
        /// One of the placements.
        placement: Option<Placement>,
        /// How often.
        iterations: u64,
    },
}

/// What the child answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// To [`Request::Variants`].
    Variants(Vec<Option<Placement>>),
    /// To [`Request::Run`].
    Timed {
        /// Duration of the timed part.
        nanoseconds: u64,
        /// Result of the work.
        checksum: u64,
    },
}

/// Answers requests for `strategy` until the standard input ends.
///
/// # Errors
/// If the strategy cannot run here, or a request is malformed.
pub fn serve(strategy: &str) -> Result<()> {
    let strategy = load(strategy)?;
    // The variants stay alive between requests, as they do in a process of their own.
    let mut running: Option<(Workload, Vec<Variant>)> = None;
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?)?;
        let (Request::Variants(workload) | Request::Run { workload, .. }) = request;
        let variants = match &mut running {
            Some((current, variants)) if *current == workload => variants,
            other => &mut other.insert((workload, strategy.variants(workload))).1,
        };
        let reply = match request {
            Request::Variants(_) => Reply::Variants(variants.iter().map(|v| v.placement).collect()),
            Request::Run { placement, iterations, .. } => {
                let timed = run(variants, placement, iterations)?;
                Reply::Timed {
                    nanoseconds: u64::try_from(timed.elapsed.as_nanos())?,
                    checksum: timed.checksum,
                }
            }
        };
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, &reply)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

/// Runs one cell once, checks its result, and prints nothing: the body of an instruction count.
///
/// # Errors
/// If there is no such cell, or its result is wrong.
pub fn run_once(strategy: &str, request: &str) -> Result<()> {
    let Request::Run { workload, placement, iterations } = serde_json::from_str(request)? else {
        bail!("not a request to run");
    };
    let timed = run(&mut load(strategy)?.variants(workload), placement, iterations)?;
    if timed.checksum != workload.expected(iterations) {
        bail!("wrong result: {strategy} on {workload:?}: got {}", timed.checksum);
    }
    Ok(())
}

fn run(variants: &mut [Variant], placement: Option<Placement>, iterations: u64) -> Result<Timed> {
    let variant = variants
        .iter_mut()
        .find(|variant| variant.placement == placement)
        .context("the strategy does not run this workload so")?;
    (variant.run)(iterations)
}

fn load(name: &str) -> Result<Box<dyn strategy::Strategy>> {
    strategy::load(|candidate| candidate == name, &Setup::default())
        .pop()
        .with_context(|| format!("no strategy {name}"))?
        .state
}

impl From<Reply> for Option<Timed> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Timed { nanoseconds, checksum } => {
                Some(Timed { elapsed: Duration::from_nanos(nanoseconds), checksum })
            }
            Reply::Variants(_) => None,
        }
    }
}
