//! The expansion of `.await` inside a coroutine.
//!
//! ```text
//! match (CALLEE).__cps_call() { callee => {                       // safe: a coroutine, or a foreign future
//!     let mut slot = Slot::EMPTY;                                  // constructed in place
//!     'call: {
//!         let waiting = match handle.__cps_begin::<SITE, _>(callee, &raw mut slot) {
//!             Ok((ready, next)) => {                               // ran through: a plain call
//!                 handle = next;
//!                 break 'call ready.__cps_ready(&raw mut slot)
//!             }
//!             Err(Ok(waiting)) => waiting,
//!             Err(Err(never)) => …                                 // see `layout.rs`
//!         };
//!         let (resumed, next) = waiting.await;                     // the only suspension point
//!         handle = next;                                           // so no frame keeps it
//!         resumed.__cps_finish(&raw mut slot)
//!     }
//! }}
//! ```
//!
//! `__cps_call` is an inherent method of [`Coroutine`](crate::Coroutine), and the method of a blanket trait for any
//! other `IntoFuture`; inherent methods win. It is safe: it only wraps the awaited value in a type of this crate, a
//! [`Callee`]. So a user's type may have a method of that name.
//!
//! All `unsafe` code in the expansion calls methods: of [`Handle`], of the values that these methods return, of the
//! value that the body was entered with, and of the one that makes it. It names no function by a path, since with
//! `crate = path` a path may lead to a user's module. The methods have names that no other type of this crate has; a
//! user's type that has them is safe code, and has no handle.
//!
//! For a coroutine `Handle::__cps_begin` runs the callee on the host stack. Only if the callee suspends there is
//! something to await: [`Suspended`], which is pending once. For a foreign future `__cps_begin` returns the future,
//! which is awaited in the ordinary way, but with another context: see `frame/context.rs`. The expansion is the same
//! for both, because the macro cannot tell them apart. It moves every value as a whole, and borrows none before the
//! await: a borrowed local would be kept in the frame across the await, and a foreign future would be stored twice.
//!
//! Nobody drops the slot. While the callee is suspended, only the driver may end frames, and it ends the callee
//! before the caller. At all other times the slot is empty.

pub(crate) mod foreign;
pub(crate) mod generic;
pub(crate) mod layout;

use core::future::Future;
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::call::layout::Never;
use crate::chain::caller::{Caller, Handle};
#[cfg(doc)]
use crate::chain::driver::Driver;
use crate::chain::step::Step;
use crate::frame::body::{Body, ResumeBody, Site};
use crate::frame::context;
use crate::frame::passing::{Given, Passing};
use crate::frame::{Frame, Headed};

/// A value that a body of kind `K` can call.
///
/// Implemented by this crate only, whose private modules it is in: the expansion calls its method.
pub trait Callee<K>: Sized {
    /// The call's memory in the caller's frame.
    type Content: Content<Awaited = <Self::Waiting as Future>::Output>;
    /// The future that the body awaits if there is no value yet.
    type Waiting: Future;

    /// Calls it. Returns the value, if it is there at once, or the future to be awaited. (The callee is
    /// passed by pointer, so that its arguments are not copied by each function that they pass through, where nothing
    /// is inlined.)
    ///
    /// # Safety
    /// For the expansion above.
    /// - `chain` runs the body that calls this (invariant D).
    /// - The slot is that body's own: it is empty, is not moved, and stays valid until the call has ended (invariant
    ///   F).
    /// - If there is no value, the body at once awaits the future that this returns (invariant P).
    /// - `this` is valid, and is not used again, also if this panics.
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Self::Content>,
    ) -> Result<<Self::Content as Content>::Ready, Self::Waiting>;
}

/// The memory of a call in its caller's frame.
pub trait Memory {
    /// The content while the callee is suspended.
    type Running;
    /// The content once the callee has returned.
    type Returned;
    /// If this is `Send`, so is the memory.
    type Owner;
    /// The type that rustc lays out before the caller's frame: see `call/layout.rs`.
    type Inner;
}

/// How a call ends.
///
/// Implemented by this crate only, as [`Callee`].
pub trait Content: Memory {
    /// The output of the await.
    type Awaited: OfChain;
    /// The value of the call.
    type Value;
    /// What a call gives that has returned at once: the value, or the knowledge that it lies in the slot.
    type Ready;

    /// The value of a call that has returned at once.
    ///
    /// # Safety
    /// For the expansion above.
    /// - The call has given `ready`.
    /// - The slot is the one that the call was given, and was not used since.
    unsafe fn ready(slot: *mut SlotOf<Self>, ready: Self::Ready) -> Self::Value
    where
        Self: Sized;

    /// The value of a call that had suspended.
    ///
    /// # Safety
    /// For the expansion above.
    /// - The call's await has ended, with `awaited`.
    /// - The slot is the one that the call was given.
    unsafe fn finish(slot: *mut SlotOf<Self>, awaited: Self::Awaited) -> Self::Value
    where
        Self: Sized;
}

