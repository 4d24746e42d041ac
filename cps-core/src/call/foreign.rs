//! Awaits of futures that are no coroutines.
//!
//! The expansion is that of a call, because the macro cannot tell them apart: see the [module above](crate::call). Such
//! a future has no frame. It is awaited in the ordinary way, with the context of the poll that is under way instead of
//! the body's own.

use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::call::{Callee, Content, Memory, OfChain, SlotOf, generic};
use crate::chain::caller::{Caller, MayWait};
use crate::frame::body::Site;
use crate::frame::context;

/// The slot's content for a foreign future: none.
#[derive(Debug)]
pub struct Foreign<F>(PhantomData<fn() -> F>);

/// A future that is no coroutine, to be awaited in a body.
#[derive(Debug)]
pub struct ForeignFuture<F> {
    future: F,
}

impl<F: Future, K: MayWait> Callee<K> for ForeignFuture<F> {
    type Content = Foreign<F>;
    type Waiting = Awaiting<F>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        _: *mut SlotOf<Foreign<F>>,
    ) -> Result<F::Output, Awaiting<F>> {
        // SAFETY: the running body calls this (invariant D). The future is moved out once, and handed to
        // `Awaiting`, which polls it by value (invariant G).
        unsafe {
            let future = &raw mut (*this).future;
            if !generic::call_later(future, S::AT) {
                (*chain.driver).set_waits_at(S::AT);
            }
            Err(Awaiting { future: future.read() })
        }
    }
}

/// Awaits a future that is no coroutine, with the context of the poll that is under way.
#[derive(Debug)]
pub struct Awaiting<F> {
    future: F,
}

impl<F> Awaiting<F> {
    #[cfg(feature = "alloc")]
    pub(crate) fn new(future: F) -> Self {
        Awaiting { future }
    }
}

impl<F: Future> Future for Awaiting<F> {
    type Output = Awaited<F::Output>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Awaited<F::Output>> {
        let Some(chain) = context::chain(cx) else {
            context::ask_again(cx);
            return Poll::Pending;
        };
        // SAFETY: the future is pinned as this is: it is never moved out of it.
        let mut future = unsafe { self.map_unchecked_mut(|this| &mut this.future) };
        // SAFETY: the future is valid, and the pointer does not move it.
        if unsafe { generic::is_to_be_called(ptr::from_mut(future.as_mut().get_unchecked_mut())) } {
            // This is a call, and the body awaits it at once (invariant P).
            return future.poll(cx).map(|value| Awaited { chain, value });
        }
        // SAFETY: the context is the body's own (invariant X), so its driver is in a poll (invariant D). Nobody
        // else uses that poll's context while this future is polled.
        let cx = unsafe { (*chain.driver).context() };
        future.poll(cx).map(|value| Awaited { chain, value })
    }
}

/// The value of a future that is no coroutine, with the chain.
#[derive(Debug)]
pub struct Awaited<T> {
    chain: Caller,
    value: T,
}

impl<T> Awaited<T> {
    #[cfg(feature = "alloc")]
    pub(crate) fn into_value(self) -> T {
        self.value
    }
}

impl<T> OfChain for Awaited<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn chain(&self) -> Caller {
        self.chain
    }
}

impl<F> Memory for Foreign<F> {
    type Running = ();
    type Returned = ();
    type Owner = ();
    type Inner = F;
}

impl<F: Future> Content for Foreign<F> {
    type Awaited = Awaited<F::Output>;
    type Value = F::Output;
    type Ready = F::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: F::Output) -> F::Output {
        ready
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, awaited: Awaited<F::Output>) -> F::Output {
        // SAFETY: the body whose await this ends runs (invariant D).
        unsafe { (*awaited.chain.driver).set_waits_at(None) };
        awaited.value
    }
}

/// Gives foreign futures the method that coroutines have as an inherent one.
///
/// It is implemented for every type, and only the method has the bound: so the method is always found, by value, and
/// rustc's message for a type that is no future is the one of `await`.
pub trait ForeignCall: Sized {
    /// Turns it into a future, to be awaited.
    #[doc(hidden)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn __cps_call(self) -> ForeignFuture<<Self as IntoFuture>::IntoFuture>
    where
        Self: IntoFuture,
    {
        ForeignFuture { future: self.into_future() }
    }
}

impl<T> ForeignCall for T {}
