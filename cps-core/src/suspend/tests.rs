//! Unit tests of `suspend`: each step and each value counted.

extern crate std;

use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::sync::Arc;
use std::task::Wake;

use super::*;

struct Silent;

impl Wake for Silent {
    fn wake(self: Arc<Self>) {}
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Arc<Silent>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&Waker::from(waker.clone())))
}

fn panic_of(f: impl FnOnce() -> bool) -> String {
    *catch_unwind(AssertUnwindSafe(f)).expect_err("no panic").downcast().expect("a formatted one")
}

#[test]
fn the_closure_is_called_by_the_first_poll_only() {
    let (mut calls, mut stored) = (0, None);
    drop(suspend(|_: Continuation<()>| unreachable!("never polled")));
    let mut future = suspend(|k: Continuation<u8>| {
        calls += 1;
        stored = Some(k);
    });
    let waker = Arc::new(Silent);
    for _ in 0..3 {
        assert!(poll(&mut future, &waker).is_pending());
    }
    drop(future);
    assert_eq!(calls, 1);
    assert!(stored.expect("stored").is_abandoned());
}

#[test]
fn a_poll_with_the_same_waker_keeps_it_and_another_replaces_it() {
    let mut stored = None;
    let mut future = suspend(|k: Continuation<u8>| stored = Some(k));
    let (first, second) = (Arc::new(Silent), Arc::new(Silent));
    for _ in 0..3 {
        assert!(poll(&mut future, &first).is_pending());
        assert_eq!(Arc::strong_count(&first), 2);
    }
    assert!(poll(&mut future, &second).is_pending());
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
    drop(future); // Drops the waker, though the continuation is still there.
    assert_eq!(Arc::strong_count(&second), 1);
    drop(stored);
}

#[test]
fn an_abandoned_continuation_gives_the_value_back() {
    let mut stored = None;
    let mut future = suspend(|k: Continuation<Box<u8>>| stored = Some(k));
    assert!(poll(&mut future, &Arc::new(Silent)).is_pending());
    drop(future);
    assert_eq!(stored.expect("stored").resume(Box::new(5)), Err(Box::new(5)));
}

#[test]
fn a_value_not_awaited_is_dropped_with_the_future() {
    let (value, stored) = (Arc::new(()), core::cell::Cell::new(None));
    let mut future = suspend(|k: Continuation<Arc<()>>| stored.set(Some(k)));
    assert!(poll(&mut future, &Arc::new(Silent)).is_pending());
    assert!(stored.take().expect("stored").resume(value.clone()).is_ok());
    assert_eq!(Arc::strong_count(&value), 2);
    drop(future);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_dropped_continuation_panics_at_its_suspend_and_says_where() {
    let mut future = suspend(|k: Continuation<u8>| drop(k));
    let line = line!() - 1;
    let text = panic_of(|| poll(&mut future, &Arc::new(Silent)).is_ready());
    assert!(text.starts_with("continuation dropped without being resumed (suspended at "));
    assert!(text.contains(&std::format!("tests.rs:{line}:")), "{text}");
}

#[test]
fn a_closure_that_panics_leaves_a_dropped_continuation() {
    let mut future = try_suspend(|_: Continuation<u8>| std::panic!("{}", "closure"));
    assert_eq!(panic_of(|| poll(&mut future, &Arc::new(Silent)).is_ready()), "closure");
    assert_eq!(poll(&mut future, &Arc::new(Silent)), Poll::Ready(Err(Dropped(()))));
}

#[test]
fn threads_may_hold_continuations_of_what_threads_may_hold() {
    fn both<T: Send + Sync>() {}
    both::<Continuation<core::cell::Cell<u8>>>();
    both::<TrySuspend<core::cell::Cell<u8>, fn(Continuation<core::cell::Cell<u8>>)>>();
}
