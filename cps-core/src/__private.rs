//! What the expansion of `#[coroutine]` names. Not part of the public interface.
//!
//! Whatever could break an invariant if it were called by hand is `unsafe` here.

use core::future::Future;
use core::marker::PhantomData;

use crate::body::Inlined;
pub use crate::body::{FnBody, Plain, Return, Site, Wide, Widened};
pub use crate::call::{Finish, ForeignCall, Resumed, Slot};
pub use crate::chain::{Chain, Waits, WaitsAndYields, Yields};
pub use crate::enter::Enter;
use crate::{AsyncGenerator, Body, Coroutine, Generator};

/// Arguments and a closure that makes a body's future of them: inert, so safe to make.
#[derive(Debug)]
pub struct Parts<A, F, K>(A, F, PhantomData<fn() -> K>);

/// Pairs arguments with a closure, whose parameter's type is inferred from them. The body is of kind
/// `K`.
#[inline(always)]
pub fn parts<K, A, F, Fut>(args: A, make: F) -> Parts<A, F, K>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    Parts(args, make, PhantomData)
}

/// A body that returns its value [`Wide`].
///
/// # Safety
/// The second point of [`Body`](crate::Body)'s contract.
#[inline(always)]
pub unsafe fn wide<A, F, Fut, T, K>(parts: Parts<A, F, K>) -> impl Body<Output = T, Kind = K>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future<Output = Wide<T>>,
{
    // SAFETY: passed on.
    unsafe { FnBody::<_, _, Widened, K>::new(parts.0, parts.1) }
}

/// A body that returns its value as it is.
///
/// # Safety
/// The second point of [`Body`](crate::Body)'s contract.
#[inline(always)]
pub unsafe fn plain<A, F, Fut, K>(
    parts: Parts<A, F, K>,
) -> impl Body<Output = Fut::Output, Kind = K>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    // SAFETY: passed on.
    unsafe { FnBody::<_, _, Plain, K>::new(parts.0, parts.1) }
}

/// The body of a function that is `#[inline(always)]`.
#[inline(always)]
pub fn inlined<B: Body>(body: B) -> impl Body<Output = B::Output, Kind = B::Kind> {
    Inlined(body)
}

/// A coroutine, placed as `P`.
#[inline(always)]
pub fn coroutine<P, B: Body<Kind = Waits>>(body: B) -> Coroutine<B, P> {
    Coroutine::from_body(body)
}

/// A synchronous generator of `T`, placed as `P`.
#[inline(always)]
pub fn generator<P, T, B: Body<Kind = Yields<T>>>(body: B) -> Generator<T, B, P> {
    Generator::from_body(body)
}

/// An asynchronous generator of `T`, placed as `P`.
#[inline(always)]
pub fn async_generator<P, T, B: Body<Kind = WaitsAndYields<T>>>(
    body: B,
) -> AsyncGenerator<T, B, P> {
    AsyncGenerator::from_body(body)
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

/// [`Finish::finish`], with the slot's type inferred, and the chain.
///
/// # Safety
/// As for the method, in a body of kind `K`.
#[inline(always)]
pub unsafe fn finish<S: Finish, K>(
    slot: *mut Slot<S>,
    awaited: S::Awaited,
) -> (S::Value, Chain<K>) {
    let chain = awaited.chain();
    // SAFETY: passed on.
    (unsafe { S::finish(slot, awaited) }, Chain::new(chain.driver, chain.frame))
}
