//! Generated call trees, run by two interpreters of one source text: as plain `async fn`, and as
//! coroutines.

#![allow(dead_code, reason = "no test binary uses all of it")]

#[macro_use]
mod levels;
pub(crate) mod program;

use std::future::{Future, IntoFuture};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;

use crate::support::{Fate, Log, Note, Planned, Yield, run, text_of};
use program::{End, Node, Op, Place};

/// The room of a call that may be in place: more than the innermost frame takes.
pub(crate) const MAY: usize = 512;

pub(crate) type Outcome = Result<u32, u32>;

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Awaits a foreign future, and catches its panic.
fn caught(future: impl Future<Output = Outcome>) -> impl Future<Output = Result<Outcome, String>> {
    AssertUnwindSafe(future).catch_unwind().map(|caught| caught.map_err(text_of))
}

fn code(outcome: &Outcome) -> u32 {
    match outcome {
        Ok(value) => *value,
        Err(error) => !error,
    }
}

pub(crate) mod plain {
    use super::*;

    macro_rules! block {
        ($($body:tt)*) => { async move { $($body)* } };
    }

    fn heap<F: Future>(call: F) -> Pin<Box<F>> {
        Box::pin(call)
    }

    fn stack<F: Future>(call: F) -> Pin<Box<F>> {
        Box::pin(call)
    }

    fn try_stack<F: Future>(call: F) -> Pin<Box<F>> {
        Box::pin(call)
    }

    fn unlimited(outcome: Outcome) -> Outcome {
        outcome
    }

    fn may<F: Future>(call: F) -> F {
        call
    }

    fn nested<F: Future>(call: F) -> F {
        call
    }

    fn as_future<F: Future>(call: F) -> F {
        call
    }

    fn boxed<'a>(log: &'a Log, node: &'a Node, lent: &'a Note, given: [Note; 3]) -> BoxFuture<'a> {
        let [kept, ignored, last] = given;
        Box::pin(level0(log, node, lent, (kept, ignored), last))
    }

    levels!([] block);
}

/// The module of coroutines, of which all or none can be sent to other threads.
macro_rules! direct {
    ($name:ident, $erased:ident, $boxed:ident) => {
        pub(crate) mod $name {
            use super::*;
            use cps_core::{Body, Coroutine, coroutine_block as block, placement::{Heap, InlineUpTo, Nested, Stack, StackExhausted, TryOnStack}};

            fn heap<B: Body>(call: Coroutine<B>) -> Coroutine<B, Heap> {
                call.on_heap()
            }

            fn stack<B: Body>(call: Coroutine<B>) -> Coroutine<B, Stack> {
                call.on_stack()
            }

            fn try_stack<B: Body>(call: Coroutine<B>) -> TryOnStack<B> {
                call.try_on_stack()
            }

            fn unlimited<B: Body>(outcome: Result<Outcome, StackExhausted<B>>) -> Outcome {
                outcome.expect("the frame stack has no limit")
            }

            fn may<B: Body>(call: Coroutine<B>) -> Coroutine<B, InlineUpTo<MAY>> {
                call.inline_up_to()
            }

            fn nested<B: Body>(call: Coroutine<B>) -> Coroutine<B, Nested> {
                call.nested()
            }

            fn as_future<F: Future>(call: F) -> impl Future<Output = F::Output> {
                call
            }

            fn boxed<'a>(
                log: &'a Log,
                node: &'a Node,
                lent: &'a Note,
                given: [Note; 3],
            ) -> cps_core::$erased<'a, Outcome> {
                let [kept, ignored, last] = given;
                level0(log, node, lent, (kept, ignored), last).$boxed()
            }

            levels!([#[cps_core::coroutine]] block);
        }
    };
}

/// Runs the program for at most so many polls in each way; all must agree. Gives its fate.
pub(crate) fn compare(node: &Arc<Node>, polls: u32) -> Fate<Outcome> {
    type Run = fn(Log, Arc<Node>, u32) -> Fate<Outcome>;
    let observe = |run: Run| {
        let log = Log::default();
        let fate = run(log.clone(), node.clone(), polls);
        log.assert_each_dropped_once();
        (fate, log.events())
    };
    let expected = observe(|log, node, n| run(&log.clone(), plain::start(log, node), n));
    let (inline, boxed, local): (Run, Run, Run) = (
        |log, node, n| run(&log.clone(), direct::start(log, node).into_future(), n),
        |log, node, n| run(&log.clone(), direct::start(log, node).boxed().into_future(), n),
        |log, node, n| run(&log.clone(), direct_local::start(log, node).into_future(), n),
    );
    let ways = [("direct", inline), ("boxed root", boxed), ("not Send", local)];
    for (way, run) in &ways[..if cfg!(miri) { 2 } else { 3 }] {
        let (fate, events) = observe(*run);
        assert_eq!(expected.1, events, "events of plain async (left) and {way} (right)");
        assert_eq!(expected.0, fate, "fates of plain async (left) and {way} (right)");
    }
    expected.0
}

/// [`compare`] for a drop after each number of polls, until the program ends.
pub(crate) fn compare_cancelled(node: &Arc<Node>) {
    for polls in 0.. {
        match compare(node, polls) {
            Fate::Cancelled | Fate::CancelledInPanic(_) => {}
            Fate::Returned(_) | Fate::Panicked(_) => break,
        }
    }
}

direct!(direct, BoxCoroutine, boxed);
direct!(direct_local, LocalBoxCoroutine, boxed_local);
