//! The crate `reblessive`: each call is a future pushed onto a heap stack, and the topmost is
//! polled. The nearest relative of direct resume among Rust crates.

use std::future::Future;
use std::pin::{Pin, pin};

use ::reblessive::{Stack, Stk};
use lab_work::clock::ThreadTime;
use lab_work::drive::{self, Timed, opaque, suspend};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, Workload};

use crate::bodies;

/// The strategy `reblessive`.
#[derive(Debug)]
pub struct Reblessive;

bodies::leaf! { leaf }

/// The static chain. The crate erases every callee by itself, so unrolling the levels would change
/// nothing but the length of this file.
async fn chain(stk: &mut Stk, depth: u32, suspensions: u64) -> u64 {
    if depth == 1 {
        leaf(suspensions).await
    } else {
        stk.run(move |stk| chain(stk, depth - 1, suspensions)).await + opaque(1)
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = u64> + 'a>>;

fn dynamic(stk: &mut Stk, depth: u32, suspensions: u64) -> Boxed<'_> {
    if depth == 1 {
        return Box::pin(leaf(suspensions));
    }
    Box::pin(async move {
        let next: for<'a> fn(&'a mut Stk, u32, u64) -> Boxed<'a> = opaque(dynamic);
        stk.run(move |stk| next(stk, depth - 1, suspensions)).await + opaque(1)
    })
}

async fn fib(stk: &mut Stk, n: u32) -> u64 {
    if n < 2 {
        return opaque(u64::from(n));
    }
    let sum = stk.run(move |stk| fib(stk, n - 1)).await + stk.run(move |stk| fib(stk, n - 2)).await;
    opaque(sum)
}

async fn fib_yield(stk: &mut Stk, n: u32) -> u64 {
    if n < 2 {
        suspend().await;
        return opaque(u64::from(n));
    }
    let sum = stk.run(move |stk| fib_yield(stk, n - 1)).await
        + stk.run(move |stk| fib_yield(stk, n - 2)).await;
    opaque(sum)
}

/// Times `$n` resumes of a chain in the form that goes into an executor. A macro, because a closure
/// that returns a future borrowing its argument has no nameable type.
macro_rules! resumes {
    ($n:expr, |$stk:ident, $suspensions:ident| $start:expr) => {
        drive::resumes(
            |$suspensions| async move {
                let mut stack = Stack::new();
                stack.enter(|$stk| $start).finish_async().await
            },
            $n,
        )
    };
}

/// Times `$n` whole calls, all on one stack, as the crate means it to be used.
macro_rules! calls {
    ($n:expr, |$stk:ident| $start:expr) => {{
        let mut stack = Stack::new();
        let begin = ThreadTime::now();
        let mut checksum = 0u64;
        for _ in 0..$n {
            let mut runner = stack.enter(|$stk| $start);
            checksum = checksum.wrapping_add(drive::finish(pin!(runner.finish_async())));
        }
        Timed { elapsed: begin.elapsed(), checksum }
    }};
}

fn run(workload: Workload, iterations: u64) -> Timed {
    match workload {
        Workload::Resume { chain: Chain::Static, depth } => {
            resumes!(iterations, |stk, suspensions| chain(stk, depth, suspensions))
        }
        Workload::Resume { chain: Chain::Dyn, depth } => {
            resumes!(iterations, |stk, suspensions| dynamic(stk, depth, suspensions))
        }
        Workload::Call { chain: Chain::Static, depth, suspensions } => {
            calls!(iterations, |stk| chain(stk, depth, opaque(suspensions)))
        }
        Workload::Call { chain: Chain::Dyn, depth, suspensions } => {
            calls!(iterations, |stk| dynamic(stk, depth, opaque(suspensions)))
        }
        Workload::Fib { n, yields: false } => calls!(iterations, |stk| fib(stk, opaque(n))),
        Workload::Fib { n, yields: true } => calls!(iterations, |stk| fib_yield(stk, opaque(n))),
    }
}

impl Strategy for Reblessive {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        Variant::only(move |n| run(workload, n))
    }
}
