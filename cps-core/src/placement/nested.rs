//! Calls without a frame: the callee is polled as a part of the caller.
//!
//! ```text
//!   a frame                        host.awaits:  NestedBody
//!   ┌────────┬──────────────────────────────────┬──────────────────┬─────┐
//!   │ header │ the host: the body of the frame  │ the nested body  │     │
//!   └────────┴──────────────────────────────────┴──────────────────┴─────┘
//!        ▲                                        │ calls directly: the frame that waits is the host's
//!        └──────────────── caller ────────────────┘
//! ```
//!
//! The chain knows nothing of a nested body. That has the context of its host, and calls, suspends and yields by the
//! host's frame: whenever that is resumed, the host polls the nested body, as plain `async` code does.
//!
//! The first poll differs from later ones, as for every body (`frame/first_poll.rs`). Which one it is need not be
//! stored: the call sets [`Step::NESTED`] before the first, and when a body is resumed the step is `NONE` (invariant
//! S). If the nested body waits for a future in its first poll, the step is set again: a body that was nested around
//! this one is polled for the first time, likewise, before that poll returns to the chain.

use core::fmt;
use core::future::Future;
use core::marker::{PhantomData, PhantomPinned};
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::call::foreign::Awaited;
use crate::call::{Content, Memory, SlotOf};
use crate::chain::NestedCall;
use crate::chain::caller::Caller;
use crate::chain::step::Step;
use crate::frame::body::{Body, Site};
use crate::frame::context;
use crate::frame::describe_called;
use crate::frame::first_poll::{self, Enter};
use crate::frame::passing::Passing;
use crate::placement::{Nested, Placement};

/// A body that lies in the body that calls it, and is polled by that.
pub struct NestedBody<B: Body> {
    memory: Origin<B>,
    shown: NestedCall,
    _pinned: PhantomPinned,
}

/// Memory that holds an unstarted body first and its future later.
union Origin<B: Body> {
    unstarted: ManuallyDrop<Unstarted<B>>,
    _started: ManuallyDrop<B::Future>,
}

struct Unstarted<B> {
    /// The host's.
    chain: Caller,
    body: B,
}

// SAFETY: it is an awaited local of its host. That has the slot of the same call beside it, whose `Memory::Owner` is
// `B`, and so is `Send` only if `B` is; and then this is (invariant B).
unsafe impl<B: Body> Send for NestedBody<B> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<B: Body> Sync for NestedBody<B> {}

impl Placement for Nested {
    type Content<B: Body> = InHost<B>;
    type Waiting<B: Body> = NestedBody<B>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        _: *mut SlotOf<InHost<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> (Option<B::Output>, NestedBody<B>) {
        // SAFETY: the running body calls this (invariant D), and at once awaits what this returns (invariant P): that
        // poll resets the step.
        unsafe { (*chain.driver).step.set(Step::NESTED) };
        let unstarted = Unstarted { chain, body: body.into_body() };
        let memory = Origin { unstarted: ManuallyDrop::new(unstarted) };
        let shown = NestedCall::new(chain.driver, chain.frame, describe_called::<B, S>);
        (None, NestedBody { memory, shown, _pinned: PhantomPinned })
    }
}

