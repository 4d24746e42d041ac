//! What can be interleaved: a coroutine, boxed or not, that is started in memory given to it.

use core::mem::ManuallyDrop;
use core::ptr;
use core::task::Poll;

use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::step::Turn;
use crate::coroutine::Coroutine;
use crate::frame::Frame;
use crate::frame::body::{Body, NoSite};
use crate::frame::passing::Passing;

/// A coroutine that an interleaver can start: [`Coroutine`], of whatever placement, or
/// [`ErasedCoroutine`](crate::ErasedCoroutine).
///
/// # Safety
/// Implemented by this crate only. `Self: Send` implies that the frames it starts are `Send`.
pub unsafe trait Start: Sized {
    /// What the coroutine evaluates to.
    type Output;
    /// Memory for the root frame.
    #[doc(hidden)]
    type Place;

    /// Starts the root frame of a chain in place. If it returns at once, its result lies there.
    ///
    /// # Safety
    /// `place` is valid memory, holds nothing live, and is not moved until the chain has ended. The
    /// chain is that of a root: it has no frames, its driver's leaf is `ended`. The driver is in a poll. If this unwinds, the place holds nothing.
    #[doc(hidden)]
    unsafe fn start(self, place: *mut Self::Place, chain: Caller) -> Poll<()>;

    /// [`Start::start`] of a chain that is expected to return at once: the root body is compiled where this
    /// is called, so that nothing need be written if it does.
    ///
    /// # Safety
    /// As for that.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn start_inlined(self, place: *mut Self::Place, chain: Caller) -> Poll<()> {
        // SAFETY: passed on.
        unsafe { self.start(place, chain) }
    }

    /// Gives the chain whose root frame is in `place` its turn, if it has not ended.
    ///
    /// Where the root frame itself is the leaf, its type is known: then the body's poll is inlined
    /// here, and there is no indirect call.
    ///
    /// # Safety
    /// If the chain has not ended, it was started in `place` and is suspended, and its driver was
    /// entered in this poll.
    #[doc(hidden)]
    unsafe fn resume(place: *mut Self::Place, chain: Caller) -> Turn;

    /// Moves the result out of the place of a root frame that has returned.
    ///
    /// # Safety
    /// As it says, once.
    #[doc(hidden)]
    unsafe fn take_result(place: *mut Self::Place) -> Self::Output;
}

// SAFETY: a frame is `Send` if its body is (contract of `Body`).
unsafe impl<B: Body, P> Start for Coroutine<B, P> {
    type Output = B::Output;
    type Place = Frame<B>;

    #[inline(always)]
    unsafe fn start(self, frame: *mut Frame<B>, chain: Caller) -> Poll<()> {
        let mut body = ManuallyDrop::new(self.into_body());
        // SAFETY: by contract; the body is not used again.
        unsafe {
            Frame::call::<NoSite>(frame, Passing::of(&raw mut *body), chain)
                .map(|value| Frame::put_result(frame, value))
        }
    }

    #[inline(always)]
    unsafe fn start_inlined(self, frame: *mut Frame<B>, chain: Caller) -> Poll<()> {
        let mut body = ManuallyDrop::new(self.into_body());
        // SAFETY: by contract; the body is not used again.
        unsafe {
            Frame::call_inlined::<NoSite>(frame, Passing::of(&raw mut *body), chain)
                .map(|value| Frame::put_result(frame, value))
        }
    }

    #[inline(always)]
    unsafe fn resume(frame: *mut Frame<B>, chain: Caller) -> Turn {
        // SAFETY: the frame in the place is the chain's root frame, and if it is the leaf it has
        // suspended and not returned; the rest is passed on.
        unsafe {
            let driver = chain.driver;
            if ptr::eq((*driver).leaf.get(), Frame::header(frame)) {
                Driver::take_turn_of(driver, frame)
            } else {
                Driver::take_turn(driver)
            }
        }
    }

    #[inline(always)]
    unsafe fn take_result(frame: *mut Frame<B>) -> B::Output {
        // SAFETY: by contract.
        unsafe { Frame::take_result(frame) }
    }
}

#[cfg(feature = "alloc")]
mod erased {
    use super::{Caller, Driver, Poll, Start, Turn};
    use crate::coroutine::boxed::{Boxed, ErasedCoroutine};

    // SAFETY: the frame is `Send` if `S` is (`Coroutine::boxed`), and then so is the coroutine.
    unsafe impl<T, S: ?Sized> Start for ErasedCoroutine<T, S> {
        type Output = T;
        type Place = Boxed<T, S>;

        #[inline(always)]
        unsafe fn start(self, place: *mut Boxed<T, S>, chain: Caller) -> Poll<()> {
            // SAFETY: passed on.
            unsafe { self.into_frame().start_root(place, chain) }
        }

        #[inline(always)]
        unsafe fn resume(_: *mut Boxed<T, S>, chain: Caller) -> Turn {
            // SAFETY: passed on.
            unsafe { Driver::take_turn(chain.driver) }
        }

        #[inline(always)]
        unsafe fn take_result(place: *mut Boxed<T, S>) -> T {
            // SAFETY: passed on.
            unsafe { Boxed::take_result(place) }
        }
    }
}
