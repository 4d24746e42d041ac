//! What `.await` becomes inside a coroutine.
//!
//! ```text
//! match CALLEE { callee => {
//!     let mut slot = Slot { empty: () };                           // constructed in place
//!     let value = 'call: {
//!         let suspended = {
//!             let (ready, suspended) = callee.begin::<SITE>(chain, &raw mut slot);
//!             if let Some(value) = ready { break 'call value }     // ran through: a plain call
//!             if false { break 'body loop {} }                     // only compiles in the body
//!             suspended
//!         };
//!         let resumed = suspended.await;                           // the only suspension point
//!         let (value, next) = finish(&raw mut slot, resumed);
//!         chain = next;                                            // so no frame keeps it
//!         value
//!     };
//!     value
//! }}
//! ```
//!
//! `begin` is an inherent method of [`Coroutine`](crate::Coroutine), and the method of a blanket
//! trait for any other `IntoFuture`; inherent methods win. For a coroutine it runs the callee on
//! the host stack, and only when that suspends is there anything to await, [`Suspended`], which
//! yields once. For a foreign future it returns the future, which is awaited in the ordinary way, but for
//! the context: see `in_chain.rs`.
//! (For a [`Prefetch`](crate::prefetch::Prefetch) there is a third, inherent: it calls nothing and
//! suspends as a call does.)
//! The shape is the same for all because the macro cannot know which it is, and every value is
//! moved as a whole, never borrowed before the await: a borrowed local would be kept in the frame
//! across the await, and a foreign future would be stored twice.
//!
//! The slot is dropped by nobody. While the callee is suspended, only the driver may end frames,
//! and it ends the callee before the caller; at all other times the slot is empty.

use core::future::{Future, IntoFuture};
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::body::{Body, Site};
use crate::chain::{Chain, MayWait};
#[cfg(doc)]
use crate::driver::Driver;
use crate::frame::Frame;
use crate::in_chain;
use crate::step::Step;

/// Memory in the caller's frame for a call. Only ever reached through a raw pointer.
pub union Slot<S> {
    /// Nothing: constructing this copies nothing, however large the callee's frame is.
    pub empty: (),
    _content: ManuallyDrop<S>,
}

/// The slot's content for a callee whose frame is part of the caller's.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Embedded<B: Body>(Frame<B>);

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
#[derive(Debug)]
pub struct Suspended(());

impl Suspended {
    /// What a call evaluates to that has returned `value` already: nothing is awaited.
    #[inline(always)]
    pub(crate) fn returned<T>(value: T) -> (Option<T>, Self) {
        (Some(value), Suspended(()))
    }

    /// What a call evaluates to that has suspended.
    ///
    /// # Safety
    /// To be awaited by the chain's body; [`Driver::step`] says that it suspends.
    #[inline(always)]
    pub(crate) unsafe fn now<T, K>(chain: Chain<K>) -> (Option<T>, Self) {
        // SAFETY: by contract. (The body awaits it at once, and is compiled without what it would do if that
        // were ready.)
        unsafe { assert_unchecked((*chain.driver).step.get() != Step::NONE) };
        (None, Suspended(()))
    }
}

/// Proof that a [`Suspended`] was awaited, with the chain. Safe code cannot make one, so it cannot give a
/// type a `__cps_begin` method of its own that leads to [`Finish::finish`] without a call.
#[derive(Debug)]
pub struct Returned(Chain);

impl Returned {
    /// # Safety
    /// For an `.await` of the chain's body, which has been resumed.
    #[inline(always)]
    pub(crate) unsafe fn new(chain: Chain) -> Self {
        Returned(chain)
    }
}

impl Future for Suspended {
    type Output = Returned;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Returned> {
        // SAFETY: a body awaits this (contract of `now`), so the context is its own, and its chain is in
        // a poll.
        unsafe {
            let chain = in_chain::chain(cx);
            if (*chain.driver).step.get() != Step::NONE {
                Poll::Pending
            } else {
                Poll::Ready(Returned(chain))
            }
        }
    }
}

