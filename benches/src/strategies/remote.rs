//! A strategy that needs a lab built otherwise: that lab runs as a child process, which does one
//! sample at a time and sleeps in between, so that its samples alternate with everybody else's.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use crate::child::{Reply, Request};
use crate::drive::Timed;
use crate::prefetch::{Lookups, Spec, Way};
use crate::strategy::{Strategy, Variant};
use crate::workload::Workload;

/// A strategy of another lab.
#[derive(Debug)]
pub struct Remote {
    connection: Rc<RefCell<Connection>>,
    program: PathBuf,
}

#[derive(Debug)]
struct Connection {
    child: Child,
    /// `None` once the child has been told to end.
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Connection {
    fn ask(&mut self, request: &Request) -> Result<Reply> {
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

impl Remote {
    /// Starts `program`, a lab that can run `strategy`.
    ///
    /// # Errors
    /// If it does not start or cannot run the strategy.
    pub fn start(program: &Path, strategy: &str) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["__serve", strategy])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let requests = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let mut connection = Connection { child, requests, replies };
        connection
            .ask(&Request::Variants(Workload::Fib { n: 1, yields: false }))
            .with_context(|| format!("{} cannot run {strategy}", program.display()))?;
        Ok(Self { connection: Rc::new(RefCell::new(connection)), program: program.to_owned() })
    }
}

impl Strategy for Remote {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let reply = self.connection.borrow_mut().ask(&Request::Variants(workload));
        let placements = match reply {
            Ok(Reply::Variants(placements)) => placements,
            // Fails where failures are expected: at the first run.
            other => {
                let run = move |_| bail!("the other lab answers {other:?}");
                return vec![Variant { placement: None, run: Box::new(run) }];
            }
        };
        placements
            .into_iter()
            .map(|placement| {
                let connection = Rc::clone(&self.connection);
                let run = move |iterations| {
                    let request = Request::Run { workload, placement, iterations };
                    Option::from(connection.borrow_mut().ask(&request)?).context("unexpected reply")
                };
                Variant { placement, run: Box::new(run) }
            })
            .collect()
    }

    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        let connection = Rc::clone(&self.connection);
        // The child has the same tables in memory of its own. Its counters are not asked for.
        Some(Box::new(move |data, range, _| {
            let request = Request::Lookups { spec, inputs: data.inputs.len(), way, range };
            let timed = Option::<Timed>::from(connection.borrow_mut().ask(&request)?);
            Ok(timed.context("unexpected reply")?.elapsed)
        }))
    }

    fn child_program(&self) -> Option<PathBuf> {
        Some(self.program.clone())
    }
}
