//! Plain `async fn`: what everybody writes today.

use anyhow::Result;
use lab_work::drive::{Sample, Timed, calls, opaque, resumes, suspend};
use lab_work::join::Case as JoinCase;
use lab_work::memory::movability::Unstarted;
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::service::{self as work, Service};
use lab_work::source::Dialect;
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, Workload};

use crate::bodies::{unrolled_chain, with_static_chain};
use crate::nested_boxed;

pub(crate) mod join;
mod lookups;
mod moving;
mod service;

/// The strategy `nested`.
#[derive(Debug)]
pub struct Nested;

unrolled_chain! { placed = [] }

/// The deep static chain, of two levels or more. Recursion needs an allocation for each level; its
/// type is known. The leaf is the same as that of the unrolled chain.
async fn deep(depth: u32, suspensions: u64) -> u64 {
    if depth == 2 {
        leaf(suspensions).await + opaque(1)
    } else {
        Box::pin(deep(depth - 1, suspensions)).await + opaque(1)
    }
}

async fn fib(n: u32) -> u64 {
    if n < 2 {
        return opaque(u64::from(n));
    }
    let sum = Box::pin(fib(n - 1)).await + Box::pin(fib(n - 2)).await;
    opaque(sum)
}

async fn fib_yield(n: u32) -> u64 {
    if n < 2 {
        suspend().await;
        return opaque(u64::from(n));
    }
    let sum = Box::pin(fib_yield(n - 1)).await + Box::pin(fib_yield(n - 2)).await;
    opaque(sum)
}

fn run(workload: Workload, iterations: u64) -> Timed {
    match workload {
        Workload::Resume { chain: Chain::Static, depth } => {
            with_static_chain!(depth, deep, |chain| resumes(chain, iterations))
        }
        Workload::Call { chain: Chain::Static, depth, suspensions } => {
            with_static_chain!(depth, deep, |chain| calls(
                || chain(opaque(suspensions)),
                iterations
            ))
        }
        // An erased call without an allocation does not exist in stable Rust, so behind dynamic
        // calls this strategy and `nested-boxed` are the same program.
        Workload::Resume { chain: Chain::Dyn, .. } | Workload::Call { chain: Chain::Dyn, .. } => {
            nested_boxed::run(workload, iterations)
        }
        Workload::Fib { n, yields: false } => calls(|| fib(opaque(n)), iterations),
        Workload::Fib { n, yields: true } => calls(|| fib_yield(opaque(n)), iterations),
    }
}

impl Strategy for Nested {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        Variant::only(move |n| run(workload, n))
    }

    fn join(&self, case: JoinCase, branches: usize) -> Option<Sample> {
        join::sample(case, branches)
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        lookups::lookups(way)
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        Ok(lab_programs::nested::probes(case))
    }

    fn unstarted(&self, payload: u32) -> Option<Unstarted> {
        moving::unstarted(payload)
    }

    fn requests(&self, depth: u32) -> Option<Sample> {
        service::alone(depth)
    }

    fn service(&self, spec: work::Spec) -> Option<Box<dyn Service>> {
        service::of(spec)
    }

    fn dialects(&self) -> Vec<Dialect> {
        vec![Dialect::PLAIN]
    }
}
