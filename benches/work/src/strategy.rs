//! Strategies.

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Result;

use crate::drive::{Placement, Runner, Sample, Timed};
use crate::generate::Tree;
use crate::join;
use crate::memory::movability::Unstarted;
use crate::memory::{Case, Probe};
use crate::prefetch::{Lookups, Spec, Way};
use crate::service::{self, Service};
use crate::source::Dialect;
use crate::tasks::{self, Tasks};
use crate::wake::{self, Wakes};
use crate::workload::Workload;

/// One way in which a strategy runs a workload.
pub struct Variant {
    /// Where the frames live, where a strategy has a choice and the figure depends on it.
    pub placement: Option<Placement>,
    /// Does the work.
    pub run: Runner,
}

impl Variant {
    /// The only way of a strategy that leaves no choice.
    pub fn only(mut run: impl FnMut(u64) -> Timed + 'static) -> Vec<Self> {
        vec![Self { placement: None, run: Box::new(move |n| Ok(run(n))) }]
    }

    /// The way that has its frames at `placement`.
    pub fn placed(placement: Placement, mut run: impl FnMut(u64) -> Timed + 'static) -> Self {
        Self { placement: Some(placement), run: Box::new(move |n| Ok(run(n))) }
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("placement", &self.placement).finish_non_exhaustive()
    }
}

/// One way of resuming a suspended call stack.
pub trait Strategy {
    /// The ways in which this strategy runs `workload`; empty if it does not.
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let _ = workload;
        Vec::new()
    }

    /// How this strategy runs branches of one task; `None` if it does not.
    fn join(&self, case: join::Case, branches: usize) -> Option<Sample> {
        let _ = (case, branches);
        None
    }

    /// How this strategy traverses a tree item by item; `None` if it does not.
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        let _ = tree;
        None
    }

    /// How this strategy does the lookups of `prefetch`; `None` if it does not, or not so.
    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        let _ = (spec, way);
        None
    }

    /// The ways in which this strategy runs a case of the experiment `memory`; empty if it does not.
    ///
    /// # Errors
    /// If the preparation for them fails.
    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        let _ = case;
        Ok(Vec::new())
    }

    /// A chain that holds a payload of so many bytes, not started, for the movability part of
    /// `memory`; `None` if the strategy has none.
    fn unstarted(&self, payload: u32) -> Option<Unstarted> {
        let _ = payload;
        None
    }

    /// The ways in which a program is written with this strategy; empty if it is not written in Rust, or not by
    /// `async fn`s.
    fn dialects(&self) -> Vec<Dialect> {
        Vec::new()
    }

    /// How this strategy, a runtime, wakes a task; `None` if it is no runtime.
    ///
    /// # Errors
    /// Why this runtime cannot do that.
    fn wakes(&self, spec: wake::Spec) -> Result<Option<Wakes>> {
        let _ = spec;
        Ok(None)
    }

    /// How this strategy, a runtime, does what runtimes do; `None` if it is no runtime.
    ///
    /// # Errors
    /// Why this runtime cannot do that.
    fn tasks(&self, spec: tasks::Spec) -> Result<Option<Tasks>> {
        let _ = spec;
        Ok(None)
    }

    /// How this strategy handles requests of so many calls to a service, without runtime and sockets; `None` if it does
    /// not, or not so.
    fn requests(&self, depth: u32) -> Option<Sample> {
        let _ = depth;
        None
    }

    /// A service whose handlers are written with this strategy; `None` if it writes none, or not so.
    fn service(&self, spec: service::Spec) -> Option<Box<dyn Service>> {
        let _ = spec;
        None
    }

    /// The compiler that built the strategy, if it is not the lab's own.
    fn built_by(&self) -> Option<String> {
        None
    }

    /// Environment that lets a child `lab` skip the preparation that this one has done already.
    fn child_environment(&self) -> Vec<(String, PathBuf)> {
        Vec::new()
    }

    /// The `lab` that runs this strategy, if it is not the present one.
    fn child_program(&self) -> Option<PathBuf> {
        None
    }
}
