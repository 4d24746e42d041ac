//! Dropping a coroutine, started or not, at any moment, or not at all.

mod interpreter;
mod support;

use std::future::{Future, IntoFuture};
use std::mem::ManuallyDrop;
use std::sync::Arc;

use cps_core::{BoxCoroutine, coroutine_block};
use interpreter::compare_cancelled;
use interpreter::program::{End, Node, Op, PLACES};
use support::{Log, Note, Yield, poll};

#[test]
fn a_cancelled_nest_drops_as_nested_futures_do_in_each_placement() {
    let levels = if cfg!(miri) { 1 } else { 7 };
    for place in PLACES {
        let mut node = Node { ops: vec![Op::Suspend(2)], end: End::Value };
        for _ in 0..levels {
            let call = Op::Call { place, propagate: false, node };
            node =
                Node { ops: vec![Op::Keep, Op::Suspend(1), call, Op::Suspend(1)], end: End::Value };
        }
        compare_cancelled(&Arc::new(node));
    }
}

/// What the two forms of a body drop when they are dropped after so many polls.
fn both<P: Future, C: IntoFuture>(
    plain: impl Fn(Log) -> P,
    direct: impl Fn(Log) -> C,
    polls: u32,
) -> Vec<&'static str> {
    let (plain_log, log) = (Log::default(), Log::default());
    support::run(&plain_log, plain(plain_log.clone()), polls);
    support::run(&log, direct(log.clone()).into_future(), polls);
    assert_eq!(plain_log.events(), log.events(), "plain async: left");
    log.assert_each_dropped_once();
    log.drops()
}

mod arguments {
    use super::*;

    macro_rules! bodies {
        ($($attr:tt)*) => {
            $($attr)*
            pub(crate) async fn caller(log: Log, callee_first: bool) {
                let _local = log.note("local");
                let lend = |name| log.note(name);
                let pair = (log.note("left"), log.note("right"));
                if callee_first {
                    let _ = callee(&log, &lend("lent temporary"), lend("named"), lend("unnamed"), pair)
                        .await;
                } else {
                    Yield::new(&log, 1).await;
                    let callee = callee(&log, &_local, lend("named"), lend("unnamed"), pair);
                    Yield::new(&log, 1).await;
                    callee.await;
                }
            }

            $($attr)*
            async fn callee(
                log: &Log,
                _lent: &Note,
                _named: Note,
                _: Note,
                (_, right): (Note, Note),
            ) -> u32 {
                let _inner = log.note("inner");
                Yield::new(log, 2).await;
                right.id
            }
        };
    }

    pub(super) mod plain {
        use super::*;
        bodies!();
    }

