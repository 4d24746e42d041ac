//! The lab as a child of another lab: for instruction counts, for strategies that need a build of
//! their own, and for resident memory. One request is one line of JSON on standard input, so is the
//! reply.

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::drive::{Placement, Timed};
use crate::generate::Shape;
use crate::memory::{Case, Footprint};
use crate::prefetch::{Spec, Way};
use crate::workload::Workload;
use crate::{join, tasks, wake};

/// A parent's request.
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
    /// Run branches of a task so many times.
    Join {
        /// What they do.
        case: join::Case,
        /// How many they are.
        branches: usize,
        /// How often.
        iterations: u64,
    },
    /// Wake a task so many times.
    Wakes {
        /// How.
        spec: wake::Spec,
        /// How often.
        iterations: u64,
    },
    /// Do what runtimes do.
    Tasks {
        /// What.
        spec: tasks::Spec,
        /// How often.
        iterations: u64,
    },
    /// Handle so many requests to a service, alone.
    Requests {
        /// How many calls each is.
        depth: u32,
        /// How many.
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

/// The child's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// To [`Request::Variants`].
    Variants(Vec<Option<Placement>>),
    /// To [`Request::Run`], and to the other requests to run something with the number of lookups or
    /// iterations in place of the checksum: the child has checked every result.
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

/// A child lab that serves one strategy.
#[derive(Debug)]
pub struct Connection {
    child: process::Child,
    /// `None` once the child has been told to end.
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Connection {
    /// Starts `program`, a lab.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(
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

    /// Sends a request and waits for the reply.
    ///
    /// # Errors
    /// If the child ends instead.
    pub fn ask(&mut self, request: &Request) -> Result<Reply> {
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
