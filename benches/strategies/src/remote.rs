//! A strategy that needs a lab built otherwise: that lab runs as a child process, which does one
//! sample at a time and sleeps in between, so that its samples alternate with everybody else's.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use lab_work::child::{Connection, Reply, Request};
use lab_work::drive::Timed;
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::Workload;

/// A strategy of another lab.
#[derive(Debug)]
pub struct Remote {
    connection: Rc<RefCell<Connection>>,
    program: PathBuf,
}

impl Remote {
    /// Starts `program`, a lab that can run `strategy`.
    ///
    /// # Errors
    /// If it does not start or cannot run the strategy.
    pub fn start(program: &Path, strategy: &str) -> Result<Self> {
        let mut connection = Connection::start(program, strategy, Vec::new())?;
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

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        let placements = match self.connection.borrow_mut().ask(&Request::Probes(case))? {
            Reply::Probes(placements) => placements,
            other => bail!("the other lab answers {other:?}"),
        };
        let probe = |placement| {
            let connection = Rc::clone(&self.connection);
            let measure =
                move || match connection.borrow_mut().ask(&Request::Probe { case, placement })? {
                    Reply::Footprint(footprint) => Ok(footprint),
                    other => bail!("the other lab answers {other:?}"),
                };
            Probe { placement, measure: Box::new(measure) }
        };
        Ok(placements.into_iter().map(probe).collect())
    }

    fn child_program(&self) -> Option<PathBuf> {
        Some(self.program.clone())
    }
}
