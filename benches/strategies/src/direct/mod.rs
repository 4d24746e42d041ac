//! This project: `#[cps]` on the same bodies as `nested`. Built with the feature `tail-call`
//! it is `direct-tail`, otherwise `direct`.
//!
//! The attribute is written with its path: the plain name is a built-in attribute of the compiler.

use std::rc::Rc;

use anyhow::Result;
use cps_core::BoxCoroutine;
use lab_work::drive::{
    Placement, Sample, Timed, by_a_call, calls, calls_by, opaque, resumes, resumes_by, suspend,
};
use lab_work::generate::Tree;
use lab_work::join::Case as JoinCase;
use lab_work::memory::movability::Unstarted;
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::service::{self as work, Service};
use lab_work::source::Dialect;
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};

use crate::bodies::{unrolled_chain, with_static_chain};

pub(crate) mod generate;
mod join;
pub(crate) mod lookups;
mod moving;
mod service;

/// The strategies `direct` and `direct-tail`.
#[derive(Debug)]
pub struct Direct;

unrolled_chain! { #[cps_core::coroutine] placed = [] }

/// The unrolled chain with the callees' frames in one place.
macro_rules! placed_chain {
    ($module:ident, $method:ident) => {
        mod $module {
            use lab_work::drive::{Timed, calls, opaque};

            use super::deep;
            use crate::bodies::{unrolled_chain, with_static_chain};

            unrolled_chain! { #[cps_core::coroutine] placed = [.$method()] }

            pub(super) fn run(depth: u32, suspensions: u64, n: u64) -> Timed {
                with_static_chain!(depth, deep, |chain| calls(|| chain(opaque(suspensions)), n))
            }
        }
    };
}

placed_chain! { on_stack, on_stack }
placed_chain! { on_heap, on_heap }

/// The deep static chain, of two levels or more. Recursion needs an allocation for each level; its
/// type is known. The leaf is the same as that of the unrolled chain.
#[cps_core::coroutine]
async fn deep(depth: u32, suspensions: u64) -> u64 {
    if depth == 2 {
        leaf(suspensions).await + opaque(1)
    } else {
        deep(depth - 1, suspensions).on_heap().await + opaque(1)
    }
}

/// The dynamic chain of any depth: neither the callee nor its type is visible.
fn dynamic(depth: u32, suspensions: u64) -> BoxCoroutine<'static, u64> {
    if depth == 1 { leaf(suspensions).boxed() } else { dynamic_level(depth, suspensions).boxed() }
}

#[cps_core::coroutine]
async fn dynamic_level(depth: u32, suspensions: u64) -> u64 {
    let next: fn(u32, u64) -> BoxCoroutine<'static, u64> = opaque(dynamic);
    next(depth - 1, suspensions).await + opaque(1)
}

#[cps_core::coroutine]
async fn fib(n: u32) -> u64 {
    if n < 2 {
        return opaque(u64::from(n));
    }
    let sum = fib(n - 1).on_heap().await + fib(n - 2).on_heap().await;
    opaque(sum)
}

#[cps_core::coroutine]
async fn fib_on_stack(n: u32) -> u64 {
    if n < 2 {
        return opaque(u64::from(n));
    }
    let sum = fib_on_stack(n - 1).on_stack().await + fib_on_stack(n - 2).on_stack().await;
    opaque(sum)
}

#[cps_core::coroutine]
async fn fib_yield_on_stack(n: u32) -> u64 {
    if n < 2 {
        suspend().await;
        return opaque(u64::from(n));
    }
    let sum =
        fib_yield_on_stack(n - 1).on_stack().await + fib_yield_on_stack(n - 2).on_stack().await;
    opaque(sum)
}

#[cps_core::coroutine]
async fn fib_yield(n: u32) -> u64 {
    if n < 2 {
        suspend().await;
        return opaque(u64::from(n));
    }
    let sum = fib_yield(n - 1).on_heap().await + fib_yield(n - 2).on_heap().await;
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
        Workload::Resume { chain: Chain::Dyn, depth } => {
            resumes_by(by_a_call(), |suspensions| dynamic(depth, suspensions), iterations)
        }
        Workload::Call { chain: Chain::Dyn, depth, suspensions } => {
            calls_by(by_a_call(), || dynamic(depth, opaque(suspensions)), iterations)
        }
        Workload::Fib { n, yields: false } => calls(|| fib(opaque(n)), iterations),
        Workload::Fib { n, yields: true } => calls(|| fib_yield(opaque(n)), iterations),
    }
}

/// Where the frames of the callees live.
fn placement(workload: Workload) -> Placement {
    match workload {
        Workload::Resume { chain: Chain::Static, depth }
        | Workload::Call { chain: Chain::Static, depth, .. }
            if depth <= DEEPEST_UNROLLED =>
        {
            Placement::Inline
        }
        _ => Placement::Heap,
    }
}

impl Strategy for Direct {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let default = placement(workload);
        let mut variants = vec![Variant::placed(default, move |n| run(workload, n))];
        if let (Workload::Call { depth, suspensions, .. }, Placement::Inline) = (workload, default)
        {
            variants.extend([
                Variant::placed(Placement::Stack, move |n| on_stack::run(depth, suspensions, n)),
                Variant::placed(Placement::Heap, move |n| on_heap::run(depth, suspensions, n)),
            ]);
        }
        if let Workload::Fib { n: number, yields } = workload {
            variants.push(Variant::placed(Placement::Stack, move |n| match yields {
                false => calls(|| fib_on_stack(opaque(number)), n),
                true => calls(|| fib_yield_on_stack(opaque(number)), n),
            }));
        }
        variants
    }

    fn join(&self, case: JoinCase, branches: usize) -> Option<Sample> {
        join::sample(case, branches)
    }

    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        generate::by_loop(tree)
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        lookups::lookups(way)
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        Ok(lab_programs::direct::probes(case))
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
        let placements = [
            (Placement::Inline, "{}"),
            (Placement::Stack, "{}.on_stack()"),
            (Placement::Heap, "{}.on_heap()"),
            (Placement::Boxed, "{}.boxed()"),
        ];
        let dialect = |(placement, awaited)| Dialect {
            placement: Some(placement),
            attribute: "#[cps_core::cps]",
            awaited,
            with_cps_core: true,
        };
        placements.map(dialect).into()
    }
}