/// Memory in the caller's frame for a call of content `S`. Only ever reached through a raw pointer.
///
/// (The types of its content are parameters, and not associated types of `S`: rustc descends through the fields
/// of a type to lay it out, not deeper than its `recursion_limit`, and a projection is a step of its own. See
/// `Frame`.)
pub union Slot<S, Running, Returned> {
    empty: (),
    _running: ManuallyDrop<Running>,
    _returned: ManuallyDrop<Returned>,
    _content: PhantomData<S>,
}

impl<S, R, V> Slot<S, R, V> {
    /// Nothing: this copies nothing, however large the callee's frame is. (A constant, since of a literal rustc makes a
    /// temporary, and copies all its bytes, where its type is opaque.)
    pub const EMPTY: Self = Slot { empty: () };
}

/// The memory for a call of content `S`.
pub(crate) type SlotOf<S> = Slot<S, <S as Memory>::Running, <S as Memory>::Returned>;

// SAFETY: its content is a callee's frame, which is `Send` if its owner, the body, is (invariant B), or a
// pointer to memory that holds one.
unsafe impl<S: Memory, R, V> Send for Slot<S, R, V> where S::Owner: Send {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<S, R, V> Sync for Slot<S, R, V> {}

/// The result of a call of `C` by a body of kind `K`.
type Called<'b, K, C> = Result<
    (Ready<<<C as Callee<K>>::Content as Content>::Ready>, Handle<'b, K>),
    Result<
        Await<'b, K, <C as Callee<K>>::Waiting>,
        Never<<<C as Callee<K>>::Content as Memory>::Inner>,
    >,
>;

impl<'b, K> Handle<'b, K> {
    /// Calls `callee`. Returns what gives its value, and the handle, if the value is there at once, or the future that
    /// gives both.
    ///
    /// # Safety
    /// For the expansion above, which upholds:
    /// - the slot is a local of the body that this is the handle of, is empty, and is not moved;
    /// - if there is no value, the body at once awaits the future that this returns;
    /// - then it calls [`Resumed::__cps_finish`], or [`Ready::__cps_ready`], with the same slot.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_begin<S: Site, C: Callee<K>>(
        self,
        callee: C,
        slot: *mut SlotOf<C::Content>,
    ) -> Called<'b, K, C> {
        let mut callee = ManuallyDrop::new(callee);
        let chain = self.into_chain();
        // SAFETY: the slot is a local of the body that has this handle, which the expansion declares for this call
        // alone: it is empty and its own (invariant F). The chain runs that body (invariants H and D). The callee
        // is not used again.
        match unsafe { C::call::<S>(&raw mut callee as *mut C, chain, slot) } {
            // SAFETY: the handle for the same chain was given up above: there is one again (invariant H).
            Ok(ready) => Ok((Ready(ready), unsafe { Handle::new(chain) })),
            Err(waiting) => Err(Ok(Await { waiting, _brand: PhantomData })),
        }
    }
}

/// A call that has returned at once.
///
/// (Its value is given by a call of its own, whose result is that of the whole expansion: in an unoptimised build each
/// other variable that a value passes through is a copy of it in the body's host frame.)
#[derive(Debug)]
#[must_use = "it gives the value"]
pub struct Ready<R>(R);

impl<R> Ready<R> {
    /// The call's value.
    ///
    /// # Safety
    /// For the expansion above, which gives the slot of this call.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_ready<C: Content<Ready = R>>(self, slot: *mut SlotOf<C>) -> C::Value {
        // SAFETY: the expansion gives the slot with which it began this call, just now.
        unsafe { C::ready(slot, self.0) }
    }
}

/// Awaits a call that has no value yet.
#[derive(Debug)]
#[must_use = "a call that has suspended is awaited"]
pub struct Await<'b, K, W> {
    waiting: W,
    _brand: PhantomData<fn(Handle<'b, K>) -> Handle<'b, K>>,
}

