//! A body on its way from the call to its start.
//!
//! The body passes through several functions. If the compiler optimises, all of them are inlined, the body is passed by
//! value, and its arguments are in registers. If not, each function would copy the body, and the copies of a large
//! argument, for each call that is under way, would overflow a thread's stack: so then the body stays where it is until
//! it starts. Likewise its result, which passes through the same functions on the way back.

#[cfg(debug_assertions)]
use core::{future::Future, marker::PhantomData, ptr, task::Poll};

use crate::frame::body::{Body, StartBody};

/// Owns a body, and drops it if it is not started.
pub struct Passing<B: Body> {
    #[cfg(not(debug_assertions))]
    body: B,
    #[cfg(debug_assertions)]
    body: *mut B,
}

/// The arguments of a body that starts, or their place: see [`Parts`].
#[cfg(not(debug_assertions))]
pub(crate) type Passed<A> = core::mem::ManuallyDrop<A>;
#[cfg(debug_assertions)]
pub(crate) type Passed<A> = *mut A;

/// A body that starts: its arguments, or their place, and what makes its future.
pub(crate) struct Parts<B: StartBody> {
    /// (Not taken apart before the function that starts it: rustc would inline that function.)
    #[cfg(not(debug_assertions))]
    body: B,
    #[cfg(debug_assertions)]
    args: Passed<B::Args>,
    #[cfg(debug_assertions)]
    make: B::Make,
}

impl<B: StartBody> Parts<B> {
    /// The arguments, and what makes the future.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn into_both(self) -> (Passed<B::Args>, B::Make) {
        #[cfg(not(debug_assertions))]
        {
            let (args, make) = self.body.into_parts();
            (core::mem::ManuallyDrop::new(args), make)
        }
        #[cfg(debug_assertions)]
        (self.args, self.make)
    }
}

/// The result of a body that has returned in its start: the value or, where nothing is inlined, none, since it lies in
/// the frame already.
#[must_use = "the result is taken once"]
#[derive(Debug)]
#[repr(transparent)]
pub struct Given<T> {
    #[cfg(not(debug_assertions))]
    value: T,
    #[cfg(debug_assertions)]
    in_frame: PhantomData<T>,
}

#[cfg(not(debug_assertions))]
impl<T> Given<T> {
    /// The result `value` of a body, for whose frame's result `place` is.
    ///
    /// # Safety
    /// The place is valid for writes, and holds nothing.
    #[inline(always)]
    pub(crate) unsafe fn of(value: T, _place: *mut T) -> Self {
        Given { value }
    }

    /// The result.
    ///
    /// # Safety
    /// The place is the one of [`Given::of`], and was not used since.
    #[inline(always)]
    pub(crate) unsafe fn take(self, _place: *const T) -> T {
        self.value
    }

    /// Leaves the result in the frame.
    ///
    /// # Safety
    /// As for [`Given::take`].
    #[inline(always)]
    pub(crate) unsafe fn leave(self, place: *mut T) {
        // SAFETY: the place is the one of a frame's result, and holds nothing.
        unsafe { place.write(self.value) }
    }
}

#[cfg(debug_assertions)]
impl<T> Given<T> {
    /// The result `value` of a body, for whose frame's result `place` is.
    ///
    /// # Safety
    /// The place is valid for writes, and holds nothing.
    #[cfg(feature = "alloc")]
    pub(crate) unsafe fn of(value: T, place: *mut T) -> Self {
        // SAFETY: the place is the one of a frame's result, and holds nothing.
        unsafe { place.write(value) };
        Given { in_frame: PhantomData }
    }

    /// Moves the result of a body out of what its poll has returned, and tells whether there was one.
    ///
    /// (As a function of the C ABI it cannot unwind: so the poll needs no code that then drops the result.)
    ///
    /// # Safety
    /// As for [`Given::of`]; the place is apart from `poll`.
    pub(crate) unsafe extern "C" fn move_from_poll<B: Body<Output = T>>(
        poll: &mut Poll<<B::Future as Future>::Output>,
        place: *mut T,
    ) -> bool {
        let Poll::Ready(result) = poll else { return false };
        // SAFETY: the place is the one of a frame's result. The value is moved out once: nothing is left of it.
        unsafe {
            ptr::copy_nonoverlapping(B::place(result), place, 1);
            ptr::write(poll, Poll::Pending);
        }
        true
    }

    /// A result that lies in the frame.
    ///
    /// # Safety
    /// It was moved there, and is not taken otherwise.
    pub(crate) unsafe fn in_frame() -> Self {
        Given { in_frame: PhantomData }
    }

    /// The result.
    ///
    /// # Safety
    /// The place is the one of [`Given::of`], and was not used since.
    pub(crate) unsafe fn take(self, place: *const T) -> T {
        // SAFETY: `of` or `move_from_poll` has put the result there, and it is taken once, since this is.
        unsafe { place.read() }
    }

    /// Leaves the result in the frame.
    ///
    /// # Safety
    /// As for [`Given::take`].
    pub(crate) unsafe fn leave(self, _place: *mut T) {}
}

#[cfg(not(debug_assertions))]
impl<B: Body> Passing<B> {
    /// # Safety
    /// The body is valid, and the caller does not use it again.
    #[inline(always)]
    pub(crate) unsafe fn of(body: *mut B) -> Self {
        // SAFETY: the caller owns the body, and gives it up.
        Passing { body: unsafe { body.read() } }
    }

    /// The body.
    #[inline(always)]
    pub(crate) fn into_body(self) -> B {
        self.body
    }

    /// The body, to be started.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> Parts<B> {
        Parts { body: self.body }
    }
}

#[cfg(debug_assertions)]
impl<B: Body> Passing<B> {
    /// # Safety
    /// - The body is valid as long as this value.
    /// - The caller does not use it again.
    pub(crate) unsafe fn of(body: *mut B) -> Self {
        Passing { body }
    }

    /// The body.
    pub(crate) fn into_body(self) -> B {
        // SAFETY: `of` was given the body for this value, which is forgotten: so it is moved out once.
        let body = unsafe { self.body.read() };
        core::mem::forget(self);
        body
    }

    /// The body, to be started.
    pub(crate) fn into_parts(self) -> Parts<B> {
        let body = self.body;
        core::mem::forget(self);
        // SAFETY: `of` was given the body for this value, which is forgotten: the closure is moved out once, here,
        // and the arguments by the body (invariant E).
        unsafe { Parts { args: B::args(body), make: B::take_make(body) } }
    }
}

#[cfg(debug_assertions)]
impl<B: Body> Drop for Passing<B> {
    fn drop(&mut self) {
        // SAFETY: `of` was given the body for this value. It is there: whoever moves it out forgets this value.
        unsafe { self.body.drop_in_place() }
    }
}
