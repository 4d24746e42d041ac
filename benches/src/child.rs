//! The lab as a child of another lab: for instruction counts, for strategies that need a build of
//! their own, and for resident memory. One request is one line of JSON on standard input, so is the
//! reply.

use std::io::{self, BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::drive::Timed;
use crate::generate::{Shape, Tree};
use crate::memory::{Case, Footprint};
use crate::prefetch::{Data, Lookups, Spec, Way};
use crate::strategy::{self, Placement, Setup, Strategy, Variant};
use crate::workload::Workload;

/// What a parent asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Do lookups.
    Lookups {
        /// The data.
        spec: Spec,
        /// How many inputs it has.
        inputs: usize,
        /// The way.
        way: Way,
        /// Of the inputs.
        range: Range<usize>,
    },
    /// Traverse a tree so many times.
    Generate {
        /// How the tree grows.
        shape: Shape,
        /// How deep.
        depth: u32,
        /// How often.
        iterations: u64,
    },
    /// In which placements does the strategy run this case?
    Probes(Case),
    /// Run it once and measure its memory.
    Probe {
        /// The case.
        case: Case,
        /// One of the placements.
        placement: Option<Placement>,
    },
}

/// What the child answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// To [`Request::Variants`].
    Variants(Vec<Option<Placement>>),
    /// To [`Request::Run`], and to [`Request::Lookups`] and [`Request::Generate`] with the number of
    /// lookups or traversals in place of the checksum: the child has checked every result.
    Timed {
        /// Duration of the timed part.
        nanoseconds: u64,
        /// Result of the work.
        checksum: u64,
    },
    /// To [`Request::Probes`].
    Probes(Vec<Option<Placement>>),
    /// To [`Request::Probe`].
    Footprint(Footprint),
}

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
        Request::Generate { iterations, .. } => *iterations,
    };
    match child.answer(request.clone())? {
        Reply::Timed { checksum, .. } if checksum == expected => Ok(()),
        reply => bail!("wrong result: {strategy} on {request:?}: got {reply:?}"),
    }
}

/// What was prepared for a request stays alive until another kind of request comes, as it does in a
/// process of its own.
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
    strategy::load(|candidate| candidate == name, &Setup::default())
        .pop()
        .with_context(|| format!("no strategy {name}"))?
        .state
}

/// A child lab that serves one strategy.
#[derive(Debug)]
pub(crate) struct Connection {
    child: process::Child,
    /// `None` once the child has been told to end.
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Connection {
    /// Starts `program`, a lab.
    pub(crate) fn start(
        program: &Path,
        strategy: &str,
        environment: Vec<(String, PathBuf)>,
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["__serve", strategy])
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let requests = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().context("stdout is piped")?);
        Ok(Self { child, requests, replies })
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Result<Reply> {
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        let requests = self.requests.as_mut().context("the connection is closed")?;
        requests.write_all(line.as_bytes()).context("the other lab has ended")?;
        line.clear();
        if self.replies.read_line(&mut line)? == 0 {
            bail!("the other lab has ended");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The end of its input ends the child.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

impl From<Reply> for Option<Timed> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Timed { nanoseconds, checksum } => {
                Some(Timed { elapsed: Duration::from_nanos(nanoseconds), checksum })
            }
            _ => None,
        }
    }
}
