//! What `.await` becomes inside a coroutine.
//!
//! ```text
//! match (CALLEE).__cps_call() { callee => {                       // safe: a coroutine, or a foreign future
//!     let mut slot = Slot { empty: () };                           // constructed in place
//!     'call: {
//!         let waiting = match handle.__cps_begin::<SITE, _>(callee, &raw mut slot) {
//!             Ok((value, next)) => {                               // ran through: a plain call
//!                 handle = next;
//!                 break 'call value
//!             }
//!             Err(Ok(waiting)) => waiting,
//!             Err(Err(never)) => …                                 // see `layout.rs`
//!         };
//!         let resumed = waiting.await;                             // the only suspension point
//!         let (value, next) = resumed.__cps_finish(&raw mut slot);
//!         handle = next;                                           // so no frame keeps it
//!         value
//!     }
//! }}
//! ```
//!
//! `__cps_call` is an inherent method of [`Coroutine`](crate::Coroutine), and the method of a blanket
//! trait for any other `IntoFuture`; inherent methods win. It is safe, and does nothing but say what is awaited, in
//! a type of this crate that is a [`Callee`]; so it does no harm if a user's type has a method of that name. All
//! that is `unsafe` in the expansion are methods of [`Handle`], of what these give, of what the body was
//! entered with, and of what makes it. No function is named by a path there, which could be anybody's where a user's
//! module stands for this crate (`crate = path`): the methods have names that no other type has, and so they are
//! this crate's, or the user's, which are safe code and have no handle.
//!
//! For a coroutine `Handle::__cps_begin` runs the callee on the host stack, and only when that suspends is there anything
//! to await, [`Suspended`], which yields once. For a foreign future it returns the future, which is awaited in the
//! ordinary way, but for the context: see `frame/context.rs`. The shape is the same for all because the macro cannot
//! know which it is, and every value is moved as a whole, never borrowed before the await: a borrowed local would be
//! kept in the frame across the await, and a foreign future would be stored twice.
//!
//! The slot is dropped by nobody. While the callee is suspended, only the driver may end frames,
//! and it ends the callee before the caller; at all other times the slot is empty.

pub(crate) mod generic;
pub(crate) mod layout;

use core::future::{Future, IntoFuture};
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::call::layout::Never;
use crate::chain::caller::{Caller, Handle, MayWait};
#[cfg(doc)]
use crate::chain::driver::Driver;
use crate::chain::step::Step;
use crate::frame::body::{Body, Site};
use crate::frame::context;
use crate::frame::passing::Passing;
use crate::frame::{Frame, Headed};

/// What can be called by a body of kind `K`.
///
/// Implemented by this crate only, whose private modules it is in: the expansion calls its method.
pub trait Callee<K>: Sized {
    /// What the call needs in the caller's frame.
    type Content: Content<Awaited = <Self::Waiting as Future>::Output>;
    /// What is awaited if there is no value yet.
    type Waiting: Future;

    /// Calls it: the value, if it is there at once, or what is to be awaited for it. (By a pointer, so that arguments
    /// are not copied by each function that they pass through, where nothing is inlined.)
    ///
    /// # Safety
    /// Only as in the expansion above, in the body that `chain` runs: the slot is empty, is not
    /// moved, and stays valid until the call has ended. `this` is valid, and is moved out of, also if this panics.
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Self::Content>,
    ) -> (Option<<Self::Content as Content>::Value>, Self::Waiting);
}

/// What a call has in its caller's frame.
pub trait Memory {
    /// What lies there while the callee is suspended.
    type Running;
    /// What lies there once it has returned.
    type Returned;
    /// What the memory is `Send` by, if that is.
    type Owner;
    /// What is laid out before the caller's frame is: see `call/layout.rs`.
    type Inner;
}

/// How a call ends after it had suspended.
///
/// Implemented by this crate only, as [`Callee`].
pub trait Content: Memory {
    /// What the await gives.
    type Awaited: OfChain;
    /// What the call evaluates to.
    type Value;

    /// The call's value.
    ///
    /// # Safety
    /// After the await in the expansion above, with its slot.
    unsafe fn finish(slot: *mut SlotOf<Self>, awaited: Self::Awaited) -> Self::Value
    where
        Self: Sized;
}

