//! `async fn` with a boxed, type-erased future at each level, as `async-trait` and most recursive
//! async code have it.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;
use lab_work::drive::{Timed, calls, opaque, resumes, suspend};
use lab_work::memory::{Case, Probe};
use lab_work::source::Dialect;
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, Workload};

use crate::bodies::{unrolled_chain, with_static_chain};

/// The strategy `nested-boxed`.
#[derive(Debug)]
pub struct NestedBoxed;

type Boxed = Pin<Box<dyn Future<Output = u64>>>;

trait Erase {
    fn erased(self) -> Boxed;
}

impl<F: Future<Output = u64> + 'static> Erase for F {
    #[inline(always)]
    fn erased(self) -> Boxed {
        Box::pin(self)
    }
}

unrolled_chain! { placed = [.erased()] }

/// The deep static chain: the callee is known, its future is erased.
fn deep(depth: u32, suspensions: u64) -> Boxed {
    if depth == 1 {
        return leaf(suspensions).erased();
    }
    Box::pin(async move { deep(depth - 1, suspensions).await + opaque(1) })
}

/// The dynamic chain of any depth: the callee is hidden, too.
fn dynamic(depth: u32, suspensions: u64) -> Boxed {
    if depth == 1 {
        return leaf(suspensions).erased();
    }
    Box::pin(async move {
        let next: fn(u32, u64) -> Boxed = opaque(dynamic);
        next(depth - 1, suspensions).await + opaque(1)
    })
}

async fn fib(n: u32) -> u64 {
    if n < 2 {
        return opaque(u64::from(n));
    }
    let sum = fib(n - 1).erased().await + fib(n - 2).erased().await;
    opaque(sum)
}

async fn fib_yield(n: u32) -> u64 {
    if n < 2 {
        suspend().await;
        return opaque(u64::from(n));
    }
    let sum = fib_yield(n - 1).erased().await + fib_yield(n - 2).erased().await;
    opaque(sum)
}

pub(super) fn run(workload: Workload, iterations: u64) -> Timed {
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
        Workload::Resume { chain: Chain::Dyn, depth } => {
            resumes(|suspensions| dynamic(depth, suspensions), iterations)
        }
        Workload::Call { chain: Chain::Dyn, depth, suspensions } => {
            calls(|| dynamic(depth, opaque(suspensions)), iterations)
        }
        Workload::Fib { n, yields: false } => calls(|| fib(opaque(n)), iterations),
        Workload::Fib { n, yields: true } => calls(|| fib_yield(opaque(n)), iterations),
    }
}

impl Strategy for NestedBoxed {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        Variant::only(move |n| run(workload, n))
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        Ok(lab_programs::nested_boxed::probes(case))
    }

    fn dialects(&self) -> Vec<Dialect> {
        let awaited =
            "(Box::pin({}) as Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + '_>>)";
        vec![Dialect { awaited, ..Dialect::PLAIN }]
    }
}
