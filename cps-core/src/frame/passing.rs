//! A body on its way from the call to its start.
//!
//! The body passes through several functions. If the compiler optimises, all of them are inlined, the body is passed by
//! value, and its arguments are in registers. If not, each function would copy the body, and the copies of a large
//! argument, for each call that is under way, would overflow a thread's stack: so then the body stays where it is until
//! it starts.

use crate::frame::body::Body;

/// Owns a body, and drops it if it is not started.
pub struct Passing<B: Body> {
    #[cfg(not(debug_assertions))]
    body: B,
    #[cfg(debug_assertions)]
    body: *mut B,
}

/// The arguments of a body that starts, or their place: see [`Passing::into_parts`].
#[cfg(not(debug_assertions))]
pub(crate) type Passed<A> = core::mem::ManuallyDrop<A>;
#[cfg(debug_assertions)]
pub(crate) type Passed<A> = *mut A;

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

    /// The arguments, and what makes the future.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (Passed<B::Args>, B::Make) {
        let (args, make) = self.body.into_parts();
        (core::mem::ManuallyDrop::new(args), make)
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

    /// The arguments, and what makes the future.
    pub(crate) fn into_parts(self) -> (Passed<B::Args>, B::Make) {
        let body = self.body;
        core::mem::forget(self);
        // SAFETY: `of` was given the body for this value, which is forgotten: the closure is moved out once, here,
        // and the arguments by the body (invariant E).
        unsafe { (B::args(body), B::take_make(body)) }
    }
}

#[cfg(debug_assertions)]
impl<B: Body> Drop for Passing<B> {
    fn drop(&mut self) {
        // SAFETY: `of` was given the body for this value. It is there: whoever moves it out forgets this value.
        unsafe { self.body.drop_in_place() }
    }
}