    pub(super) mod direct {
        use super::*;
        bodies!(#[cps_core::coroutine]);
    }
}

#[test]
fn arguments_patterns_and_temporaries_are_dropped_in_the_order_of_nested_futures() {
    use arguments::{direct, plain};
    for callee_first in [true, false] {
        for polls in 0..6 {
            both(
                |log| plain::caller(log, callee_first),
                |log| direct::caller(log, callee_first),
                polls,
            );
        }
    }
    let in_callee = both(|log| plain::caller(log, true), |log| direct::caller(log, true), 1);
    assert_eq!(
        in_callee,
        ["yield", "inner", "right", "left", "unnamed", "named", "lent temporary", "local"]
    );
}

#[cps_core::coroutine]
async fn arguments(log: Log, _first: Note, _: Note, (_third, _): (Note, Note)) {
    Yield::new(&log, 1).await;
}

#[test]
fn an_unstarted_coroutine_drops_its_arguments_once_in_each_form() {
    fn check<T>(form: impl FnOnce(Log) -> T) {
        let log = Log::default();
        drop(form(log.clone()));
        assert_eq!(log.drops(), ["first", "second", "third", "fourth"]);
        log.assert_each_dropped_once();
    }
    async fn plain(log: Log, _first: Note, _: Note, (_third, _): (Note, Note)) {
        Yield::new(&log, 1).await;
    }
    macro_rules! call {
        ($function:ident, $log:expr) => {{
            let log: Log = $log;
            let (first, second) = (log.note("first"), log.note("second"));
            let pair = (log.note("third"), log.note("fourth"));
            $function(log, first, second, pair)
        }};
    }
    check(|log| call!(plain, log));
    check(|log| call!(arguments, log));
    check(|log| call!(arguments, log).on_heap());
    check(|log| call!(arguments, log).on_heap().inline());
    check(|log| call!(arguments, log).boxed());
    check(|log| call!(arguments, log).boxed_local());
    check(|log| call!(arguments, log).into_future());
    check(|log| Box::pin(call!(arguments, log).into_future()));
    check(|log| call!(arguments, log).boxed().into_future());
    check(|log| {
        let callee = call!(arguments, log);
        coroutine_block! { callee.await }
    });
}

#[test]
fn captures_of_an_unstarted_block_are_dropped_once() {
    let log = Log::default();
    let (one, two) = (log.note("one"), log.note("two"));
    let (plain_one, plain_two) = (log.note("one"), log.note("two"));
    drop(async move { drop((plain_one, plain_two)) });
    let block = coroutine_block! { drop((one, two)) };
    drop(block.into_future());
    assert_eq!(log.drops(), ["one", "two", "one", "two"]);
    log.assert_each_dropped_once();
}

/// A chain of frames with each placement.
#[cps_core::coroutine]
async fn deep(log: &Log, levels: u32) -> u32 {
    let _local = log.note("level");
    match levels {
        0 => Yield::new(log, 2).await,
        1 => drop(deep_boxed(log, 0).await),
        _ => drop(deep(log, levels - 1).on_heap().await),
    }
    levels
}

fn deep_boxed(log: &Log, levels: u32) -> BoxCoroutine<'_, u32> {
    deep(log, levels).boxed()
}

fn owned_deep(log: Log) -> impl Future<Output = u32> + Send {
    coroutine_block! { deep(&log, 3).await }.into_future()
}

#[test]
#[cfg_attr(miri, ignore = "it leaks")]
fn a_forgotten_root_drops_nothing_and_frees_nothing() {
    let log = Log::default();
    let mut root = Box::pin(owned_deep(log.clone()));
    assert!(poll(&mut root).is_pending());
    std::mem::forget(root);
    std::mem::forget(deep(&log, 3));
    std::mem::forget(deep(&log, 3).boxed());
    std::mem::forget(deep(&log, 3).into_future());
    assert!(log.drops().is_empty());
}

#[test]
fn a_root_whose_box_is_never_dropped_can_be_dropped_in_place_later() {
    let log = Log::default();
    let mut root = ManuallyDrop::new(Box::pin(owned_deep(log.clone())));
    for _ in 0..2 {
        assert!(poll(&mut root).is_pending());
    }
    assert!(log.drops().is_empty());
    drop(ManuallyDrop::into_inner(root));
    log.assert_each_dropped_once();
}

#[test]
fn a_suspended_root_is_dropped_on_another_thread() {
    let log = Log::default();
    let mut root = Box::pin(owned_deep(log.clone()));
    assert!(poll(&mut root).is_pending());
    std::thread::spawn(move || drop(root)).join().unwrap();
    assert_eq!(log.drops(), ["yield", "level", "level", "level", "level"]);
    log.assert_each_dropped_once();
}

#[test]
fn a_pinned_slot_is_refilled_by_dropping_in_place() {
    let log = Log::default();
    let mut slot = Box::pin(deep(&log, 2).into_future());
    for _ in 0..3 {
        assert!(poll(&mut slot).is_pending());
        slot.set(deep(&log, 2).into_future());
    }
    drop(slot);
    log.assert_each_dropped_once();
}
