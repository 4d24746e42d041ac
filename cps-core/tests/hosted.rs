//! Chains that an executor resumes in its tasks, without a poll of the future's type: the same as polls, and only for
//! futures that are chains themselves.

mod support;

use std::cell::RefCell;
use std::future::{Future, IntoFuture, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use cps_core::{__hosted as hosted, cps, join};
use support::wakers::counting;

/// A future in memory of its own, as a task has it.
struct Task<F>(*mut F);

impl<F: Future> Task<F> {
    fn new(future: F) -> Self {
        Task(Box::into_raw(Box::new(future)))
    }

    fn first_poll(&self, waker: &Waker) -> (Poll<F::Output>, bool) {
        // SAFETY: the box is not moved, and nobody else uses it.
        unsafe { hosted::first_poll(self.0, &mut Context::from_waker(waker)) }
    }

    /// Only of a chain that has suspended.
    fn resume(&self, waker: &Waker) -> Poll<()> {
        // SAFETY: as above; the tests call it in that state.
        unsafe { hosted::resume(self.0.cast(), &mut Context::from_waker(waker)) }
    }

    fn poll(&self, waker: &Waker) -> Poll<F::Output> {
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(&mut *self.0) }.poll(&mut Context::from_waker(waker))
    }
}

impl<F> Drop for Task<F> {
    fn drop(&mut self) {
        // SAFETY: it was made by `Box::into_raw`.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// Suspends `times` times.
async fn suspend(mut times: u32) {
    poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cps]
async fn deep(levels: u32, suspensions: u32) -> u32 {
    if levels == 0 {
        suspend(suspensions).await;
        return 0;
    }
    deep(levels - 1, suspensions).on_heap().await + 1
}

fn suspends_and_returns<F: Future<Output = u32>>(future: F, expected: u32) {
    let (waker, wakes) = counting();
    let task = Task::new(future);
    assert_eq!(task.first_poll(&waker), (Poll::Pending, true));
    assert!(task.resume(&waker).is_pending());
    assert!(task.resume(&waker).is_pending());
    assert_eq!(wakes.wakes(), 3);
    assert_eq!(task.resume(&waker), Poll::Ready(()));
    assert_eq!(task.poll(&waker), Poll::Ready(expected));
    assert_eq!(wakes.wakes(), 3);
}

#[test]
fn a_chain_is_resumed_and_gives_its_result_to_a_poll() {
    for levels in [0, 1, 40] {
        suspends_and_returns(deep(levels, 3), levels);
        suspends_and_returns(deep(levels, 3).into_root(), levels);
        suspends_and_returns(deep(levels, 3).boxed(), levels);
        suspends_and_returns(deep(levels, 3).boxed_local(), levels);
    }
}

#[test]
fn a_future_that_returns_at_once_is_no_suspended_chain() {
    let task = Task::new(deep(3, 0));
    assert_eq!(task.first_poll(Waker::noop()), (Poll::Ready(3), false));
}

/// Transparent: the chain lies at its address, and it does something at each poll.
#[repr(transparent)]
struct Counted<F>(F, ());

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the field is pinned as the whole is.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
    }
}

#[test]
fn what_only_contains_a_chain_is_polled() {
    let counted = Task::new(Counted(deep(2, 1), ()));
    assert_eq!(counted.first_poll(Waker::noop()), (Poll::Pending, false));
    let block = Task::new(async { deep(2, 1).await });
    assert_eq!(block.first_poll(Waker::noop()), (Poll::Pending, false));
    let branches = Task::new(join((deep(2, 1), deep(1, 1))).into_future());
    assert_eq!(branches.first_poll(Waker::noop()), (Poll::Pending, false));
    assert_eq!(branches.poll(Waker::noop()), Poll::Ready((2, 1)));
}

/// A coroutine that polls another one of its own type in the same poll.
#[test]
fn a_chain_of_the_same_type_within_changes_nothing() {
    #[cps]
    async fn outer(inner: u32) -> u32 {
        if inner == 0 {
            suspend(2).await;
            return 0;
        }
        let mut boxed = Box::pin(outer(inner - 1));
        let boxed = boxed.as_mut();
        let future: Pin<&mut dyn Future<Output = u32>> = boxed;
        poll_fn({
            let mut future = future;
            move |cx| future.as_mut().poll(cx)
        })
        .await
            + 1
    }
    let task = Task::new(outer(2));
    assert_eq!(task.first_poll(Waker::noop()), (Poll::Pending, true));
    assert!(task.resume(Waker::noop()).is_pending());
    assert!(task.resume(Waker::noop()).is_ready());
    assert_eq!(task.poll(Waker::noop()), Poll::Ready(2));
}

#[test]
fn clones_of_the_first_waker_are_the_executors() {
    let (waker, wakes) = counting();
    let seen = Rc::new(RefCell::new(None));
    #[cps]
    async fn keep(seen: Rc<RefCell<Option<Waker>>>) {
        poll_fn(|cx| {
            let first = seen.borrow().is_none();
            *seen.borrow_mut() = Some(cx.waker().clone());
            if first { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }
    let task = Task::new(keep(seen.clone()));
    assert!(task.first_poll(&waker).1);
    let kept = seen.borrow().clone().unwrap();
    assert!(kept.will_wake(&waker));
    kept.wake();
    assert_eq!(wakes.wakes(), 1);
    assert!(task.resume(&waker).is_ready());
}

struct Loud<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

impl Drop for Loud<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[test]
fn a_panic_drops_the_frames_and_a_drop_afterwards_is_fine() {
    let log = RefCell::new(Vec::new());
    #[cps]
    async fn inner(log: &RefCell<Vec<&'static str>>) {
        let _loud = Loud(log, "inner");
        suspend(1).await;
        panic!("inner")
    }
    #[cps]
    async fn outer(log: &RefCell<Vec<&'static str>>) {
        let _loud = Loud(log, "outer");
        inner(log).await;
        ready(()).await;
    }
    let task = Task::new(outer(&log));
    assert!(task.first_poll(Waker::noop()).1);
    assert!(log.borrow().is_empty());
    assert!(catch_unwind(AssertUnwindSafe(|| task.resume(Waker::noop()))).is_err());
    assert_eq!(*log.borrow(), ["inner", "outer"]);
    drop(task);
    assert_eq!(*log.borrow(), ["inner", "outer"]);
}

#[test]
fn the_backtrace_is_that_of_the_chain() {
    let task = Task::new(deep(1, 1));
    assert!(task.first_poll(Waker::noop()).1);
    // SAFETY: the chain is suspended, and nothing resumes it.
    let backtrace = unsafe { hosted::backtrace(task.0.cast_const().cast()) };
    assert_eq!(backtrace.frames().len(), 2);
    assert!(backtrace.frames()[1].function().ends_with("deep"));
}
