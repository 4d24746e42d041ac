//! A prefetch outside of interleavers: it suspends once and wakes once, wherever it is awaited, and no
//! wake-up is lost beside it.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use cps_core::interleave::{Interleave, complete};
use cps_core::prefetch::{Interleaved, Policy, Prefetch, Sequential, prefetch_read};
use cps_core::{Coroutine, coroutine_block, join, race};
use futures::FutureExt;
use futures::channel::oneshot;
use support::{Log, Note, panic_of};

/// Polls when woken, and only then. Gives the value, and the wake-ups of each poll but a last one
/// without any.
fn drive_when_woken<F: Future>(future: F) -> (F::Output, Vec<usize>) {
    let mut future = pin!(future);
    let (waker, counts) = support::wakers::counting();
    let mut wakes = Vec::new();
    loop {
        let before = counts.wakes();
        let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
        let woken = counts.wakes() - before;
        if woken > 0 {
            wakes.push(woken);
        }
        if let Poll::Ready(value) = poll {
            return (value, wakes);
        }
        assert!(woken > 0, "pending and not woken: it would wait for ever");
    }
}

#[cps_core::coroutine]
async fn times(suspensions: usize) -> usize {
    for turn in 0..suspensions {
        prefetch_read(&turn).await;
    }
    suspensions
}

mod wakes_once_per_suspension {
    use super::*;

    #[test]
    fn in_a_root_and_in_a_boxed_one() {
        assert_eq!(drive_when_woken(times(3).into_future()), (3, vec![1; 3]));
        assert_eq!(drive_when_woken(times(3).boxed().into_future()), (3, vec![1; 3]));
    }

    #[test]
    fn in_frames_of_every_placement() {
        #[cps_core::coroutine]
        async fn all() -> usize {
            let inline = times(1).await;
            let on_stack = times(2).on_stack().await;
            let on_heap = times(3).on_heap().await;
            let boxed = times(4).boxed().await;
            prefetch_read(&boxed).await;
            inline + on_stack + on_heap + boxed
        }
        assert_eq!(drive_when_woken(all().into_future()), (10, vec![1; 11]));
        assert_eq!(complete(all()), 10);
        let mut sum = 0;
        Interleave::<3>::run(0..5, |_| all(), |_, n| sum += n);
        assert_eq!(sum, 50);
    }

    #[test]
    fn in_calls_that_were_deferred() {
        // Deeper than calls nest on the host stack, and so are the returns.
        const DEPTH: usize = if cfg!(miri) { 500 } else { 20_000 };
        #[cps_core::coroutine]
        async fn down(depth: usize) -> usize {
            if depth == 0 {
                return times(2).await;
            }
            let below = down(depth - 1).on_stack().await;
            if depth % (DEPTH / 4) == 0 {
                prefetch_read(&below).await;
            }
            below + 1
        }
        assert_eq!(drive_when_woken(down(DEPTH).into_future()), (DEPTH + 2, vec![1; 6]));
        assert_eq!(complete(down(DEPTH)), DEPTH + 2);
        let mut sum = 0;
        Interleave::<2>::run(0..3, |_| down(DEPTH), |_, n| sum += n);
        assert_eq!(sum, 3 * (DEPTH + 2));
    }

    #[test]
    fn in_plain_async_code() {
        let plain = async {
            prefetch_read(&1).await;
            times(2).await;
            prefetch_read(&2).await;
        };
        assert_eq!(drive_when_woken(plain), ((), vec![1; 4]));
    }

    #[test]
    fn under_foreign_combinators_in_a_coroutine() {
        #[cps_core::coroutine]
        async fn joined() -> usize {
            futures::join!(prefetch_read(&1), prefetch_read(&2), times(2).into_future()).2
        }
        // Each of the three wakes in the first poll.
        assert_eq!(drive_when_woken(joined().into_future()), (2, vec![3, 1]));
        assert_eq!(complete(joined()), 2);

        #[cps_core::coroutine]
        async fn selected() -> &'static str {
            futures::select_biased! {
                () = futures::future::pending::<()>() => "never",
                () = prefetch_read(&1).fuse() => "hint",
            }
        }
        assert_eq!(drive_when_woken(selected().into_future()), ("hint", vec![1]));
        assert_eq!(complete(selected()), "hint");
    }

    #[test]
    fn in_the_branches_of_a_task() {
        let log = Log::default();
        let branch = |n| {
            let log = log.clone();
            coroutine_block! {
                for turn in 0..n {
                    log.did("turn", turn);
                    prefetch_read(&turn).await;
                }
                n
            }
        };
        // The task is woken when a set of branches with none to resume gets one: once a poll.
        let (values, wakes) = drive_when_woken(join((branch(1), branch(3), branch(2))));
        assert_eq!((values, wakes), ((1, 3, 2), vec![1; 3]));
        assert_eq!(log.events().len(), 6, "a branch was resumed for another's sake");
        let (_, wakes) = drive_when_woken(race((times(4), times(2))));
        assert_eq!(wakes, [1; 3], "the loser does not know yet that it has lost");
    }
}

mod beside_a_foreign_wait {
    use super::*;

