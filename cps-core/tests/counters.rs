//! What one poll of a root runs, to the count: the leaf, and after a return one continuation.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cps_core::LocalBoxCoroutine;
use support::wakers::counting;
use support::{drive, poll};

type Trace = RefCell<Vec<String>>;

fn say(trace: &Trace, text: impl Into<String>) {
    trace.borrow_mut().push(text.into());
}

fn take(trace: &Trace) -> Vec<String> {
    trace.take()
}

/// A leaf that is pending until its permits are used up.
async fn permits(trace: &Trace, name: &str, mut pending: u32) {
    poll_fn(|_| {
        say(trace, format!("poll {name}"));
        match pending.checked_sub(1) {
            Some(left) => {
                pending = left;
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    })
    .await;
}

/// How the nest's levels are called.
#[derive(Clone, Copy)]
enum Way {
    Inline,
    Heap,
    Boxed,
}

#[cps_core::coroutine]
async fn top(trace: &Trace, way: Way) -> u32 {
    say(trace, "top in");
    let value = match way {
        Way::Inline => middle(trace, way).await,
        Way::Heap => middle(trace, way).on_heap().await,
        Way::Boxed => middle(trace, way).boxed_local().await,
    };
    say(trace, "top again");
    permits(trace, "top", 1).await;
    say(trace, "top out");
    value + 1
}

#[cps_core::coroutine]
async fn middle(trace: &Trace, way: Way) -> u32 {
    say(trace, "middle in");
    let mut value = 0;
    for _ in 0..2 {
        value += match way {
            Way::Inline => bottom(trace).await,
            Way::Heap => bottom(trace).on_heap().await,
            Way::Boxed => bottom(trace).boxed_local().await,
        };
        say(trace, "middle again");
    }
    value
}

#[cps_core::coroutine]
async fn bottom(trace: &Trace) -> u32 {
    say(trace, "bottom in");
    permits(trace, "bottom", 2).await;
    say(trace, "bottom out");
    10
}

#[test]
fn each_wake_up_runs_the_leaf_and_each_return_one_continuation() {
    for way in [Way::Inline, Way::Heap, Way::Boxed] {
        let trace = Trace::default();
        let mut root = Box::pin(top(&trace, way).into_future());
        let polls: [&[&str]; 6] = [
            &["top in", "middle in", "bottom in", "poll bottom"],
            &["poll bottom"],
            &["poll bottom", "bottom out", "middle again", "bottom in", "poll bottom"],
            &["poll bottom"],
            &["poll bottom", "bottom out", "middle again", "top again", "poll top"],
            &["poll top", "top out"],
        ];
        for (n, expected) in polls.iter().enumerate() {
            let outcome = poll(&mut root);
            assert_eq!(take(&trace), *expected, "poll {n}");
            assert_eq!(outcome, if n < 5 { Poll::Pending } else { Poll::Ready(21) });
        }
    }
}

#[test]
fn a_spurious_poll_polls_the_leaf_and_nothing_else() {
    let trace = Trace::default();
    let released = Cell::new(false);
    #[cps_core::coroutine]
    async fn outer(trace: &Trace, released: &Cell<bool>) {
        say(trace, "outer in");
        inner(trace, released).await;
        say(trace, "outer out");
    }
    #[cps_core::coroutine]
    async fn inner(trace: &Trace, released: &Cell<bool>) {
        poll_fn(|_| {
            say(trace, "poll");
            if released.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
    let mut root = Box::pin(outer(&trace, &released).into_future());
    assert!(poll(&mut root).is_pending());
    assert_eq!(take(&trace), ["outer in", "poll"]);
    for _ in 0..50 {
        assert!(poll(&mut root).is_pending());
    }
    assert_eq!(take(&trace), ["poll"; 50]);
    released.set(true);
    assert!(poll(&mut root).is_ready());
    assert_eq!(take(&trace), ["poll", "outer out"]);
}

#[test]
fn calls_that_do_not_suspend_run_within_one_poll() {
    let trace = Trace::default();
    #[cps_core::coroutine]
    async fn outer(trace: &Trace) -> u32 {
        let mut sum = 0;
        for n in 0..3 {
            sum += inner(trace, n).await + inner(trace, n).on_heap().await;
            sum += inner(trace, n).boxed_local().await;
        }
        sum
    }
    #[cps_core::coroutine]
    async fn inner(trace: &Trace, n: u32) -> u32 {
        permits(trace, "leaf", 0).await;
        n
    }
    assert_eq!(drive(outer(&trace).into_future()), (9, 1));
    assert_eq!(take(&trace), ["poll leaf"; 9]);
}

/// A leaf that says how far the host stack is below the context it was polled with first.
struct Depth<'a> {
    base: usize,
    deepest: &'a Cell<usize>,
    polls: u32,
}

impl Future for Depth<'_> {
    type Output = ();

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let here = 0u8;
        self.polls += 1;
        self.deepest.set(self.base.wrapping_sub((&raw const here).addr()));
        if self.polls > 3 { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri's stack has no addresses that tell depth")]
fn a_resumed_leaf_is_as_deep_on_the_host_stack_under_64_callers_as_under_one() {
    fn nest<'a>(levels: u32, base: usize, deepest: &'a Cell<usize>) -> LocalBoxCoroutine<'a, ()> {
        #[cps_core::coroutine]
        async fn level(levels: u32, base: usize, deepest: &Cell<usize>) {
            if levels == 0 {
                Depth { base, deepest, polls: 0 }.await;
            } else {
                nest(levels - 1, base, deepest).await;
            }
        }
        level(levels, base, deepest).boxed_local()
    }
    let base = 0u8;
    let base = (&raw const base).addr();
    let depth_of = |levels| {
        let deepest = Cell::new(0);
        let mut root = Box::pin(nest(levels, base, &deepest).into_future());
        assert!(poll(&mut root).is_pending());
        assert!(poll(&mut root).is_pending());
        deepest.get()
    };
    assert_eq!(depth_of(1), depth_of(2));
    assert_eq!(depth_of(1), depth_of(64));
}

/// A leaf that keeps a clone of the waker, as one that waits for something does.
struct Keeps(Option<Waker>, u32);

impl Future for Keeps {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.1.checked_sub(1) {
            Some(left) => {
                self.0 = Some(cx.waker().clone());
                self.1 = left;
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

#[cps_core::coroutine]
async fn keeps_deep(levels: u32) {
    match levels {
        0 => Keeps(None, 3).await,
        _ => keeps_deep(levels - 1).on_heap().await,
    }
}

#[test]
fn a_chain_clones_no_waker_and_keeps_none() {
    for cancelled_after in [1, 2, 3, u32::MAX] {
        let (waker, counts) = counting();
        let mut root = Box::pin(keeps_deep(5).into_future());
        let mut polls = 0;
        while polls < cancelled_after
            && root.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
        {
            polls += 1;
            // The leaf's clones, of which it holds the last.
            assert_eq!((counts.clones(), counts.live()), (polls as usize, 2));
        }
        drop(root);
        assert_eq!((counts.live(), counts.wakes()), (1, 0));
    }
}

#[test]
fn a_returned_value_is_moved_up_and_dropped_once() {
    struct Counted(Rc<Cell<u32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    #[cps_core::coroutine]
    async fn up(drops: Rc<Cell<u32>>, levels: u32, suspensions: u32) -> Counted {
        if levels == 0 {
            for _ in 0..suspensions {
                support::YieldOnce::default().await;
            }
            return Counted(drops);
        }
        match levels % 2 {
            0 => up(drops, levels - 1, suspensions).on_heap().await,
            _ => erased(drops, levels - 1, suspensions).await,
        }
    }
    fn erased<'a>(
        drops: Rc<Cell<u32>>,
        levels: u32,
        suspensions: u32,
    ) -> LocalBoxCoroutine<'a, Counted> {
        up(drops, levels, suspensions).boxed_local()
    }
    for suspensions in 0..3 {
        let drops = Rc::new(Cell::new(0));
        let (value, _) = drive(up(drops.clone(), 6, suspensions).into_future());
        assert_eq!(drops.get(), 0);
        drop(value);
        assert_eq!((drops.get(), Rc::strong_count(&drops)), (1, 1));
    }
}