impl<B: Body> NestedBody<B> {
    /// Where the future is of a body that was started, and the unstarted body before.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn place(this: *mut Self) -> *mut B::Future {
        // SAFETY: in bounds of the memory, since every caller has the whole of it.
        unsafe { (&raw mut (*this).memory).cast() }
    }

    /// The first poll. (This and `resume` are for LLVM to inline or not: if that had to be, each level of nesting would
    /// double the code.)
    ///
    /// # Safety
    /// - `this` is pinned, and was not polled.
    /// - The host awaits it, and runs (invariant D).
    #[inline]
    unsafe fn start(this: *mut Self) -> Poll<Awaited<B::Output>> {
        let place = Self::place(this);
        // SAFETY: `this` was not polled, so the body is there: it is taken once.
        let Unstarted { chain, body } = unsafe { place.cast::<Unstarted<B>>().read() };
        let mut body = ManuallyDrop::new(body);
        // SAFETY: the host awaits this in the poll in which it made the call, so the chain is the one that runs
        // (invariant D).
        let step = unsafe { &(*chain.driver).step };
        step.set(Step::NONE);
        // SAFETY: the body is not used again. Its future is pinned, and given the `Enter` that it awaits first, with its
        // arguments (invariant E). It is a part of the body that the chain runs (invariant D).
        let poll = unsafe {
            NestedCall::enter(&raw const (*this).shown);
            let (args, make) = Passing::of(&raw mut *body).into_parts();
            place.write(make(Enter::new()));
            first_poll::poll_future::<B>(Pin::new_unchecked(&mut *place), args, chain)
        };
        if poll.is_pending() && step.get() == Step::NONE {
            step.set(Step::NESTED);
        }
        poll.map(|result| Awaited::new(chain, B::output(result)))
    }

    /// A later poll.
    ///
    /// # Safety
    /// - `this` is pinned, and was polled.
    /// - The host, which `chain` runs, has been resumed.
    #[inline]
    unsafe fn resume(
        this: *mut Self,
        chain: Caller,
        cx: &mut Context<'_>,
    ) -> Poll<Awaited<B::Output>> {
        // SAFETY: `this` was polled, so the future is there, and nobody moves it.
        let future = unsafe { Pin::new_unchecked(&mut *Self::place(this)) };
        future.poll(cx).map(|result| Awaited::new(chain, B::output(result)))
    }
}

impl<B: Body> Future for NestedBody<B> {
    type Output = Awaited<B::Output>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: nothing is moved out of it that is pinned: a body that was not started is not.
        let this: *mut Self = unsafe { self.get_unchecked_mut() };
        let resumed = match context::chain(cx) {
            // SAFETY: the context is the host's own (invariant X), so its driver is in a poll (invariant D).
            Some(chain) => unsafe { (*chain.driver).step.get() == Step::NONE }.then_some(chain),
            // Another context than the host's own is found in the first poll only.
            None => None,
        };
        match resumed {
            // SAFETY: `call` has set another step, and the step is `NONE` when the host is resumed (invariant S): this
            // was polled before.
            Some(chain) => unsafe { Self::resume(this, chain, cx) },
            // SAFETY: the host has not been resumed since `call`, and a pending first poll ends the host's. So this is
            // the first one, in the host's poll (invariant D).
            None => unsafe { Self::start(this) },
        }
    }
}

impl<B: Body> Drop for NestedBody<B> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        /// Drops the future, and then hides the body, also if that drop panics.
        struct Leave(*const NestedCall);
        impl Drop for Leave {
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn drop(&mut self) {
                // SAFETY: the body that is dropped was polled, and entered then.
                unsafe { NestedCall::leave(self.0) }
            }
        }

        let this: *mut Self = self;
        // SAFETY: the host awaits this at once (invariant P), and so has polled it: what lies here is the future, also
        // if it has returned or panicked.
        unsafe {
            let _leave = Leave(&raw const (*this).shown);
            ptr::drop_in_place(Self::place(this));
        }
    }
}

impl<B: Body> fmt::Debug for NestedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NestedBody")
    }
}

/// The slot's content: nothing, since the callee is what the caller awaits.
#[derive(Debug)]
pub struct InHost<B>(PhantomData<B>);

impl<B: Body> Memory for InHost<B> {
    type Running = ();
    type Returned = ();
    type Owner = B;
    type Inner = B::Future;
}

impl<B: Body> Content for InHost<B> {
    type Awaited = Awaited<B::Output>;
    type Value = B::Output;
    type Ready = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: B::Output) -> B::Output {
        ready
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, awaited: Awaited<B::Output>) -> B::Output {
        awaited.into_value()
    }
}
