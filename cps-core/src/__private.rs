//! What the expansion of `#[coroutine]` names. Not part of the public interface.
//!
//! Each function says why it is harmless whoever calls it, or is `unsafe`. What the expansion calls besides are
//! methods of the values that a body is given: see `call.rs`.

use core::future::Future;
use core::mem::MaybeUninit;

use crate::body::Inlined;
pub use crate::body::{FnBody, Plain, Return, Site, Wide, Widened};
pub use crate::call::{ForeignCall, Slot};
pub use crate::chain::{Waits, WaitsAndYields, Yields};
use crate::enter::Enter;
use crate::{AsyncGenerator, Body, Coroutine, Generator};

/// Arguments, which the body drops. Harmless: they are leaked if nobody does anything with them.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hold<A>(args: A) -> MaybeUninit<A> {
    MaybeUninit::new(args)
}

/// The closure that makes a body's future, whose parameter's type is inferred from the arguments. The body is of kind
/// `K`. Harmless: it gives back what it is given.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn make<K, A, F, Fut>(_: &MaybeUninit<A>, make: F) -> F
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    make
}

/// A body that returns its value [`Wide`].
///
/// # Safety
/// The second point of [`Body`](crate::Body)'s contract. The arguments are moved out of where they are held.
#[cfg_attr(not(debug_assertions), inline(always))]
pub unsafe fn wide<K, A, F, Fut, T>(
    args: *const MaybeUninit<A>,
    make: F,
) -> impl Body<Output = T, Kind = K>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future<Output = Wide<T>>,
{
    // SAFETY: passed on.
    unsafe { FnBody::<_, _, Widened, K>::new(args.cast::<A>().read(), make) }
}

/// A body that returns its value as it is.
///
/// # Safety
/// The second point of [`Body`](crate::Body)'s contract. The arguments are moved out of where they are held.
#[cfg_attr(not(debug_assertions), inline(always))]
pub unsafe fn plain<K, A, F, Fut>(
    args: *const MaybeUninit<A>,
    make: F,
) -> impl Body<Output = Fut::Output, Kind = K>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    // SAFETY: passed on.
    unsafe { FnBody::<_, _, Plain, K>::new(args.cast::<A>().read(), make) }
}

/// A coroutine of a [`wide`] body, placed as `P`.
///
/// # Safety
/// As for that.
#[cfg_attr(not(debug_assertions), inline(always))]
pub unsafe fn wide_coroutine<P, A, F, Fut, T>(
    args: *const MaybeUninit<A>,
    make: F,
) -> Coroutine<impl Body<Output = T, Kind = Waits>, P>
where
    F: FnOnce(Enter<A, Waits>) -> Fut,
    Fut: Future<Output = Wide<T>>,
{
    // SAFETY: passed on.
    unsafe { Coroutine::<FnBody<A, F, Widened, Waits>, P>::from_parts(args.cast(), make) }
}

/// A coroutine of a [`plain`] body, placed as `P`.
///
/// # Safety
/// As for that.
#[cfg_attr(not(debug_assertions), inline(always))]
pub unsafe fn plain_coroutine<P, A, F, Fut>(
    args: *const MaybeUninit<A>,
    make: F,
) -> Coroutine<impl Body<Output = Fut::Output, Kind = Waits>, P>
where
    F: FnOnce(Enter<A, Waits>) -> Fut,
    Fut: Future,
{
    // SAFETY: passed on.
    unsafe { Coroutine::<FnBody<A, F, Plain, Waits>, P>::from_parts(args.cast(), make) }
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
