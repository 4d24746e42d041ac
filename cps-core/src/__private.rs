//! The items that the expansion of `#[cps]` names. Not part of the public interface.
//!
//! Each function says why anybody may call it; whatever only the expansion may call is an `unsafe` method. The
//! expansion also calls methods of the values that a body is given: see `call/mod.rs`.

use core::future::Future;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

pub use crate::call::Slot;
pub use crate::call::foreign::ForeignCall;
pub use crate::chain::caller::{Waits, WaitsAndYields, Yields};
use crate::frame::body::Inlined;
pub use crate::frame::body::{At, FnBody, Plain, Return, Site, Wide, Widened};
use crate::frame::first_poll::Enter;
pub use crate::pack::{Branch, Pack};
use crate::{
    Body, Coroutine,
    generator::{AsyncGenerator, Generator},
};
#[cfg(feature = "tracing")]
pub use tracing;

/// Arguments, which the body drops. Harmless: if they are not used they are leaked.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hold<A>(args: A) -> MaybeUninit<A> {
    MaybeUninit::new(args)
}

/// A closure that makes the future of a body of kind `K` with arguments `A`. Harmless but for its methods, which are
/// `unsafe`.
#[derive(Debug)]
pub struct MakeBody<K, A, F>(F, PhantomData<Invariant<K, A>>);

/// Invariant in both parameters.
type Invariant<K, A> = fn(K, A) -> (K, A);

/// The closure that makes a body's future, whose parameter's type is inferred from the arguments. The body is of kind
/// `K`. Harmless: it only holds the closure.
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
    /// - `args` is valid, holds arguments, and is not used again.
    /// - The future fulfils invariant E: see `StartBody`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_wide<T>(
        self,
        args: *const MaybeUninit<A>,
    ) -> impl Body<Output = T, Capability = K>
    where
        Fut: Future<Output = Wide<T>>,
    {
        // SAFETY: the expansion gives arguments that it holds and does not use again, and a closure whose future awaits
        // `Enter` first, takes its arguments, and owns nothing but locals from then on (invariant E).
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
        // SAFETY: the expansion gives arguments that it holds and does not use again, and a closure whose future awaits
        // `Enter` first, takes its arguments, and owns nothing but locals from then on (invariant E).
        unsafe { FnBody::<_, _, Plain, K>::new(args.cast::<A>().read(), self.0) }
    }
}

impl<A, F, Fut> MakeBody<Waits, A, F>
where
    F: FnOnce(Enter<A, Waits>) -> Fut,
    Fut: Future,
{
    /// A coroutine with a body as [`MakeBody::__cps_wide`] makes it, placed as `P`.
    ///
    /// # Safety
    /// As for [`MakeBody::__cps_wide`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_wide_coroutine<P, T>(
        self,
        args: *const MaybeUninit<A>,
    ) -> Coroutine<FnBody<A, F, Widened, Waits>, P>
    where
        Fut: Future<Output = Wide<T>>,
    {
        // SAFETY: the expansion gives arguments that it holds and does not use again, and a closure whose future awaits
        // `Enter` first, takes its arguments, and owns nothing but locals from then on (invariant E).
        unsafe {
            Coroutine::<FnBody<A, F, Widened, Waits>, P>::from_parts(args as *const A, self.0)
        }
    }

    /// A coroutine with a body as [`MakeBody::__cps_plain`] makes it, placed as `P`.
    ///
    /// # Safety
    /// As for [`MakeBody::__cps_wide`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub unsafe fn __cps_plain_coroutine<P>(
        self,
        args: *const MaybeUninit<A>,
    ) -> Coroutine<FnBody<A, F, Plain, Waits>, P> {
        // SAFETY: the expansion gives arguments that it holds and does not use again, and a closure whose future awaits
        // `Enter` first, takes its arguments, and owns nothing but locals from then on (invariant E).
        unsafe { Coroutine::<FnBody<A, F, Plain, Waits>, P>::from_parts(args as *const A, self.0) }
    }
}

/// The body of a function that is `#[inline(always)]`. Harmless: any body may be compiled where it is called.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn inlined<B: Body>(body: B) -> impl Body<Output = B::Output, Capability = B::Capability> {
    Inlined(body)
}

/// A coroutine, placed as `P`. Harmless: any owner of a body may run it as its kind says.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn coroutine<P, B: Body<Capability = Waits>>(body: B) -> Coroutine<B, P> {
    Coroutine::from_body(body)
}

/// A synchronous generator of `T`, placed as `P`. Harmless, as [`coroutine`]: the kind names the type of the items.
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

/// The return type of a function pointer's type: the one way to name `!`.
pub trait FnOutput {
    /// The return type.
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