/// Memory in the caller's frame for a call of content `S`. Only ever reached through a raw pointer.
///
/// (What lies there are parameters, and not named by `S`: rustc lays out a type by what it contains, not deeper than
/// its `recursion_limit`, and each name of a type is a step. See `Frame`.)
pub union Slot<S, Running, Returned> {
    /// Nothing: constructing this copies nothing, however large the callee's frame is.
    pub empty: (),
    _running: ManuallyDrop<Running>,
    _returned: ManuallyDrop<Returned>,
    _content: PhantomData<S>,
}

/// The memory for a call of content `S`.
pub(crate) type SlotOf<S> = Slot<S, <S as Memory>::Running, <S as Memory>::Returned>;

// SAFETY: what lies there is `Send` if its owner is: a callee's frame by the contract of `Body`, or a pointer to it.
unsafe impl<S: Memory, R, V> Send for Slot<S, R, V> where S::Owner: Send {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<S, R, V> Sync for Slot<S, R, V> {}

/// What a call of `C` by a body of kind `K` gives.
type Called<'b, K, C> = Result<
    (<<C as Callee<K>>::Content as Content>::Value, Handle<'b, K>),
    Result<
        Await<'b, K, <C as Callee<K>>::Waiting>,
        Never<<<C as Callee<K>>::Content as Memory>::Inner>,
    >,
>;

impl<'b, K> Handle<'b, K> {
    /// Calls `callee`: its value, if that is there at once, and the handle; or what is to be awaited for them.
    ///
    /// # Safety
    /// Only as in the expansion above: the slot is a local of the body that this is the handle of, it is not
    /// moved, and if there is no value the body awaits what this returns, at once, and then calls
    /// [`Resumed::__cps_finish`] with the same slot.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_begin<S: Site, C: Callee<K>>(
        self,
        callee: C,
        slot: *mut SlotOf<C::Content>,
    ) -> Called<'b, K, C> {
        let chain = self.into_chain();
        let mut callee = ManuallyDrop::new(callee);
        // SAFETY: the slot is empty before and after the call, and the body's own, by contract; the chain runs the
        // body that has the handle (invariant H). The callee is not used again.
        match unsafe { C::call::<S>(&raw mut *callee, chain, slot) } {
            // SAFETY: the handle that was given up is made anew.
            (Some(value), _) => Ok((value, unsafe { Handle::new(chain) })),
            (None, waiting) => Err(Ok(Await { waiting, _brand: PhantomData })),
        }
    }
}

/// Awaits what a call that has no value yet waits for.
#[derive(Debug)]
#[must_use = "a call that has suspended is awaited"]
pub struct Await<'b, K, W> {
    waiting: W,
    _brand: PhantomData<fn(Handle<'b, K>) -> Handle<'b, K>>,
}

impl<'b, K, W: Future> Future for Await<'b, K, W> {
    type Output = Resumed<'b, K, W::Output>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: what waits is pinned as this is.
        let waiting = unsafe { self.map_unchecked_mut(|this| &mut this.waiting) };
        waiting.poll(cx).map(|awaited| Resumed { awaited, _brand: PhantomData })
    }
}

/// What the await of a call gives.
#[derive(Debug)]
pub struct Resumed<'b, K, A> {
    awaited: A,
    _brand: PhantomData<fn(Handle<'b, K>) -> Handle<'b, K>>,
}

impl<'b, K, A: OfChain> Resumed<'b, K, A> {
    /// The call's value, and the handle.
    ///
    /// # Safety
    /// Only as in the expansion above: with the slot of the call that was awaited.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[doc(hidden)]
    pub unsafe fn __cps_finish<C: Content<Awaited = A>>(
        self,
        slot: *mut SlotOf<C>,
    ) -> (C::Value, Handle<'b, K>) {
        let chain = self.awaited.chain();
        // SAFETY: by contract.
        let value = unsafe { C::finish(slot, self.awaited) };
        // SAFETY: the body gave its handle up for the call, which has ended; the chain runs it again.
        (value, unsafe { Handle::new(chain) })
    }
}

/// What awaiting a call's second part gives.
pub trait OfChain {
    /// The chain that runs the body.
    fn chain(&self) -> Caller;
}

/// The slot's content for a callee whose frame is part of the caller's.
#[derive(Debug)]
pub struct Embedded<B>(PhantomData<B>);

/// The slot's content for a foreign future: none.
#[derive(Debug)]
pub struct Foreign<F>(PhantomData<fn() -> F>);

/// The slot's content for a [`Prefetch`](crate::prefetch::Prefetch), which suspends without calling
/// anything: none.
#[derive(Debug)]
pub struct NoFrame;

