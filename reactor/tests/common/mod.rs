//! What the tests of this folder share.
#![allow(dead_code)] // Each test program uses a part.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Counts its drops.
pub(crate) struct Bomb(pub(crate) Rc<Cell<u32>>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

pub(crate) fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map(|text| text.to_string()).unwrap_or_default(),
    }
}

/// The message of the panic that `f` must end in.
pub(crate) fn panics(f: impl FnOnce()) -> String {
    message(catch_unwind(AssertUnwindSafe(f)).expect_err("no panic"))
}

/// A future that counts its polls, leaves its waker and never ends.
pub(crate) fn counting(
    polls: &Rc<Cell<u32>>,
    waker: &Rc<RefCell<Option<Waker>>>,
) -> impl Future<Output = ()> + use<> {
    let (polls, slot) = (polls.clone(), waker.clone());
    poll_fn(move |cx| {
        polls.set(polls.get() + 1);
        *slot.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    })
}
