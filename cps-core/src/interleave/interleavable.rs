//! What can be interleaved: coroutines, boxed or not, which an interleaver starts in its own memory.

use core::mem::ManuallyDrop;
use core::ptr;
use core::task::Poll;

use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::step::Turn;
use crate::coroutine::Coroutine;
use crate::frame::Frame;
use crate::frame::body::Body;
use crate::frame::passing::Passing;

/// A coroutine that an interleaver can start: a [`Coroutine`] of any placement, or an
/// [`ErasedCoroutine`](crate::ErasedCoroutine).
///
/// # Safety
/// Implemented by this crate only. `Self: Send` implies that the frames it starts are `Send`.
pub unsafe trait Start: Sized {
    /// The coroutine's output.
    type Output;
    /// Memory for the root frame.
    #[doc(hidden)]
    type Place;

    /// Starts the root frame of a chain in place. If it returns at once, its result lies there. If it panics, the place
    /// holds nothing.
    ///
    /// # Safety
    /// - `place` is valid memory, holds nothing live, and is not moved until the chain has ended.
    /// - `chain` is that of a root: it has no frames, and its driver's leaf is `ended`.
    /// - The driver is in a poll.
    #[doc(hidden)]
    unsafe fn start(self, place: *mut Self::Place, chain: Caller) -> Poll<()>;

    /// [`Start::start`] for a chain that should return at once: the root body is compiled where this is called, and
    /// need not write anything if it does return.
    ///
    /// # Safety
    /// As for [`Start::start`].
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn start_inlined(self, place: *mut Self::Place, chain: Caller) -> Poll<()> {
        // SAFETY: `complete_by`, the caller, has a vacant place and a driver that is in a poll and has no chain.
        unsafe { self.start(place, chain) }
    }

    /// Gives the chain whose root frame is in `place` its turn, if it has not ended.
    ///
    /// If the root frame itself is the leaf, its type is known: then the body's poll is inlined here, without an
    /// indirect call.
    ///
    /// # Safety
    /// If the chain has not ended, it was started in `place` and is suspended, and its driver was
    /// entered in this poll.
    #[doc(hidden)]
    unsafe fn resume(place: *mut Self::Place, chain: Caller) -> Turn;

    /// Moves the result out of the place of a root frame that has returned.
    ///
    /// # Safety
    /// The root frame has returned, and its result was not taken.
    #[doc(hidden)]
    unsafe fn take_result(place: *mut Self::Place) -> Self::Output;
}

// SAFETY: a frame is `Send` if its body is (invariant B).
unsafe impl<B: Body, P> Start for Coroutine<B, P> {
    type Output = B::Output;
    type Place = Frame<B>;

    #[inline(always)]
    unsafe fn start(self, frame: *mut Frame<B>, chain: Caller) -> Poll<()> {
        let mut body = ManuallyDrop::new(self.into_body());
        // SAFETY: the interleaver gives a vacant place, pinned until the chain has ended (invariants I and F), and a
        // driver that is in a poll and has no chain, whose root continuation calls (invariant D). The body is not used
        // again.
        unsafe {
            Frame::call_root(frame, Passing::of(&raw mut *body), chain.driver)
                .map(|given| Frame::leave_given(frame, given))
        }
    }

    #[inline(always)]
    unsafe fn start_inlined(self, frame: *mut Frame<B>, chain: Caller) -> Poll<()> {
        let mut body = ManuallyDrop::new(self.into_body());
        // SAFETY: the interleaver gives a vacant place, pinned until the chain has ended (invariants I and F), and a
        // driver that is in a poll and has no chain, whose root continuation calls (invariant D). The body is not used
        // again.
        unsafe {
            Frame::call_root_inlined(frame, Passing::of(&raw mut *body), chain.driver)
                .map(|given| Frame::leave_given(frame, given))
        }
    }

    #[inline(always)]
    unsafe fn resume(frame: *mut Frame<B>, chain: Caller) -> Turn {
        // SAFETY: the interleaver has entered the place in this poll, if its chain has not ended (invariant I). The
        // frame in it is the chain's root frame: if it is the leaf, it is suspended (invariant C).
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
        // SAFETY: the interleaver has seen the root frame return, and takes the result once (invariant I).
        unsafe { Frame::take_result(frame) }
    }
}

#[cfg(feature = "alloc")]
mod erased {
    use super::{Caller, Driver, Poll, Start, Turn};
    use crate::coroutine::boxed::{Boxed, ErasedCoroutine};

    // SAFETY: the frame is `Send` if `S` is, as `Coroutine::boxed` bounds it, and then so is the coroutine.
    unsafe impl<T, S: ?Sized> Start for ErasedCoroutine<T, S> {
        type Output = T;
        type Place = Boxed<T, S>;

        #[inline(always)]
        unsafe fn start(self, place: *mut Boxed<T, S>, chain: Caller) -> Poll<()> {
            // SAFETY: the interleaver gives a vacant place, pinned until the chain has ended (invariant I), and a
            // driver that is in a poll and has no chain (invariant D).
            unsafe { self.into_frame().start_root(place, chain) }
        }

        #[inline(always)]
        unsafe fn resume(_: *mut Boxed<T, S>, chain: Caller) -> Turn {
            // SAFETY: the interleaver has entered the place in this poll, if its chain has not ended (invariant I).
            unsafe { Driver::take_turn(chain.driver) }
        }

        #[inline(always)]
        unsafe fn take_result(place: *mut Boxed<T, S>) -> T {
            // SAFETY: the interleaver has seen the root frame return, and takes the result once (invariant I).
            unsafe { Boxed::take_result(place) }
        }
    }
}
