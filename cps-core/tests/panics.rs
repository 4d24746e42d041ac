//! A panic unwinds through the frames of the logical callers: as it does through nested futures.
#![allow(clippy::await_holding_lock, reason = "what becomes of the lock is the test")]

mod interpreter;
mod support;

use std::future::{Future, IntoFuture};
use std::sync::{Arc, Mutex};

use cps_core::{Body, BoxCoroutine, Coroutine};
use interpreter::program::{End, Node, Op, PLACES, Place};
use interpreter::{compare, compare_cancelled};
use support::{Event, Log, Planned, Yield, YieldOnce, drive, panic_of, poll};

/// A nest in which each frame suspends before and after its call.
struct Nest {
    depth: usize,
    place: Place,
    /// The level at which a body is cut short, after how many of its ops, and how it ends there.
    cut: (usize, usize, End),
    /// The level whose call is in a `catch_unwind`.
    catch: Option<usize>,
    /// The level that has a value whose destructor panics.
    bomb: Option<usize>,
}

impl Nest {
    /// How many ops each level has.
    const OPS: usize = 4;

    fn build(&self) -> Arc<Node> {
        Arc::new(self.level(0))
    }

    fn level(&self, level: usize) -> Node {
        let keep = if self.bomb == Some(level) { Op::KeepBomb } else { Op::Keep };
        let mut ops = vec![Op::Suspend(1), keep, Op::Suspend(1), Op::Suspend(1)];
        if level + 1 < self.depth {
            let node = self.level(level + 1);
            ops[2] = match self.catch == Some(level) {
                true => Op::Catch(node),
                false => Op::Call { place: self.place, propagate: true, node },
            };
        }
        let (cut, after, end) = self.cut;
        if level != cut {
            return Node { ops, end: End::Value };
        }
        ops.truncate(after);
        Node { ops, end }
    }
}

/// The whole range; under Miri only its ends.
fn each(range: std::ops::RangeInclusive<usize>) -> impl Iterator<Item = usize> {
    let (first, last) = (*range.start(), *range.end());
    range.filter(move |n| !cfg!(miri) || *n == first || *n == last)
}

fn depths() -> std::ops::RangeInclusive<usize> {
    if cfg!(miri) { 2..=2 } else { 1..=6 }
}

/// All placements; under Miri some by turns.
fn places(turn: usize) -> impl Iterator<Item = Place> {
    let number = if cfg!(miri) { 3 } else { PLACES.len() };
    PLACES.into_iter().cycle().skip(5 * turn % PLACES.len()).take(number)
}

#[test]
fn a_panic_around_any_suspension_unwinds_as_in_nested_futures() {
    for depth in depths() {
        for level in 0..depth {
            for after in each(0..=Nest::OPS) {
                for place in places(level + after) {
                    let cut = (level, after, End::Panic);
                    let nest = Nest { depth, place, cut, catch: None, bomb: None };
                    compare(&nest.build(), u32::MAX);
                }
            }
        }
    }
}

#[test]
fn a_caller_at_any_level_catches_the_panic_as_in_nested_futures() {
    for depth in depths() {
        for catch in 0..depth - 1 {
            for level in catch..depth {
                for after in each(0..=Nest::OPS) {
                    let place = PLACES[(depth + catch + level + after) % PLACES.len()];
                    let cut = (level, after, End::Panic);
                    let nest = Nest { depth, place, cut, catch: Some(catch), bomb: None };
                    compare(&nest.build(), u32::MAX);
                }
            }
        }
    }
}

#[test]
fn a_panicking_destructor_at_any_level_ends_the_rest_once() {
    for depth in depths() {
        for bomb in 0..depth {
            for place in places(bomb) {
                let cut = (depth, 0, End::Value);
                let nest = Nest { depth, place, cut, catch: None, bomb: Some(bomb) }.build();
                // At the end of its body, and in a cancellation at each suspension.
                compare_cancelled(&nest);
            }
        }
    }
}

#[cps_core::coroutine]
async fn outer(log: Log) {
    let _local = log.note("outer");
    middle(&log).on_heap().await;
}

#[cps_core::coroutine]
async fn middle(log: &Log) {
    let _local = log.note("middle");
    inner(log, log.note("argument")).await;
}

#[cps_core::coroutine]
async fn inner(log: &Log, _argument: support::Note) {
    let _local = log.note("inner");
    Yield::new(log, 1).await;
    Planned::panic("inner", 7);
}

#[test]
fn the_drops_of_callers_see_a_panicking_thread() {
    let log = Log::default();
    assert_eq!(panic_of(|| drive(outer(log.clone()).into_future())), "inner 7");
    assert_eq!(log.drops_in_panic(), ["inner", "argument", "middle", "outer"]);
    log.assert_each_dropped_once();
}

fn panics_when_polled_again<F: Future>(future: F, log: &Log) {
    let mut future = Box::pin(future);
    while panic_of_poll(&mut future).is_none() {}
    let events = log.events();
    log.assert_each_dropped_once();
    for _ in 0..2 {
        let text = panic_of_poll(&mut future).expect("a panic");
        assert_eq!(text, "a coroutine was polled after it had returned or panicked");
    }
    drop(future);
    assert_eq!(log.events(), events, "something happened after the panic");
}

fn panic_of_poll<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> Option<String> {
    let mut text = None;
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(future).is_ready()));
    match outcome {
        Ok(ready) => assert!(!ready, "it was to panic"),
        Err(payload) => text = Some(support::text_of(payload)),
    }
    text
}

#[cps_core::coroutine]
async fn panics_at_once(log: Log) {
    let _local = log.note("local");
    Planned::panic("at once", 0);
}

