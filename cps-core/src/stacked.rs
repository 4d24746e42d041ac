//! Calls with the callee's frame on the chain's frame stack.

use core::alloc::Layout;
use core::task::Poll;

use crate::body::{Body, Chain};
use crate::call::{Finish, Returned, Slot, Suspended};
use crate::driver::{Header, VTable};
use crate::frame::{Frame, Memory, Origin, start_deferred};

/// The slot's content for a callee with a frame on the frame stack: a pointer to it.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Stacked<B: Body>(*mut Origin<B>);

// SAFETY: it owns the frame, which is `Send` if the body is (contract of `Body`).
unsafe impl<B: Body + Send> Send for Stacked<B> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<B: Body> Sync for Stacked<B> {}

/// The vtable of an unstarted frame on the frame stack. A started one has that of a frame in its
/// caller's memory: the frame's own memory is popped by the call, or dropped with the stack.
struct OnStack<B>(B);

impl<B: Body> OnStack<B> {
    const UNSTARTED: VTable =
        VTable { resume: start_deferred::<B, Self>, drop: drop_unstarted::<B> };
}

impl<B: Body> Memory for OnStack<B> {
    fn started() -> *const VTable {
        &const { Frame::<B>::SUSPENDED }
    }
}

impl<B: Body> Slot<Stacked<B>> {
    /// Calls `body` with its frame on the frame stack.
    ///
    /// # Safety
    /// As for the call with an embedded frame.
    #[inline(always)]
    pub(crate) unsafe fn call(
        slot: *mut Self,
        chain: Chain,
        body: B,
    ) -> (Option<B::Output>, Suspended) {
        // SAFETY: the chain is running, since its body calls this; its driver outlives the call.
        // The memory is the frame's until it is popped, which is when the frame has ended: here or
        // in `finish`. If the callee panics so does the chain, and the stack is dropped whole.
        unsafe {
            let driver = chain.0;
            let memory = (*driver).stack.push(Layout::new::<Origin<B>>());
            let frame = memory.cast::<Frame<B>>();
            let caller = (*driver).leaf.get();
            if (*driver).may_nest_call() {
                match Frame::start(frame, body.into_parts(), driver) {
                    Poll::Ready(value) => {
                        (*driver).stack.pop(memory);
                        return (Some(value), Suspended::new());
                    }
                    Poll::Pending => Frame::link(frame, caller),
                }
            } else {
                let origin = memory.cast::<Origin<B>>();
                origin.write(Origin::unstarted(body, &const { OnStack::<B>::UNSTARTED }));
                (*driver).defer(origin.cast());
            }
            slot.cast::<Stacked<B>>().write(Stacked(memory.cast()));
        }
        (None, Suspended::new())
    }
}

impl<B: Body> Finish for Stacked<B> {
    type Awaited = Returned;
    type Value = B::Output;

    #[inline(always)]
    unsafe fn finish(chain: Chain, slot: *mut Slot<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned; `call` left the pointer
        // here. Calls that began later have ended, so the frame is the topmost.
        unsafe {
            let origin = (*slot.cast::<Stacked<B>>()).0;
            let value = Frame::take_result(origin.cast::<Frame<B>>());
            (*chain.0).stack.pop(origin.cast());
            value
        }
    }
}

unsafe fn drop_unstarted<B: Body>(frame: *mut Header) {
    // SAFETY: this vtable is set on unstarted frames only; contract of `VTable::drop`.
    unsafe { Origin::drop_unstarted(frame.cast::<Origin<B>>()) }
}