impl<'b, K, W> Future for Await<'b, K, W>
where
    W: Future<Output: OfChain>,
{
    type Output = (Resumed<W::Output>, Handle<'b, K>);

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `waiting` is pinned as this is: it is never moved out of it.
        let waiting = unsafe { self.map_unchecked_mut(|this| &mut this.waiting) };
        match waiting.poll(cx) {
            Poll::Ready(awaited) => {
                // SAFETY: the body gave its handle up for the call, which has ended; the chain runs the body again
                // (invariant H).
                let next = unsafe { Handle::new(awaited.chain()) };
                Poll::Ready((Resumed { awaited }, next))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The output of a call's await.
#[derive(Debug)]
pub struct Resumed<A> {
    awaited: A,
}

impl<A> Resumed<A> {
    /// The call's value.
    ///
    /// # Safety
    /// For the expansion above, which gives the slot of the call that was awaited.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_finish<C: Content<Awaited = A>>(self, slot: *mut SlotOf<C>) -> C::Value {
        // SAFETY: the expansion gives the slot with which it began this call, whose await has just ended: the
        // callee has returned (invariant L).
        unsafe { C::finish(slot, self.awaited) }
    }
}

/// The value of a call's await, which knows the chain.
pub trait OfChain {
    /// The chain that runs the body.
    fn chain(&self) -> Caller;
}

/// The slot's content for a callee whose frame is part of the caller's.
#[derive(Debug)]
pub struct Embedded<B>(PhantomData<B>);

/// The slot's content for a [`Prefetch`](crate::prefetch::Prefetch), which suspends without calling
/// anything: none.
#[derive(Debug)]
pub struct NoFrame;

/// Awaits the callee's return: pending once, and when polled again the callee has returned.
///
/// A body is polled only when its frame is the leaf, and a frame that awaits another is the leaf again when that has
/// returned (invariant L). A frame that yielded stays the leaf until it is polled again. So the only question is
/// whether the body was resumed since: if it was, the step is `NONE` (invariant S). This needs no memory.
///
/// **Invariant P**: between a callee's `Pending` and the moment at which its caller is linked (`Frame::call_as`)
/// nothing panics, no foreign code runs, and nobody uses the chain. Otherwise a frame would be in the chain whose
/// memory the unwinding body is about to free. The body awaits this at once, and this must be pending with any context.
#[derive(Debug)]
pub struct Suspended(());

impl Suspended {
    /// For a call that has suspended.
    ///
    /// # Safety
    /// - The driver is in a poll, and its step is not [`Step::NONE`]: a callee has suspended, or was deferred.
    /// - The body that `chain` runs awaits this at once (invariant P).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn now(chain: Caller) -> Self {
        // SAFETY: the callee has suspended, or was deferred, just now, and so has set a step. (The body awaits this
        // at once, and is compiled without what it would do if it were ready.)
        unsafe { assert_unchecked((*chain.driver).now.step.get() != Step::NONE) };
        Suspended(())
    }
}

/// The value of an awaited [`Suspended`].
#[derive(Debug)]
pub struct Returned(Caller);

impl Future for Suspended {
    type Output = Returned;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Returned> {
        // Another context than the body's own is found in the first poll only, which is pending.
        let Some(chain) = context::chain(cx) else { return Poll::Pending };
        // SAFETY: the context is the body's own (invariant X), so its driver is in a poll (invariant D).
        if unsafe { (*chain.driver).now.step.get() } != Step::NONE {
            Poll::Pending
        } else {
            Poll::Ready(Returned(chain))
        }
    }
}

impl OfChain for Returned {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn chain(&self) -> Caller {
        self.0
    }
}

impl<B: Body> Embedded<B> {
    /// Calls `body` with its frame in the slot.
    ///
    /// # Safety
    /// As for [`Callee::call`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call<S: Site>(
        slot: *mut SlotOf<Self>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<Given<B::Output>, Suspended> {
        let frame = slot as *mut Frame<B>;
        // SAFETY: the slot is memory for a frame, the caller's own until the call has ended (invariant F), and the
        // body that calls this runs (invariant D). If it is pending the body awaits it at once (invariant P).
        unsafe {
            let poll = if B::INLINED {
                Frame::call_inlined::<S>(frame, body, chain)
            } else {
                Frame::call::<S>(frame, body, chain)
            };
            match poll {
                Poll::Ready(value) => Ok(value),
                Poll::Pending => Err(Suspended::now(chain)),
            }
        }
    }
}

impl<B: ResumeBody> Memory for Embedded<B> {
    type Running = Headed<B::Future>;
    // Where nothing is optimised, a result is in the frame (see `frame/passing.rs`). Else it is on the host stack if it
    // does not fit in the place of the future (see `frame/in_place.rs`).
    #[cfg(debug_assertions)]
    type Returned = Headed<B::Value>;
    #[cfg(not(debug_assertions))]
    type Returned = ();
    type Owner = B;
    type Inner = B::Future;
}

impl<B: ResumeBody> Content for Embedded<B> {
    type Awaited = Returned;
    type Value = B::Value;
    type Ready = Given<B::Value>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(slot: *mut SlotOf<Self>, ready: Given<B::Value>) -> B::Value {
        // SAFETY: the expansion has just been given it, by the call whose frame is in the slot.
        unsafe { Frame::take_given(slot as *mut Frame<B>, ready) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> B::Value {
        // SAFETY: `Suspended` was polled again, so the callee, whose frame is in the slot, has returned (invariant L),
        // just now.
        unsafe { Frame::take_result_in_place(slot as *mut Frame<B>) }
    }
}

impl Memory for NoFrame {
    type Running = ();
    type Returned = ();
    type Owner = ();
    type Inner = ();
}

impl Content for NoFrame {
    type Awaited = Returned;
    type Value = ();
    type Ready = ();

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(_: *mut SlotOf<Self>, (): ()) {}

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, _: Returned) {}
}
