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
//! Its first poll is a part of the call, with the arguments, as for every body (`frame/first_poll.rs`). If it is pending,
//! the host awaits a pointer to it. The first poll of that is pending, too, as a flag says. The flag is hardly ever read:
//! when the host is resumed the step is `NONE` (invariant S), and a call whose body has suspended leaves another one
//! ([`Step::NESTED`], if the body waits for a future), which tells the compiler that the flag is set.

use core::fmt;
use core::future::Future;
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::{self, offset_of};
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
use crate::frame::first_poll;
use crate::frame::passing::Passing;
use crate::frame::{Frame, describe_called};
use crate::placement::{Nested, Placement};

/// Awaits a nested body that has suspended: pending once, and then as that is. It owns the body.
pub struct NestedBody<B: Body> {
    /// In the slot of the call; null if it has returned.
    future: *mut B::Future,
    /// Whether the host has been resumed since the call.
    resumed: bool,
}

// SAFETY: it is an awaited local of the host, which has the slot of the same call beside it. That is `Send` only if `B`
// is, and then the body is that this leads to (invariant B).
unsafe impl<B: Body> Send for NestedBody<B> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<B: Body> Sync for NestedBody<B> {}

impl Placement for Nested {
    type Content<B: Body> = InHost<B>;
    type Waiting<B: Body> = NestedBody<B>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut SlotOf<InHost<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<B::Output, NestedBody<B>> {
        // SAFETY: the running body calls this with its own slot (invariants D and F), and awaits what this returns at
        // once if there is no value (invariant P).
        unsafe { NestedBody::call::<S>(slot, chain, body) }
    }
}

impl<B: Body> NestedBody<B> {
    /// Calls `body` with its future in the slot.
    ///
    /// # Safety
    /// As for [`Placement::call`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<S: Site>(
        slot: *mut SlotOf<InHost<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<B::Output, Self> {
        let part = slot.cast::<Part<B::Future>>();
        // SAFETY: the slot is memory for a part, the host's own (invariant F), and the host runs (invariant D).
        unsafe {
            match Self::start::<S>(part, chain, body) {
                Poll::Ready(value) => Ok(value),
                Poll::Pending => {
                    Err(NestedBody { future: &raw mut (*part).future, resumed: false })
                }
            }
        }
    }

    /// Constructs the future in its place, and polls it until it suspends or returns. (LLVM inlines this or not: if it
    /// had to, as it must a later poll, each level of nesting would double the code.)
    ///
    /// # Safety
    /// - `part` is valid for writes, and is the body's alone until its call has ended (invariant F).
    /// - `chain` runs the host (invariant D), which awaits the body at once if it is pending.
    #[inline]
    unsafe fn start<S: Site>(
        part: *mut Part<B::Future>,
        chain: Caller,
        body: Passing<B>,
    ) -> Poll<B::Output> {
        let (args, make) = body.into_parts().into_both();
        // SAFETY: in bounds of the memory, which `call` has. The host runs, whose chain this is (invariant D), and
        // the body is shown as long as it is there: until `Leave` is dropped, or `NestedBody`.
        let (shown, future) = unsafe {
            let shown = &raw mut (*part).shown;
            shown.write(NestedCall::new(chain.driver, chain.frame, describe_called::<B, S>));
            NestedCall::enter(shown);
            (Leave(shown), &raw mut (*part).future)
        };
        // SAFETY: the memory is not moved until the call has ended (invariant F): the future is pinned. It is given the
        // `Enter` that it awaits first, with its arguments (invariant E), and is a part of the body that runs (invariant
        // D).
        let poll = unsafe {
            Frame::<B>::make(future, make);
            first_poll::poll_future::<B>(Pin::new_unchecked(&mut *future), args, chain)
        };
        if poll.is_pending() {
            mem::forget(shown);
            // SAFETY: the host runs (invariant D).
            let step = unsafe { &(*chain.driver).now.step };
            if step.get() == Step::NONE {
                step.set(Step::NESTED);
            }
        }
        poll.map(B::output)
    }

    /// What ends the showing of a body.
    ///
    /// # Safety
    /// - `call` has left the body suspended, with this future.
    /// - This is called once.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn leave(future: *mut B::Future) -> Leave {
        let part = future.wrapping_byte_sub(offset_of!(Part<B::Future>, future));
        // SAFETY: the future is a field of a part, as `start` has made it.
        Leave(unsafe { &raw const (*part.cast::<Part<B::Future>>()).shown })
    }
}

impl<B: Body> Future for NestedBody<B> {
    type Output = Awaited<B::Output>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let chain = context::chain(cx);
        if let Some(chain) = chain {
            // SAFETY: the context is the host's own (invariant X), so its driver is in a poll (invariant D). The call has
            // left another step than `NONE`, which nobody has changed if the host has not been resumed: it has polled
            // nothing else since.
            unsafe {
                assert_unchecked((*chain.driver).now.step.get() != Step::NONE || self.resumed)
            };
        }
        if !self.resumed {
            self.resumed = true;
            return Poll::Pending;
        }
        // The host has been resumed, and polls this before all else: so the context is its own.
        let Some(chain) = chain else {
            context::ask_again(cx);
            return Poll::Pending;
        };
        // SAFETY: the host was resumed, which `chain` runs and whose part the body is (invariant D). The future has
        // suspended (`call`), is pinned in the slot (invariant F), and is polled by nobody else.
        let poll = unsafe { context::poll(Pin::new_unchecked(&mut *self.future), chain) };
        poll.map(|result| {
            // (It owns nothing any more, by invariant E.)
            let returned = mem::replace(&mut self.future, ptr::null_mut());
            // SAFETY: it was not null, and is given up.
            drop(unsafe { Self::leave(returned) });
            Awaited::new(chain, B::output(result))
        })
    }
}

impl<B: Body> Drop for NestedBody<B> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.future.is_null() {
            return;
        }
        // SAFETY: `call` has given the future, which nobody else drops, and it has not returned.
        unsafe {
            let _leave = Self::leave(self.future);
            ptr::drop_in_place(self.future);
        }
    }
}

/// Ends the showing of a nested body.
struct Leave(*const NestedCall);

impl Drop for Leave {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: `start` has entered it, and makes this guard, or has left that to the drop of its `NestedBody`.
        unsafe { NestedCall::leave(self.0) }
    }
}

impl<B: Body> fmt::Debug for NestedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NestedBody")
    }
}

/// A nested body in its host's memory.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Part<F> {
    shown: NestedCall,
    future: F,
}

/// The slot's content.
#[derive(Debug)]
pub struct InHost<B>(PhantomData<B>);

impl<B: Body> Memory for InHost<B> {
    type Running = Part<B::Future>;
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
