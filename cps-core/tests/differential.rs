//! Generated call trees do the same as coroutines and as plain `async fn`: results, side effects
//! and drops, in the same order and in the same poll, whether they run to the end or are dropped
//! at any suspension.

mod interpreter;
mod support;

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use proptest::prelude::*;

use interpreter::program::{Node, cases, node};
use interpreter::{Outcome, compare, compare_cancelled, direct, plain};
use support::{Fate, Log, Note, poll, run, text_of};

/// [`run`], with each poll and the drop on a thread of its own.
fn run_on_threads<F>(log: &Log, future: F, polls: u32) -> Fate<F::Output>
where
    F: Future<Output: Send> + Send,
{
    fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> std::thread::Result<T> {
        std::thread::scope(|scope| scope.spawn(f).join())
    }
    let mut future = Box::pin(future);
    for n in 0..polls {
        log.did("-- root poll", n);
        match elsewhere(|| poll(&mut future)) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(value)) => return Fate::Returned(value),
            Err(payload) => {
                log.did("-- panicked", n);
                drop(future);
                return Fate::Panicked(text_of(payload));
            }
        }
    }
    log.did("-- cancel", 0);
    match elsewhere(move || drop(future)) {
        Ok(()) => Fate::Cancelled,
        Err(payload) => Fate::CancelledInPanic(text_of(payload)),
    }
}

/// Polls two futures in turns, as `schedule` says, and then drops the unfinished ones.
fn interleave<F>(log: &Log, futures: [F; 2], schedule: &[bool]) -> Vec<Fate<Outcome>>
where
    F: Future<Output = Outcome>,
{
    let mut futures = futures.map(|future| Some(Box::pin(future)));
    let mut fates = Vec::new();
    for &second in schedule {
        let turn = &mut futures[usize::from(second)];
        let Some(future) = turn.as_mut() else { continue };
        log.did("-- turn of", second.into());
        match catch_unwind(AssertUnwindSafe(|| poll(future))) {
            Ok(Poll::Pending) => continue,
            Ok(Poll::Ready(value)) => fates.push(Fate::Returned(value)),
            Err(payload) => fates.push(Fate::Panicked(text_of(payload))),
        }
        *turn = None;
    }
    for future in futures {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop::<Option<Pin<Box<F>>>>(future)));
        fates.push(
            dropped.map_or_else(|e| Fate::CancelledInPanic(text_of(e)), |()| Fate::Cancelled),
        );
    }
    fates
}

proptest! {
    #![proptest_config(cases(1024, 2))]

    #[test]
    fn results_side_effects_and_drops_are_those_of_plain_async(node in node()) {
        compare(&Arc::new(node), u32::MAX);
    }

    #[test]
    fn a_drop_after_any_number_of_polls_is_that_of_plain_async(node in node()) {
        compare_cancelled(&Arc::new(node));
    }

    #[test]
    fn two_roots_polled_in_turns_do_not_disturb_each_other(
        nodes in [node(), node()],
        schedule in prop::collection::vec(any::<bool>(), 0..24),
    ) {
        let nodes = nodes.map(Arc::new);
        let (plain_log, log) = (Log::default(), Log::default());
        let futures = nodes.clone().map(|node| plain::start(plain_log.clone(), node));
        let expected = interleave(&plain_log, futures, &schedule);
        let futures = nodes.map(|node| direct::start(log.clone(), node).into_future());
        let fates = interleave(&log, futures, &schedule);
        prop_assert_eq!(plain_log.events(), log.events());
        prop_assert_eq!(expected, fates);
        log.assert_each_dropped_once();
    }
}

proptest! {
    #![proptest_config(cases(128, 1))]

    #[test]
    fn a_root_moves_between_threads_while_suspended(node in node(), polls in 0..12u32) {
        let node: Arc<Node> = Arc::new(node);
        let (plain_log, log) = (Log::default(), Log::default());
        let expected = run(&plain_log, plain::start(plain_log.clone(), node.clone()), polls);
        let root = direct::start(log.clone(), node).into_future();
        let fate = run_on_threads(&log, root, polls);
        prop_assert_eq!(plain_log.events(), log.events());
        prop_assert_eq!(expected, fate);
        log.assert_each_dropped_once();
    }
}

/// Both cases of `InlineUpTo` occur in the generated programs.
#[test]
fn the_innermost_frame_may_be_in_place_and_no_other() {
    fn size<'a, C: IntoFuture>(
        _: impl Fn(&'a Log, &'a Node, &'a Note, (Note, Note), Note) -> C,
    ) -> usize {
        size_of::<C::IntoFuture>()
    }
    let (innermost, next) = (size(direct::bottom), size(direct::level1));
    assert!(innermost <= interpreter::MAY && interpreter::MAY < next, "{innermost}, {next}");
}
