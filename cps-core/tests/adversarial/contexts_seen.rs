//! Futures that are awaited in the ordinary way are polled with the executor's own context, and may replace that,
//! as in an `async fn`; and contexts of other chains.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use crate::support::{Log, drive, run};
use crate::vandal::{By, Vandal, leaked, sampled, tick, unseen};

macro_rules! bodies {
    ($($attribute:tt)*) => {
        use std::sync::atomic::AtomicUsize;

        use super::{Log, Vandal, seen, tick};

        $($attribute)*
        async fn callee(v: Vandal, log: Log, seen_here: &AtomicUsize) -> u32 {
            let _note = log.note("callee");
            let value = v.future().await;
            seen(seen_here).await;
            tick().await;
            value
        }

        $($attribute)*
        pub(crate) async fn body(v: Vandal, log: Log, seen_here: &AtomicUsize) -> u32 {
            let _note = log.note("local");
            let first = v.future().await;
            seen(seen_here).await;
            let second = callee(v, log.clone(), seen_here).await;
            seen(seen_here).await;
            first + second + v.future().await
        }
    };
}

mod direct {
    bodies!(#[cps_core::cps]);
}

mod plain {
    bodies!();
}

/// Counts how often the context's waker is the one that does nothing.
async fn seen(noops: &AtomicUsize) {
    poll_fn(|cx| {
        if cx.waker().will_wake(Waker::noop()) {
            noops.fetch_add(1, SeqCst);
        }
        Poll::Ready(())
    })
    .await;
}

/// (As `Deaf` in `vandal.rs`.)
#[derive(Default)]
struct Idle {
    _byte: u8,
}

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

fn events(log: &Log, future: impl Future<Output = u32>) -> Vec<crate::support::Event> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Idle::default()));
    let value = loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            break value;
        }
    };
    log.did("value", value);
    log.events()
}

#[test]
fn a_seen_await_may_replace_the_executors_context_for_the_rest_of_the_poll() {
    for v in sampled(Vandal::all(), 5) {
        let (a, b) = (Log::default(), Log::default());
        let (seen_a, seen_b) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let expected = events(&a, plain::body(v, a.clone(), &seen_a));
        assert_eq!(events(&b, direct::body(v, b.clone(), &seen_b)), expected, "{v:?}");
        assert_eq!(seen_b.load(SeqCst), seen_a.load(SeqCst), "{v:?}");
        for polls in 1..5 {
            let (a, b) = (Log::default(), Log::default());
            let fate = run(&a, plain::body(v, a.clone(), &seen_a), polls);
            let root = direct::body(v, b.clone(), &seen_b).boxed();
            assert_eq!(run(&b, root, polls), fate, "{v:?}");
            assert_eq!(b.events(), a.events(), "{v:?}");
        }
    }
}

#[test]
fn an_executor_finds_its_context_as_a_body_has_left_it() {
    let v = Vandal { by: By::Noop, on: 0, pends: 1 };
    let waker = Waker::from(Arc::new(Idle::default()));
    let mut cx = Context::from_waker(&waker);
    let seen = AtomicUsize::new(0);
    let mut body = pin!(direct::body(v, Log::default(), &seen));
    assert!(body.as_mut().poll(&mut cx).is_pending());
    assert!(cx.waker().will_wake(Waker::noop()));
}

/// A body polls another coroutine with its own context, and that replaces it.
#[test]
fn a_chain_polled_with_another_bodys_context_may_replace_it() {
    #[cps_core::cps]
    async fn inner(v: Vandal) -> u32 {
        tick().await;
        v.future().await
    }

    #[cps_core::cps]
    async fn outer(v: Vandal) -> u32 {
        let mut other = Box::pin(inner(v));
        let mut boxed = inner(v).boxed();
        let a = unseen!(poll_fn(|cx| other.as_mut().poll(cx)));
        let b = ready(1).await;
        let c = unseen!(poll_fn(|cx| Pin::new(&mut boxed).poll(cx)));
        tick().await;
        a + b + c + inner(v).await
    }

    for v in sampled(Vandal::all(), 3) {
        assert_eq!(drive(outer(v)).0, 1 + 3 * v.pends, "{v:?}");
    }
}

/// By a context that is made of a body's waker.
#[test]
fn a_chain_may_be_polled_with_a_context_made_of_another_bodys_waker() {
    #[cps_core::cps]
    async fn inner(kept: &Cell<Option<Waker>>, v: Vandal) -> u32 {
        unseen!(v.future());
        poll_fn(|cx| {
            kept.set(Some(cx.waker().clone()));
            Poll::Ready(())
        })
        .await;
        unseen!(tick());
        7
    }

    #[cps_core::cps]
    async fn outer(kept: &Cell<Option<Waker>>, v: Vandal) -> u32 {
        let mut other = Box::pin(inner(kept, v));
        let value = unseen!(poll_fn(|cx| {
            let waker = cx.waker();
            let poll = other.as_mut().poll(&mut Context::from_waker(waker));
            *cx = Context::from_waker(waker);
            poll
        }));
        tick().await;
        value
    }

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    for v in sampled(Vandal::all(), 3) {
        let (kept, count) = (Cell::new(None), Arc::new(Count::default()));
        {
            let waker = Waker::from(count.clone());
            let mut outer = pin!(outer(&kept, v));
            while outer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {}
        }
        let wakes = count.0.load(SeqCst);
        if let Some(kept) = kept.take() {
            kept.wake();
        }
        let by_others = usize::from(matches!(v.by, By::Nothing | By::Back | By::Clone));
        assert!(count.0.load(SeqCst) - wakes >= by_others, "{v:?}: outlives both chains");
        assert_eq!(Arc::strong_count(&count), 1 + leaks(v), "{v:?}");
    }

    /// `By::Clone` leaks a clone of the executor's waker.
    fn leaks(v: Vandal) -> usize {
        usize::from(matches!(v.by, By::Clone))
    }
}

/// The executor's waker, leaked, in the place of a body's: another than that of the chain by its table.
#[test]
fn a_leaked_waker_of_the_executor_is_not_taken_for_the_bodys() {
    #[cps_core::cps]
    async fn body(executor: &'static Waker, polls: &Cell<u32>) -> u32 {
        unseen!(poll_fn(|cx| {
            *cx = Context::from_waker(executor);
            Poll::Ready(())
        }));
        poll_fn(|cx| {
            assert!(cx.waker().will_wake(executor));
            polls.set(polls.get() + 1);
            Poll::Ready(())
        })
        .await;
        polls.get()
    }

    let executor = leaked(Waker::from(Arc::new(Idle::default())));
    let polls = Cell::new(0);
    let mut body = pin!(body(executor, &polls));
    let poll = body.as_mut().poll(&mut Context::from_waker(executor));
    assert_eq!(poll, Poll::Ready(1), "polled again by the chain itself, in the same poll");
}
