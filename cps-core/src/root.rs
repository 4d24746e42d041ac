//! The root future: a chain of frames as one ordinary [`Future`].

use core::cell::UnsafeCell;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::body::Body;
use crate::driver::{Driver, root_continuation};
use crate::frame::{Frame, Origin};

/// A whole stack of coroutine frames as one [`Future`].
///
/// It allocates nothing by itself, runs in any executor, and passes the executor's context on to
/// whatever its innermost frame awaits. A poll resumes that frame directly, at any depth.
///
/// # Panics
/// Polling it after it has returned or panicked panics, as it does for an `async` block.
///
/// # Cancellation
/// Dropping it drops the frames innermost first, in the order in which nested futures would drop,
/// in a loop: a chain of a million frames needs no more host stack than one of two.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[repr(C)]
pub struct Root<B: Body> {
    driver: Driver,
    condition: Condition,
    frame: UnsafeCell<Origin<B>>,
}

/// How far a root has come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Condition {
    /// The frame holds the arguments; `driver.leaf` is null.
    Unstarted,
    /// While `driver.leaf` is not null the chain is suspended or running, else it has ended.
    Started,
}

impl Condition {
    pub(crate) fn name(self, leafless: bool) -> &'static str {
        match (self, leafless) {
            (Condition::Unstarted, _) => "unstarted",
            (Condition::Started, false) => "suspended",
            (Condition::Started, true) => "ended",
        }
    }
}

// SAFETY: a root owns the root frame, which is `Send` if the body is (contract of `Body`), and
// through it all other frames of the chain: those in the body's slots, whose types are part of the
// body's future, and those it boxed as `Send`. The driver's pointers lead to these, or are unused
// outside of a poll.
unsafe impl<B: Body + Send> Send for Root<B> {}
// SAFETY: a shared reference to a root gives access to nothing but `Debug`, which reads what is
// written through `&mut` only.
unsafe impl<B: Body> Sync for Root<B> {}

impl<B: Body> Root<B> {
    #[inline(always)]
    pub(crate) fn new(body: B) -> Self {
        Root {
            driver: Driver::new(),
            condition: Condition::Unstarted,
            frame: UnsafeCell::new(Origin::unstarted(body, ptr::null())),
        }
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// `this` is pinned, its driver was entered, and its leaf is null.
    #[inline(never)]
    unsafe fn start(this: *mut Self, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: pinned memory stays valid until the root is dropped; `Unstarted` says that the
        // frame holds the body, which is taken out once, before anything can panic.
        unsafe {
            if (*this).condition == Condition::Started {
                ended();
            }
            (*this).condition = Condition::Started;
            let origin = UnsafeCell::raw_get(&raw const (*this).frame);
            let parts = Origin::take(origin);
            let driver = &raw const (*this).driver;
            match Frame::start(origin.cast::<Frame<B>>(), parts, driver) {
                Poll::Ready(value) => Poll::Ready(value),
                Poll::Pending => {
                    Frame::link(origin.cast::<Frame<B>>(), root_continuation());
                    Self::result(this, Driver::settle(driver, cx, (*driver).pending()))
                }
            }
        }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `Driver::run` or `Driver::settle` returned last.
    #[inline(always)]
    unsafe fn result(this: *mut Self, poll: Poll<()>) -> Poll<B::Output> {
        poll.map(|()| {
            // SAFETY: the chain has ended, so the root frame has returned, and the leaf that is
            // cleared here keeps this from being called again.
            unsafe {
                (*this).driver.leaf.set(ptr::null());
                Frame::take_result(UnsafeCell::raw_get(&raw const (*this).frame).cast::<Frame<B>>())
            }
        })
    }
}

impl<B: Body> Future for Root<B> {
    type Output = B::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: nothing is moved out of the pinned root. A non-null leaf means that the chain is
        // suspended (it cannot be running: `self` is borrowed exclusively).
        unsafe {
            let this: *mut Self = self.get_unchecked_mut();
            let driver = &raw const (*this).driver;
            (*driver).enter(cx);
            if (*driver).leaf.get().is_null() {
                return Self::start(this, cx);
            }
            let poll = Driver::run(driver, cx);
            Self::result(this, poll)
        }
    }
}

impl<B: Body> Drop for Root<B> {
    fn drop(&mut self) {
        // SAFETY: nothing runs the chain, since `self` is borrowed exclusively.
        unsafe {
            match self.condition {
                Condition::Unstarted => Origin::drop_unstarted(self.frame.get()),
                Condition::Started => Driver::cancel(&raw const self.driver),
            }
        }
    }
}

impl<B: Body> fmt::Debug for Root<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = self.condition.name(self.driver.leaf.get().is_null());
        f.debug_tuple("Root").field(&format_args!("{condition}")).finish()
    }
}

#[cold]
#[inline(never)]
pub(crate) fn ended() -> ! {
    panic!("a coroutine was polled after it had returned or panicked")
}
