//! The lab as a child: answers the requests of another, or runs one cell once.

use std::hint::black_box;
use std::io::{self, BufRead as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lab_strategies::registry::{self, Setup};
use lab_work::child::{Reply, Request};
use lab_work::drive::{Placement, Timed};
use lab_work::generate::Tree;
use lab_work::prefetch::{Data, Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::Workload;

use crate::measure::instructions::MORE;

/// Answers requests for `strategy` until the standard input ends.
///
/// # Errors
/// If the strategy cannot run here, or a request is malformed.
pub fn serve(strategy: &str) -> Result<()> {
    let mut child = Child { strategy: load(strategy)?, running: None, data: None, lookups: None };
    for line in io::stdin().lock().lines() {
        let reply = child.answer(serde_json::from_str(&line?)?)?;
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
    let request: Request = serde_json::from_str(request)?;
    let mut child = Child { strategy: load(strategy)?, running: None, data: None, lookups: None };
    let expected = match &request {
        Request::Variants(_) | Request::Probes(_) | Request::Probe { .. } => {
            bail!("not a request to run")
        }
        Request::Run { workload, iterations, .. } => workload.expected(*iterations),
        Request::Lookups { range, .. } => range.len() as u64,
        Request::Generate { iterations, .. }
        | Request::Join { iterations, .. }
        | Request::Wakes { iterations, .. }
        | Request::Tasks { iterations, .. }
        | Request::Requests { iterations, .. } => *iterations,
    };
    let reply = child.answer(request.clone())?;
    if let Ok(more) = std::env::var(MORE) {
        execute(more.parse()?);
    }
    match reply {
        Reply::Timed { checksum, .. } if checksum == expected => Ok(()),
        reply => bail!("wrong result: {strategy} on {request:?}: got {reply:?}"),
    }
}

/// About so many instructions.
fn execute(instructions: u64) {
    // In an optimised build a round takes four.
    for round in 0..instructions / 4 {
        black_box(round);
    }
}

/// The preparation for a request stays alive until another kind of request comes, as it does in a process of its own.
struct Child {
    strategy: Box<dyn Strategy>,
    running: Option<(Workload, Vec<Variant>)>,
    data: Option<Data>,
    lookups: Option<(Spec, Way, Lookups)>,
}

impl Child {
    fn answer(&mut self, request: Request) -> Result<Reply> {
        match request {
            Request::Variants(workload) => {
                let variants = self.variants(workload).iter();
                Ok(Reply::Variants(variants.map(|variant| variant.placement).collect()))
            }
            Request::Run { workload, placement, iterations } => {
                let timed = run(self.variants(workload), placement, iterations)?;
                reply(timed.elapsed, timed.checksum)
            }
            Request::Lookups { spec, inputs, way, range } => {
                let data = match &mut self.data {
                    Some(data) if (data.spec, data.inputs.len()) == (spec, inputs) => data,
                    old => {
                        // The old table first makes room for the new one.
                        *old = None;
                        old.insert(Data::build(spec, inputs)?)
                    }
                };
                let lookups = match &mut self.lookups {
                    Some((s, w, lookups)) if (*s, *w) == (spec, way) => lookups,
                    old => {
                        let new = self.strategy.lookups(spec, way);
                        let new = new.context("the strategy does not do these lookups")?;
                        &mut old.insert((spec, way, new)).2
                    }
                };
                reply(lookups(data, range.clone(), None)?, range.len() as u64)
            }
            Request::Generate { shape, depth, iterations } => {
                let sample = self.strategy.generate(&Tree::build(shape, depth));
                let mut sample = sample.context("the strategy does not traverse this tree")?;
                reply(sample(iterations)?, iterations)
            }
            Request::Join { case, branches, iterations } => {
                let sample = self.strategy.join(case, branches);
                let mut sample = sample.context("the strategy does not run these branches")?;
                reply(sample(iterations)?, iterations)
            }
            Request::Wakes { spec, iterations } => {
                let wakes = self.strategy.wakes(spec)?;
                let mut wakes = wakes.context("the strategy is no runtime")?;
                reply(wakes(iterations)?.elapsed, iterations)
            }
            Request::Tasks { spec, iterations } => {
                let tasks = self.strategy.tasks(spec)?;
                let mut tasks = tasks.context("the strategy is no runtime")?;
                reply(tasks(iterations)?.elapsed, iterations)
            }
            Request::Requests { depth, iterations } => {
                let requests = self.strategy.requests(depth);
                let mut requests = requests.context("the strategy handles no such requests")?;
                reply(requests(iterations)?, iterations)
            }
            Request::Probes(case) => {
                let probes = self.strategy.probes(case)?;
                Ok(Reply::Probes(probes.iter().map(|probe| probe.placement).collect()))
            }
            Request::Probe { case, placement } => {
                let mut probes = self.strategy.probes(case)?.into_iter();
                let probe = probes.find(|probe| probe.placement == placement);
                let probe = probe.context("the strategy does not run this case so")?;
                Ok(Reply::Footprint((probe.measure)()?))
            }
        }
    }

    fn variants(&mut self, workload: Workload) -> &mut [Variant] {
        let (current, variants) =
            self.running.get_or_insert_with(|| (workload, self.strategy.variants(workload)));
        if *current != workload {
            (*current, *variants) = (workload, self.strategy.variants(workload));
        }
        variants
    }
}

fn reply(elapsed: Duration, checksum: u64) -> Result<Reply> {
    Ok(Reply::Timed { nanoseconds: u64::try_from(elapsed.as_nanos())?, checksum })
}

fn run(variants: &mut [Variant], placement: Option<Placement>, iterations: u64) -> Result<Timed> {
    let variant = variants
        .iter_mut()
        .find(|variant| variant.placement == placement)
        .context("the strategy does not run this workload so")?;
    (variant.run)(iterations)
}

fn load(name: &str) -> Result<Box<dyn Strategy>> {
    registry::load(|entry| entry.name == name, &Setup::default())
        .pop()
        .with_context(|| format!("no strategy {name}"))?
        .state
}
