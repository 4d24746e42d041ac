//! What the expansion of `#[coroutine]` names. Not part of the public interface.
//!
//! Each function says why it is harmless whoever calls it, or is `unsafe`. What the expansion calls besides are
//! methods of the values that a body is given: see `call.rs`.

use core::future::Future;
use core::marker::PhantomData;

use crate::body::Inlined;
pub use crate::body::{FnBody, Plain, Return, Site, Wide, Widened};
pub use crate::call::{ForeignCall, Slot};
pub use crate::chain::{Waits, WaitsAndYields, Yields};
use crate::enter::Enter;
use crate::{AsyncGenerator, Body, Coroutine, Generator};

/// Arguments and a closure that makes a body's future of them. Harmless: nothing but the functions below, which are
/// `unsafe`, does anything with it.
#[derive(Debug)]
pub struct Parts<A, F, K>(A, F, PhantomData<fn() -> K>);

/// Pairs arguments with a closure, whose parameter's type is inferred from them. The body is of kind
/// `K`. Harmless, as [`Parts`] is.
#[cfg_attr(not(debug_assertions), inline(always))]
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
#[cfg_attr(not(debug_assertions), inline(always))]
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
#[cfg_attr(not(debug_assertions), inline(always))]
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

/// The body of a function that is `#[inline(always)]`. Harmless: any body may be compiled where it is called.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn inlined<B: Body>(body: B) -> impl Body<Output = B::Output, Kind = B::Kind> {
    Inlined(body)
}

/// A coroutine, placed as `P`. Harmless: who has a body may run it as its kind says.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn coroutine<P, B: Body<Kind = Waits>>(body: B) -> Coroutine<B, P> {
    Coroutine::from_body(body)
}

/// A synchronous generator of `T`, placed as `P`. Harmless, as [`coroutine`]: the kind says what the body yields.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn generator<P, T, B: Body<Kind = Yields<T>>>(body: B) -> Generator<T, B, P> {
    Generator::from_body(body)
}

/// An asynchronous generator of `T`, placed as `P`. Harmless, as [`generator`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn async_generator<P, T, B: Body<Kind = WaitsAndYields<T>>>(
    body: B,
) -> AsyncGenerator<T, B, P> {
    AsyncGenerator::from_body(body)
}

/// What a function pointer's type returns: the one way to name `!`.
pub trait FnOutput {
    /// That.
    type Output;
}

impl<R> FnOutput for fn() -> R {
    type Output = R;
}

/// An argument that is used once, by value: not `Copy`, so that to use it is to move it. Harmless, as a tuple is.
#[derive(Debug)]
#[repr(transparent)]
pub struct Held<T>(T);

impl<T> Held<T> {
    /// Wraps an argument.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn new(argument: T) -> Self {
        Held(argument)
    }

    /// The argument.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __cps_into_inner(self) -> T {
        self.0
    }
}
