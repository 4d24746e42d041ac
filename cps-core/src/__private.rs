//! What the expansion of `#[coroutine]` names. Not part of the public interface.
//!
//! Whatever could break an invariant if it were called by hand is `unsafe` here.

use core::future::Future;

pub use crate::body::{Chain, FnBody, Plain, Return, Scope, Site, Wide, Widened};
pub use crate::call::{Finish, ForeignCall, Slot};
use crate::{Body, Coroutine};

/// Arguments and a closure that makes a body's future of them: inert, so safe to make.
#[derive(Debug)]
pub struct Parts<A, F>(A, F);

/// Pairs arguments with a closure, whose parameter's type is inferred from them.
#[inline(always)]
pub fn parts<A, F, Fut>(args: A, make: F) -> Parts<A, F>
where
    F: FnOnce(Scope<A>) -> Fut,
    Fut: Future,
{
    Parts(args, make)
}

/// A coroutine, placed as `P`, whose body returns its value [`Wide`].
///
/// # Safety
/// The second point of [`Body`](crate::Body)'s contract.
#[inline(always)]
pub unsafe fn wide<P, A, F, Fut, T>(parts: Parts<A, F>) -> Coroutine<impl Body<Output = T>, P>
where
    F: FnOnce(Scope<A>) -> Fut,
    Fut: Future<Output = Wide<T>>,
{
    // SAFETY: passed on.
    Coroutine::from_body(unsafe { FnBody::<_, _, Widened>::new(parts.0, parts.1) })
}

/// A coroutine, placed as `P`, whose body returns its value as it is.
///
/// # Safety
/// The second point of [`Body`](crate::Body)'s contract.
#[inline(always)]
pub unsafe fn plain<P, A, F, Fut>(
    parts: Parts<A, F>,
) -> Coroutine<impl Body<Output = Fut::Output>, P>
where
    F: FnOnce(Scope<A>) -> Fut,
    Fut: Future,
{
    // SAFETY: passed on.
    Coroutine::from_body(unsafe { FnBody::<_, _, Plain>::new(parts.0, parts.1) })
}

/// An argument that is used once, by value: not `Copy`, so that to use it is to move it.
#[derive(Debug)]
#[repr(transparent)]
pub struct Held<T>(T);

impl<T> Held<T> {
    /// Wraps an argument.
    #[inline(always)]
    pub fn new(argument: T) -> Self {
        Held(argument)
    }

    /// The argument.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// [`Finish::finish`], with the slot's type inferred.
///
/// # Safety
/// As for the method.
#[inline(always)]
pub unsafe fn finish<S: Finish>(chain: Chain, slot: *mut Slot<S>, awaited: S::Awaited) -> S::Value {
    // SAFETY: passed on.
    unsafe { S::finish(chain, slot, awaited) }
}
