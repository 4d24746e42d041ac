//! Calls with the callee's frame in an allocation.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::marker::PhantomData;
use core::task::Poll;

use crate::call::{Content, Memory, Returned, SlotOf, Suspended};
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};
use crate::frame::body::{Body, Site};
use crate::frame::deferred::{StartDeferred, Unstarted, Waiting};
use crate::frame::outlined::Outlined;
use crate::frame::passing::Passing;
use crate::frame::{Frame, describe_called};
use crate::placement::{Heap, Placement};

/// The slot's content for a callee with a frame on the heap: a pointer to its header.
#[derive(Debug)]
pub struct Allocated<B>(PhantomData<B>);

/// Allocates memory for a `T`, which has a size.
///
/// # Panics
/// If there is none: a chain of calls unwinds then, as it does when its frame stack is full, and
/// frees what it holds.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn allocate<T>() -> *mut T {
    const { assert!(size_of::<T>() != 0) };
    // SAFETY: the layout has a size: each type that this is called for contains a header or a byte.
    let memory = unsafe { alloc(Layout::new::<T>()) };
    if memory.is_null() {
        no_memory(Layout::new::<T>());
    }
    memory.cast()
}

#[cold]
#[inline(never)]
fn no_memory(layout: Layout) -> ! {
    panic!("no memory for a frame of {} bytes", layout.size())
}

/// Frees it.
///
/// # Safety
/// - `memory` comes from [`allocate`] for this type.
/// - Nothing refers to it any more.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn free<T>(memory: *mut T) {
    // SAFETY: its callers have the memory from `allocate` for a `T`, and its frame has ended.
    unsafe { dealloc(memory.cast(), Layout::new::<T>()) }
}

/// Frees a frame's memory when its first poll, or the drop of what is in it, unwinds.
pub(crate) struct Free<T>(pub(crate) *mut T);

impl<T> Drop for Free<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: whoever made the guard owns the allocation, and ends the frame before this runs.
        unsafe { free(self.0) }
    }
}

/// The vtables of `B`'s frames on the heap, called at `S`.
struct OnHeap<B, S>(PhantomData<(B, S)>);

impl<B: Body, S: Site> OnHeap<B, S> {
    const UNSTARTED: &'static VTable = &VTable {
        resume: <B::Future as StartDeferred<B>>::start_deferred::<Self>,
        drop: drop_unstarted::<B>,
        describe: describe_called::<B, S>,
        drop_branches: None,
    };
    const STARTED: &'static VTable = &VTable {
        resume: <B::Future as Outlined<B>>::resume,
        drop: drop_and_free::<B, Frame<B>>,
        describe: describe_called::<B, S>,
        drop_branches: None,
    };
}

impl<B: Body, S: Site> Unstarted<B> for OnHeap<B, S> {
    fn started() -> *const VTable {
        Self::STARTED
    }

    unsafe fn take(frame: *mut Header, _: *const Driver) -> B {
        // SAFETY: `start_deferred` calls this once, for an unstarted frame, by its vtable (invariant V). Its body
        // waits in an allocation that `call` made for it.
        unsafe {
            let waiting = Waiting::<B>::of(frame);
            let body = Waiting::take(waiting);
            free(waiting);
            body
        }
    }
}

impl Placement for Heap {
    type Content<B: Body> = Allocated<B>;
    type Waiting<B: Body> = Suspended;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut SlotOf<Allocated<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<B::Output, Suspended> {
        let frame = allocate::<Frame<B>>();
        let unwinding = Free(frame);
        // SAFETY: the running body calls this (invariant D).
        if unsafe { (*chain.driver).may_nest_call() } {
            let started = OnHeap::<B, S>::STARTED;
            // SAFETY: the allocation is the frame's until it is freed (invariant F), which is when the frame has ended:
            // below, in `finish`, or in the vtable's `drop`.
            let poll = unsafe { Frame::call_as(frame, body, chain, started) };
            core::mem::forget(unwinding);
            if let Poll::Ready(given) = poll {
                // SAFETY: the call of this frame has just given it: so the frame has ended, and nothing else leads to
                // it.
                let value = unsafe {
                    let value = Frame::take_given(frame, given);
                    free(frame);
                    value
                };
                return Ok(value);
            }
        } else {
            let waiting = allocate();
            // SAFETY: both allocations are kept until the body is started, or dropped by the vtable (invariant F).
            unsafe { Waiting::begin(waiting, body, frame, chain, OnHeap::<B, S>::UNSTARTED) };
            core::mem::forget(unwinding);
        }
        // SAFETY: the slot is the body's own, and the call has suspended: the body awaits it at once (invariant P).
        unsafe {
            slot.cast::<*mut Frame<B>>().write(frame);
            Err(Suspended::now(chain))
        }
    }
}

impl<B: Body> Memory for Allocated<B> {
    type Running = *mut ();
    type Returned = ();
    type Owner = B;
    type Inner = ();
}

impl<B: Body> Content for Allocated<B> {
    type Awaited = Returned;
    type Value = B::Output;
    type Ready = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: B::Output) -> B::Output {
        ready
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned (invariant L); `call` left the pointer
        // to its frame here.
        unsafe {
            let frame = slot.cast::<*mut Frame<B>>().read();
            let value = Frame::take_result(frame);
            free(frame);
            value
        }
    }
}

/// [`VTable::drop`] of a suspended frame at the head of an allocation for an `M`.
pub(crate) unsafe fn drop_and_free<B: Body, M>(frame: *mut Header) {
    let _memory = Free::<M>(frame.cast());
    // SAFETY: this vtable is set on suspended frames only (invariant V), and `drop_chain` has taken the frame out
    // of the chain.
    unsafe { <B::Future as Outlined<B>>::drop_suspended(frame) }
}

unsafe fn drop_unstarted<B: Body>(frame: *mut Header) {
    // SAFETY: this vtable is set on unstarted frames only (invariant V), and `drop_chain` has taken the frame out
    // of the chain: body and frame are dropped once.
    unsafe {
        let waiting = Waiting::<B>::of(frame);
        let _memory = (Free(frame.cast::<Frame<B>>()), Free(waiting));
        Waiting::drop_body(waiting);
    }
}
