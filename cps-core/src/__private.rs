//! What the expansion of `#[coroutine]` names. Not part of the public interface.
//!
//! Each function says why it is harmless whoever calls it; what is not is an `unsafe` method. What the expansion calls besides are
//! methods of the values that a body is given: see `call/mod.rs`.

use core::future::Future;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

pub use crate::call::{ForeignCall, Slot};
pub use crate::chain::caller::{Waits, WaitsAndYields, Yields};
use crate::frame::body::Inlined;
pub use crate::frame::body::{FnBody, Plain, Return, Site, Wide, Widened};
use crate::frame::first_poll::Enter;
use crate::{
    Body, Coroutine,
    generator::{AsyncGenerator, Generator},
};
#[cfg(feature = "tracing")]
pub use tracing;

/// Arguments, which the body drops. Harmless: they are leaked if nobody does anything with them.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hold<A>(args: A) -> MaybeUninit<A> {
    MaybeUninit::new(args)
}

/// A closure that makes the future of a body of kind `K` with arguments `A`. Harmless but for its methods, which are
/// `unsafe`.
#[derive(Debug)]
pub struct MakeBody<K, A, F>(F, PhantomData<Invariant<K, A>>);

/// In both.
type Invariant<K, A> = fn(K, A) -> (K, A);

/// The closure that makes a body's future, whose parameter's type is inferred from the arguments. The body is of kind
/// `K`. Harmless: it only holds what it is given.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn make<K, A, F, Fut>(_: &MaybeUninit<A>, make: F) -> MakeBody<K, A, F>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    MakeBody(make, PhantomData)
}

impl<K, A, F, Fut> MakeBody<K, A, F>
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    /// A body that returns its value [`Wide`].
    ///
    /// # Safety
    /// The second point of [`Body`](crate::Body)'s contract. The arguments are moved out of where they are held.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_wide<T>(
        self,
        args: *const MaybeUninit<A>,
    ) -> impl Body<Output = T, Capability = K>
    where
        Fut: Future<Output = Wide<T>>,
    {
        // SAFETY: passed on.
        unsafe { FnBody::<_, _, Widened, K>::new(args.cast::<A>().read(), self.0) }
    }

    /// A body that returns its value as it is.
    ///
    /// # Safety
    /// As for [`MakeBody::__cps_wide`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_plain(
        self,
        args: *const MaybeUninit<A>,
    ) -> impl Body<Output = Fut::Output, Capability = K> {
        // SAFETY: passed on.
        unsafe { FnBody::<_, _, Plain, K>::new(args.cast::<A>().read(), self.0) }
    }
}

impl<A, F, Fut> MakeBody<Waits, A, F>
where
    F: FnOnce(Enter<A, Waits>) -> Fut,
    Fut: Future,
{
    /// A coroutine of such a body as [`MakeBody::__cps_wide`]'s, placed as `P`.
    ///
    /// # Safety
    /// As for that.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_wide_coroutine<P, T>(
        self,
        args: *const MaybeUninit<A>,
    ) -> Coroutine<FnBody<A, F, Widened, Waits>, P>
    where
        Fut: Future<Output = Wide<T>>,
    {
        // SAFETY: passed on.
        unsafe { Coroutine::<FnBody<A, F, Widened, Waits>, P>::from_parts(args.cast(), self.0) }
    }

    /// A coroutine of such a body as [`MakeBody::__cps_plain`]'s, placed as `P`.
    ///
    /// # Safety
    /// As for that.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_plain_coroutine<P>(
        self,
        args: *const MaybeUninit<A>,
    ) -> Coroutine<FnBody<A, F, Plain, Waits>, P> {
        // SAFETY: passed on.
        unsafe { Coroutine::<FnBody<A, F, Plain, Waits>, P>::from_parts(args.cast(), self.0) }
    }
}

/// The body of a function that is `#[inline(always)]`. Harmless: any body may be compiled where it is called.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn inlined<B: Body>(body: B) -> impl Body<Output = B::Output, Capability = B::Capability> {
    Inlined(body)
}

/// A coroutine, placed as `P`. Harmless: who has a body may run it as its kind says.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn coroutine<P, B: Body<Capability = Waits>>(body: B) -> Coroutine<B, P> {
    Coroutine::from_body(body)
}

/// A synchronous generator of `T`, placed as `P`. Harmless, as [`coroutine`]: the kind says what the body yields.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn generator<P, T, B: Body<Capability = Yields<T>>>(body: B) -> Generator<T, B, P> {
    Generator::from_body(body)
}

/// An asynchronous generator of `T`, placed as `P`. Harmless, as [`generator`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn async_generator<P, T, B: Body<Capability = WaitsAndYields<T>>>(
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
