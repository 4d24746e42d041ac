//! The context that a coroutine's futures are polled with, and awaits that the attribute does not see.

mod support;

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use cps_core::interleave::Interleave;
use cps_core::placement::{Heap, Inline, Placement, Stack};
use cps_core::prefetch::prefetch_read;
use support::{YieldOnce, drive};

/// Awaits by itself.
macro_rules! unseen {
    ($future:expr) => {
        $future.await
    };
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Waits for so many polls, in each of which the context's waker is the executor's own.
async fn own_waker(executor: &Waker, polls: &mut usize) {
    poll_fn(|cx| {
        assert_eq!(cx.waker().data(), executor.data());
        assert!(cx.waker().will_wake(executor));
        *polls += 1;
        if *polls % 3 == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

#[cps_core::coroutine]
async fn inner(executor: &Waker, polls: &mut usize) {
    own_waker(executor, polls).await;
    poll_fn(|cx| {
        assert!(cx.waker().will_wake(executor));
        Poll::Ready(())
    })
    .await
}

#[cps_core::coroutine]
async fn outer<P: Placement>(executor: &Waker, polls: &mut usize, placement: P) {
    inner(executor, polls).placed(placement).await;
    own_waker(executor, polls).await;
}

#[test]
fn a_future_sees_the_executors_waker_in_each_poll_in_frames_of_each_placement() {
    fn run(placement: impl Placement + Copy) {
        let executor = Waker::from(Arc::new(Count::default()));
        let (mut polls, mut pending) = (0, 0);
        {
            let mut root = pin!(outer(&executor, &mut polls, placement).into_future());
            while root.as_mut().poll(&mut Context::from_waker(&executor)).is_pending() {
                pending += 1;
            }
        }
        assert_eq!((polls, pending), (6, 4));
    }
    run(Inline);
    run(Stack);
    run(Heap);
}

#[test]
fn a_future_sees_the_waker_of_the_poll_that_is_under_way() {
    #[cps_core::coroutine]
    async fn last(seen: &mut Vec<*const ()>) {
        poll_fn(|cx| {
            seen.push(cx.waker().data());
            if seen.len() == 4 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    }

    let wakers: Vec<Waker> = (0..4).map(|_| Arc::new(Count::default()).into()).collect();
    let mut seen = Vec::new();
    let mut root = Box::pin(last(&mut seen).into_future());
    for (i, waker) in wakers.iter().enumerate() {
        assert_eq!(root.as_mut().poll(&mut Context::from_waker(waker)).is_ready(), i == 3);
    }
    drop(root);
    assert_eq!(seen, wakers.iter().map(Waker::data).collect::<Vec<_>>());
}

#[test]
fn an_await_that_the_attribute_does_not_see_has_a_waker_that_hands_all_on() {
    #[cps_core::coroutine]
    async fn waits(executor: &Waker, stored: &mut Option<Waker>) {
        for started in [false, true] {
            if started {
                YieldOnce::default().await;
            }
            let mut polled = false;
            unseen!(poll_fn(|cx| {
                cx.waker().wake_by_ref();
                let waker = cx.waker().clone();
                // (A clone's table may be another one: `will_wake` promises nothing for it.)
                assert_eq!(waker.data(), executor.data());
                *stored = Some(waker);
                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            }));
        }
    }

    let count = Arc::new(Count::default());
    let executor = Waker::from(count.clone());
    let mut stored = None;
    {
        let mut root = pin!(waits(&executor, &mut stored).into_future());
        let mut cx = Context::from_waker(&executor);
        let mut polls = 1;
        while root.as_mut().poll(&mut cx).is_pending() {
            polls += 1;
        }
        // Each of the two is polled twice, the second one at first in the poll that ends `YieldOnce`.
        assert_eq!((polls, count.0.load(Relaxed)), (4, 4));
    }
    // Outlives the chain.
    stored.expect("cloned").wake();
    assert_eq!(count.0.load(Relaxed), 5);
}

/// Pending once; wakes itself.
async fn tick() {
    let mut polled = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// The same text as a coroutine and as an `async fn`: seen and unseen awaits by turns.
macro_rules! by_turns {
    ($($attribute:tt)*) => {
        $($attribute)*
        async fn callee(n: u32) -> u32 {
            tick().await;
            n + 1
        }

        $($attribute)*
        pub(super) async fn caller(n: u32) -> u32 {
            let a = unseen!(callee(n));
            let b = callee(a).await;
            unseen!(tick());
            let c = callee(b).await + callee(b).await;
            prefetch_read(&raw const c).await;
            let d = unseen!(callee(c));
            prefetch_read(&raw const d).await;
            unseen!(tick());
            prefetch_read(&raw const d).await;
            callee(d).await
        }
    };
}

mod plain {
    use super::{prefetch_read, tick};
    by_turns!();
}

mod direct {
    use super::{prefetch_read, tick};
    by_turns!(#[cps_core::coroutine]);
}

#[test]
fn calls_and_prefetches_suspend_once_each_among_awaits_that_are_not_seen() {
    fn run(future: impl Future<Output = u32> + Send) -> (usize, u32) {
        let mut future = Box::pin(future);
        let mut polls = 1;
        loop {
            // Each poll has a stack of its own: nothing of an earlier one is used.
            let poll = thread::scope(|scope| {
                let poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                scope.spawn(poll).join().expect("no panic")
            });
            match poll {
                Poll::Ready(value) => return (polls, value),
                Poll::Pending => polls += 1,
            }
        }
    }

    assert_eq!(run(direct::caller(3).into_future()), run(plain::caller(3)));
    assert_eq!(run(plain::caller(3)), (12, 14));
    let mut values = [0; 9];
    Interleave::<4>::run(0..9, direct::caller, |index, value| values[index] = value);
    assert_eq!(values, [8, 10, 12, 14, 16, 18, 20, 22, 24]);
}

#[test]
fn a_function_that_is_inlined_always_is_a_coroutine_like_any_other() {
    #[inline(always)]
    #[cps_core::coroutine]
    async fn step(n: u32) -> u32 {
        YieldOnce::default().await;
        n + 1
    }

    #[cps_core::coroutine]
    #[inline(always)]
    async fn two_steps(n: u32) -> u32 {
        step(n).await + step(1).await
    }

    #[cps_core::coroutine]
    #[inline(always)]
    async fn recursion(n: u32) -> u32 {
        if n == 0 { two_steps(0).await } else { recursion(n - 1).on_stack().await + 1 }
    }

    assert_eq!(drive(recursion(500).into_future()), (503, 3));
    let mut root = Box::pin(recursion(3).into_future());
    assert!(root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let backtrace = root.backtrace();
    let names: Vec<_> =
        backtrace.frames().iter().map(|f| f.function().rsplit("::").next().unwrap()).collect();
    assert_eq!(names, ["step", "two_steps", "recursion", "recursion", "recursion", "recursion"]);
}
