//! A body on its way from whoever calls it to where it starts.
//!
//! It passes through a handful of functions, all of which are inlined if the compiler optimises: then it is passed by value,
//! and its arguments are in registers. If not, each function that is given a value copies it, and a copy of a large
//! argument for each of them, for each call that is under way, is more than a thread's stack holds: then it stays where
//! it is until it starts.

use crate::frame::body::Body;

/// Owns a body, which it drops if that is not started.
pub struct Passing<B: Body> {
    #[cfg(not(debug_assertions))]
    body: B,
    #[cfg(debug_assertions)]
    body: *mut B,
}

/// Where the arguments are of a body that starts: see [`Passing::into_parts`].
#[cfg(not(debug_assertions))]
pub(crate) type Passed<A> = core::mem::ManuallyDrop<A>;
#[cfg(debug_assertions)]
pub(crate) type Passed<A> = *mut A;

#[cfg(not(debug_assertions))]
impl<B: Body> Passing<B> {
    /// # Safety
    /// The body is valid, and is not used again.
    #[inline(always)]
    pub(crate) unsafe fn of(body: *mut B) -> Self {
        // SAFETY: by contract.
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
    /// The body is valid as long as this value, and is not used again.
    pub(crate) unsafe fn of(body: *mut B) -> Self {
        Passing { body }
    }

    /// The body.
    pub(crate) fn into_body(self) -> B {
        // SAFETY: it is moved out once, since `self` is forgotten (contract of `of`).
        let body = unsafe { self.body.read() };
        core::mem::forget(self);
        body
    }

    /// The arguments, and what makes the future.
    pub(crate) fn into_parts(self) -> (Passed<B::Args>, B::Make) {
        let body = self.body;
        core::mem::forget(self);
        // SAFETY: as above; the arguments are moved out by the body (contract of `Body`).
        unsafe { (B::args(body), B::take_make(body)) }
    }
}

#[cfg(debug_assertions)]
impl<B: Body> Drop for Passing<B> {
    fn drop(&mut self) {
        // SAFETY: the body was not moved out, or this were forgotten.
        unsafe { self.body.drop_in_place() }
    }
}