/// Awaits the callee's return: pending once, and when polled again the callee has returned.
///
/// A body is polled only when its frame is the leaf, and a frame that awaits another is the leaf
/// again when that has returned (invariant L). A frame that has let others run is the leaf all the time,
/// and polled again when it is to go on. So what there is to tell is whether the body has been resumed
/// since: if it has, nothing has suspended (invariant S), and this needs no memory.
///
/// **Invariant P**: between a callee's `Pending` and the moment at which its caller is linked (`Frame::call_as`)
/// nothing panics, runs foreign code, or uses the chain: else there were a frame in the chain whose memory the unwinding
/// body is about to free. This awaits at once, and must say that it is pending whatever it finds in its context.
#[derive(Debug)]
pub struct Suspended(());

impl Suspended {
    /// What a call evaluates to that has returned `value` already: nothing is awaited.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn returned<T>(value: T) -> (Option<T>, Self) {
        (Some(value), Suspended(()))
    }

    /// What a call evaluates to that has suspended.
    ///
    /// # Safety
    /// To be awaited by the chain's body; [`Driver::step`] says that it suspends.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn now<T>(chain: Caller) -> (Option<T>, Self) {
        // SAFETY: by contract. (The body awaits it at once, and is compiled without what it would do if that
        // were ready.)
        unsafe { assert_unchecked((*chain.driver).step.get() != Step::NONE) };
        (None, Suspended(()))
    }
}

/// A [`Suspended`] was awaited.
#[derive(Debug)]
pub struct Returned(Caller);

impl Returned {
    /// # Safety
    /// For an `.await` of the chain's body, which has been resumed.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn new(chain: Caller) -> Self {
        Returned(chain)
    }
}

impl Future for Suspended {
    type Output = Returned;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Returned> {
        // Another context than the body's own is found in the first poll only, which is pending.
        let Some(chain) = context::chain(cx) else { return Poll::Pending };
        // SAFETY: the chain of a body that is polled is in a poll.
        if unsafe { (*chain.driver).step.get() } != Step::NONE {
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
    ) -> (Option<B::Output>, Suspended) {
        let frame = slot.cast::<Frame<B>>();
        // SAFETY: the slot is valid memory for a frame, by contract; the chain is running, since
        // its body calls this.
        unsafe {
            let poll = if B::INLINED {
                Frame::call_inlined::<S>(frame, body, chain)
            } else {
                Frame::call::<S>(frame, body, chain)
            };
            match poll {
                Poll::Ready(value) => Suspended::returned(value),
                Poll::Pending => Suspended::now(chain),
            }
        }
    }
}

impl<B: Body> Memory for Embedded<B> {
    type Running = Headed<B::Future>;
    type Returned = Headed<B::Output>;
    type Owner = B;
    type Inner = B::Future;
}

impl<B: Body> Content for Embedded<B> {
    type Awaited = Returned;
    type Value = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned (see there).
        unsafe { Frame::take_result(slot.cast::<Frame<B>>()) }
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

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, _: Returned) {}
}

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
    ) -> (Option<F::Output>, Awaiting<F>) {
        // SAFETY: the chain is running, since its body calls this. The future is moved out once, and awaited.
        unsafe {
            let future = &raw mut (*this).future;
            if !generic::call_later(future, S::AT) {
                (*chain.driver).set_waits_at(S::AT);
            }
            (None, Awaiting { future: future.read() })
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
        // SAFETY: the future is pinned as this is.
        let mut future = unsafe { self.map_unchecked_mut(|this| &mut this.future) };
        // SAFETY: nothing is moved; the future is valid.
        if unsafe { generic::is_to_be_called(ptr::from_mut(future.as_mut().get_unchecked_mut())) } {
            // By a body that awaits it at once (invariant P).
            return future.poll(cx).map(|value| Awaited { chain, value });
        }
        // SAFETY: the chain of a body that is polled is in a poll, whose context nobody else uses meanwhile.
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

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, awaited: Awaited<F::Output>) -> F::Output {
        // SAFETY: the chain is running, since its body calls this.
        unsafe { (*awaited.chain.driver).set_waits_at(None) };
        awaited.value
    }
}

/// Gives foreign futures the method that coroutines have inherently.
///
/// It is implemented for every type, and only the method asks for a future: so the method is always
/// found, by value, and what is no future is refused in `await`'s own words.
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
