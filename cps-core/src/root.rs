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
    frame: UnsafeCell<Origin<B>>,
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
        Root { driver: Driver::new(), frame: UnsafeCell::new(Origin::unstarted(body, ptr::null())) }
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// `this` is pinned, its driver was entered, and its leaf is null.
    #[inline(never)]
    unsafe fn start(this: *mut Self, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: pinned memory stays valid until the root is dropped; the frame holds
        // the body until the driver notes the start, and it is taken out once.
        unsafe {
            (*this).driver.start_once();
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
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing runs the chain, since `self` is borrowed exclusively.
        unsafe {
            if self.driver.is_started() {
                Driver::cancel(&raw const self.driver);
            } else {
                Origin::drop_unstarted(self.frame.get());
            }
        }
    }
}

impl<B: Body> fmt::Debug for Root<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Root").field(&format_args!("{}", self.driver.condition())).finish()
    }
}