    /// Pending until `gate` is open, which wakes.
    fn open(gate: &RefCell<Gate>) -> impl Future<Output = ()> + '_ {
        poll_fn(|cx| {
            let mut gate = gate.borrow_mut();
            if gate.open {
                return Poll::Ready(());
            }
            gate.waker = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    #[derive(Default)]
    struct Gate {
        open: bool,
        waker: Option<std::task::Waker>,
    }

    impl Gate {
        fn unlock(gate: &RefCell<Gate>) {
            gate.borrow_mut().open = true;
            if let Some(waker) = gate.borrow_mut().waker.take() {
                waker.wake();
            }
        }
    }

    /// Suspends at a prefetch in the poll in which it has woken the other.
    #[cps_core::coroutine]
    async fn unlock_and_yield(gate: &RefCell<Gate>) {
        prefetch_read(gate).await;
        Gate::unlock(gate);
        prefetch_read(gate).await;
    }

    #[cps_core::coroutine]
    async fn wait_and_yield(gate: &RefCell<Gate>) {
        open(gate).await;
        prefetch_read(gate).await;
    }

    #[test]
    fn both_wake_ups_in_one_poll_are_seen() {
        let gate = RefCell::default();
        drive_when_woken(join((wait_and_yield(&gate), unlock_and_yield(&gate))));
        let gate = RefCell::default();
        drive_when_woken(async {
            let (wait, unlock) = (wait_and_yield(&gate), unlock_and_yield(&gate));
            futures::join!(wait.into_future(), unlock.into_future())
        });
        let gate = RefCell::default();
        let both = [wait_and_yield(&gate).boxed_local(), unlock_and_yield(&gate).boxed_local()];
        Interleave::<2>::run(both, |chain| chain, |_, ()| {});
    }

    #[test]
    fn a_chain_that_waits_after_it_has_yielded_is_woken_by_what_it_waits_for_only() {
        let (sender, receiver) = oneshot::channel();
        let chain = coroutine_block! {
            prefetch_read(&0).await;
            receiver.await.unwrap()
        };
        let mut root = pin!(chain.into_future());
        let (waker, counts) = support::wakers::counting();
        let mut poll = || root.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(poll().is_pending());
        assert_eq!(counts.wakes(), 1);
        assert!(poll().is_pending());
        assert!(poll().is_pending()); // spurious
        assert_eq!(counts.wakes(), 1, "it waits, and does not poll in a loop");
        sender.send(5).unwrap();
        assert_eq!(counts.wakes(), 2);
        assert_eq!(poll(), Poll::Ready(5));
    }

    #[test]
    fn a_prefetch_that_a_combinator_has_polled_does_not_suspend_again() {
        #[cps_core::coroutine]
        async fn polled_before() -> usize {
            let mut hint = prefetch_read(&0);
            poll_fn(|cx| {
                assert!(Pin::new(&mut hint).poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            hint.await;
            let mut hint = prefetch_read(&0);
            (&mut hint).await;
            hint.await;
            7
        }
        // The first one woke in the poll in which the second suspended, as a future.
        assert_eq!(drive_when_woken(polled_before().into_future()), (7, vec![2]));
    }
}

#[test]
fn a_skipped_prefetch_and_the_sequential_policy_suspend_nowhere() {
    #[derive(Clone, Copy)]
    struct HintOnly;
    impl Policy for HintOnly {
        fn prefetch(self, hint: impl FnOnce() -> Prefetch) -> Prefetch {
            hint();
            Prefetch::skipped()
        }
    }
    #[cps_core::coroutine]
    async fn with(policy: impl Policy) -> usize {
        policy.prefetch_read(&1).await;
        async { policy.prefetch_write(&1).await }.await;
        1
    }
    assert_eq!(drive_when_woken(with(HintOnly).into_future()), (1, vec![]));
    assert_eq!(drive_when_woken(with(Sequential).into_future()), (1, vec![]));
    assert_eq!(drive_when_woken(with(Interleaved).into_future()), (1, vec![1; 2]));
}

#[test]
fn a_chain_may_be_dropped_or_panic_at_each_prefetch() {
    #[cps_core::coroutine]
    async fn outer(log: Log, panics: Option<u32>) -> Note {
        let _outer = log.note("outer");
        for n in 0..3 {
            inner(&log, n, panics == Some(n)).await;
        }
        log.note("result")
    }
    #[cps_core::coroutine]
    async fn inner(log: &Log, n: u32, panics: bool) {
        let _inner = log.note("inner");
        prefetch_read(&n).await;
        if panics {
            support::Planned::panic("after prefetch", n);
        }
    }
    fn check<F: Future<Output = Note>>(make: impl Fn(Log, Option<u32>) -> F) {
        for polls in 0..5 {
            let log = Log::default();
            let fate = support::run(&log, make(log.clone(), None), polls);
            assert_eq!(matches!(fate, support::Fate::Returned(_)), polls == 4);
            drop(fate);
            log.assert_each_dropped_once();
        }
        for n in 0..3 {
            let log = Log::default();
            let fate = support::run(&log, make(log.clone(), Some(n)), 9);
            let text = format!("after prefetch {n}");
            assert!(matches!(fate, support::Fate::Panicked(was) if was == text));
            log.assert_each_dropped_once();
        }
    }
    check(|log, panics| outer(log, panics).into_future());
    check(|log, panics| outer(log, panics).boxed_local().into_future());
    check(|log, panics| async move { outer(log, panics).on_heap().await });
    for n in 0..3 {
        let log = Log::default();
        assert_eq!(
            panic_of(|| complete(outer(log.clone(), Some(n)))),
            format!("after prefetch {n}")
        );
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_coroutine_that_prefetches_is_send_if_its_values_are() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let turns = Cell::new(0);
    drive_when_woken(is_send(times(1).into_future()));
    let root = is_send(coroutine_block! { times(turns.get()).await }.into_future());
    assert_eq!(drive_when_woken(root), (0, vec![]));
    let _: fn(usize) -> Coroutine<_, _> = times;
}