#[test]
fn a_root_polled_after_a_panic_panics_and_drops_nothing_twice() {
    let log = Log::default();
    panics_when_polled_again(outer(log.clone()).into_future(), &log);
    let log = Log::default();
    panics_when_polled_again(outer(log.clone()).boxed().into_future(), &log);
    let log = Log::default();
    panics_when_polled_again(panics_at_once(log.clone()).into_future(), &log);
    let log = Log::default();
    panics_when_polled_again(panics_at_once(log.clone()).boxed_local().into_future(), &log);
}

#[test]
fn a_root_polled_after_it_returned_panics() {
    #[cps_core::coroutine]
    async fn returns(log: Log, suspensions: u32) -> support::Note {
        Yield::new(&log, suspensions).await;
        log.note("result")
    }
    fn check<F: Future>(future: F) {
        let mut future = Box::pin(future);
        while poll(&mut future).is_pending() {}
        let text = panic_of_poll(&mut future).expect("a panic");
        assert_eq!(text, "a coroutine was polled after it had returned or panicked");
    }
    for suspensions in 0..2 {
        let log = Log::default();
        check(returns(log.clone(), suspensions).into_future());
        check(returns(log.clone(), suspensions).boxed().into_future());
        log.assert_each_dropped_once();
    }
}

async fn poison_plain(mutex: &Mutex<u32>, suspend: bool) {
    async fn callee(suspend: bool) {
        if suspend {
            YieldOnce::default().await;
        }
        Planned::panic("under a lock", 0);
    }
    let _guard = mutex.lock().unwrap();
    callee(suspend).await;
}

#[cps_core::coroutine]
async fn poison(mutex: &Mutex<u32>, suspend: bool) {
    #[cps_core::coroutine]
    async fn callee(suspend: bool) {
        if suspend {
            YieldOnce::default().await;
        }
        Planned::panic("under a lock", 0);
    }
    let _guard = mutex.lock().unwrap();
    callee(suspend).await;
}

#[test]
fn a_lock_held_by_a_caller_is_poisoned_as_in_nested_futures() {
    for suspend in [false, true] {
        let (plain, direct) = (Mutex::new(0), Mutex::new(0));
        let expected = panic_of(|| drive(poison_plain(&plain, suspend)));
        assert_eq!(panic_of(|| drive(poison(&direct, suspend).into_future())), expected);
        assert!(plain.is_poisoned() && direct.is_poisoned());
    }
}

#[test]
fn a_lock_held_by_a_cancelled_caller_is_not_poisoned() {
    #[cps_core::coroutine]
    async fn holds(mutex: &Mutex<u32>) {
        let _guard = mutex.lock().unwrap();
        waits().on_heap().await;
    }
    #[cps_core::coroutine]
    async fn waits() {
        YieldOnce::default().await;
    }
    let mutex = Mutex::new(0);
    let mut root = Box::pin(holds(&mutex).into_future());
    assert!(poll(&mut root).is_pending());
    assert!(mutex.try_lock().is_err());
    drop(root);
    assert!(!mutex.is_poisoned() && mutex.try_lock().is_ok());
}

/// A body that panics at its `n`-th level of erased calls.
fn sink<'a>(log: &'a Log, n: u32) -> BoxCoroutine<'a, u32> {
    #[cps_core::coroutine]
    async fn level(log: &Log, n: u32) -> u32 {
        let _local = log.note("level");
        if n == 0 {
            Yield::new(log, 1).await;
            Planned::panic("bottom", 0);
        }
        sink(log, n - 1).await + 1
    }
    level(log, n).boxed()
}

#[test]
fn a_caught_panic_leaves_the_catching_chain_able_to_call_again() {
    use futures::FutureExt;
    use std::panic::AssertUnwindSafe;

    #[cps_core::coroutine]
    async fn retries(log: &Log) -> u32 {
        let mut caught = 0;
        for _ in 0..3 {
            let call = AssertUnwindSafe(sink(log, 4).into_future()).catch_unwind();
            caught += u32::from(call.await.is_err());
            inline_after(log).await;
        }
        caught
    }
    #[cps_core::coroutine]
    async fn inline_after(log: &Log) {
        let _local = log.note("after");
        Yield::new(log, 1).await;
    }
    let log = Log::default();
    assert_eq!(drive(retries(&log).into_future()), (3, 7));
    log.assert_each_dropped_once();
    assert_eq!(log.drops_in_panic().len(), 3 * 5);
}

/// Cancels a chain after its first suspension, which must panic; gives what was dropped.
fn cancel<B: Body>(log: &Log, coroutine: Coroutine<B>) -> Vec<Event> {
    let mut root = Box::pin(coroutine.into_future());
    assert!(poll(&mut root).is_pending());
    let before = log.events().len();
    panic_of(move || drop(root));
    log.events().split_off(before)
}

#[test]
fn a_panic_in_a_destructor_during_cancellation_drops_all_other_frames() {
    #[cps_core::coroutine]
    async fn caller(log: &Log, levels: u32) {
        let _first = log.note("first");
        let _bomb = if levels == 2 { log.bomb("bomb") } else { log.note("second") };
        if levels > 0 {
            caller(log, levels - 1).on_heap().await;
        } else {
            Yield::new(log, 1).await;
        }
    }
    let log = Log::default();
    let dropped = cancel(&log, caller(&log, 4));
    let panicking: Vec<bool> = dropped
        .iter()
        .map(|event| matches!(event, Event::Dropped { panicking: true, .. }))
        .collect();
    // The leaf's future, two frames, the bomb; and from there the unwinding.
    let (quiet, unwound) = panicking.split_at(6);
    assert_eq!((quiet, unwound), (&[false; 6][..], &[true; 5][..]));
    log.assert_each_dropped_once();
}