/// What awaiting the second part of `begin`'s result gives.
pub trait Resumed {
    /// The chain that runs the body.
    fn chain(&self) -> Chain;
}

impl Resumed for Returned {
    #[inline(always)]
    fn chain(&self) -> Chain {
        self.0
    }
}

impl<B: Body> Slot<Embedded<B>> {
    /// Calls `body` with its frame in the slot.
    ///
    /// # Safety
    /// Only as in the expansion above, in the body that `chain` runs: the slot is empty, is not
    /// moved, and stays valid until the call has ended.
    #[inline(always)]
    pub(crate) unsafe fn call<S: Site>(
        slot: *mut Self,
        chain: Chain,
        body: B,
    ) -> (Option<B::Output>, Suspended) {
        let frame = slot.cast::<Frame<B>>();
        // SAFETY: the slot is valid memory for a frame, by contract; the chain is running, since
        // its body calls this.
        unsafe {
            let poll = if B::INLINED {
                Frame::call_inlined::<S>(frame, body.into_parts(), chain)
            } else {
                Frame::call::<S>(frame, body.into_parts(), chain)
            };
            match poll {
                Poll::Ready(value) => Suspended::returned(value),
                Poll::Pending => Suspended::now(chain),
            }
        }
    }
}

/// The end of a call that had suspended.
pub trait Finish {
    /// What awaiting the second part of `begin`'s result gave.
    type Awaited: Resumed;
    /// What the call evaluates to.
    type Value;

    /// The call's value.
    ///
    /// # Safety
    /// Only as in the expansion above, after the await.
    unsafe fn finish(slot: *mut Slot<Self>, awaited: Self::Awaited) -> Self::Value
    where
        Self: Sized;
}

impl<B: Body> Finish for Embedded<B> {
    type Awaited = Returned;
    type Value = B::Output;

    #[inline(always)]
    unsafe fn finish(slot: *mut Slot<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned (see there).
        unsafe { Frame::take_result(slot.cast::<Frame<B>>()) }
    }
}

impl Finish for NoFrame {
    type Awaited = Returned;
    type Value = ();

    #[inline(always)]
    unsafe fn finish(_: *mut Slot<Self>, _: Returned) {}
}

/// Awaits a future that is no coroutine, with the context of the poll that is under way.
#[derive(Debug)]
pub struct Awaiting<F> {
    future: F,
}

impl<F: Future> Future for Awaiting<F> {
    type Output = Awaited<F::Output>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Awaited<F::Output>> {
        // SAFETY: the future is pinned as this is. A body awaits this (contract of `__cps_begin`), so the
        // context is its own, and its chain in a poll, whose context nobody else uses meanwhile.
        unsafe {
            let chain = in_chain::chain(cx);
            let future = self.map_unchecked_mut(|this| &mut this.future);
            future.poll((*chain.driver).context()).map(|value| Awaited { chain, value })
        }
    }
}

/// The value of a future that is no coroutine, with the chain.
#[derive(Debug)]
pub struct Awaited<T> {
    chain: Chain,
    value: T,
}

impl<T> Resumed for Awaited<T> {
    #[inline(always)]
    fn chain(&self) -> Chain {
        self.chain
    }
}

impl<F: IntoFuture> Finish for Foreign<F> {
    type Awaited = Awaited<F::Output>;
    type Value = F::Output;

    #[inline(always)]
    unsafe fn finish(_: *mut Slot<Self>, awaited: Awaited<F::Output>) -> F::Output {
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
    /// Returns the future, to be awaited.
    ///
    /// # Safety
    /// Only as in the expansion above, in the body that `chain` runs.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn __cps_begin<S: Site, K: MayWait>(
        self,
        chain: Chain<K>,
        _: *mut Slot<Foreign<Self>>,
    ) -> (Option<<Self as IntoFuture>::Output>, Awaiting<<Self as IntoFuture>::IntoFuture>)
    where
        Self: IntoFuture,
    {
        let future = self.into_future();
        // SAFETY: the chain is running, since its body calls this.
        unsafe { (*chain.driver).set_waits_at(S::AT) };
        (None, Awaiting { future })
    }
}

impl<T> ForeignCall for T {}
