//! Frames in memory of their own.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::mem::offset_of;
use core::panic::Location;
use core::task::Poll;

use crate::body::{Body, Chain, Site};
use crate::call::{Finish, Returned, Slot, Suspended};
use crate::driver::{Description, Driver, Header, VTable};
use crate::frame::{Frame, Memory, Origin, body_name, drop_suspended, resume, start_deferred};
use crate::placement::{Heap, Placement};

/// The slot's content for a callee with a frame on the heap: a pointer to it.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Allocated<B: Body>(*mut Origin<B>);

// SAFETY: it owns the frame, which is `Send` if the body is (contract of `Body`).
unsafe impl<B: Body + Send> Send for Allocated<B> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<B: Body> Sync for Allocated<B> {}

/// A frame's memory, and where it was called.
///
/// The caller of an erased frame does not know its vtables, so a frame on the heap has a word for it.
#[repr(C)]
pub(crate) struct OwnMemory<B: Body> {
    origin: Origin<B>,
    call: Option<&'static Location<'static>>,
}

/// Allocates memory for a frame.
///
/// # Panics
/// If there is none: a chain of calls unwinds then, as it does when its frame stack is full, and
/// frees what it holds.
#[inline(always)]
pub(crate) fn allocate<B: Body>() -> *mut Origin<B> {
    let layout = Layout::new::<OwnMemory<B>>();
    // SAFETY: the layout has a size, the header's at least.
    let origin = unsafe { alloc(layout) };
    if origin.is_null() {
        no_memory(layout);
    }
    origin.cast()
}

#[cold]
#[inline(never)]
fn no_memory(layout: Layout) -> ! {
    panic!("no memory for a frame of {} bytes", layout.size())
}

/// Frees an ended frame's memory.
///
/// # Safety
/// `origin` comes from [`allocate`], the frame is ended, and nothing refers to it.
#[inline(always)]
pub(crate) unsafe fn free<B: Body>(origin: *mut Origin<B>) {
    // SAFETY: by contract.
    unsafe { dealloc(origin.cast(), Layout::new::<OwnMemory<B>>()) }
}

/// Frees a frame's memory when its first poll, or the drop of what is in it, unwinds.
pub(crate) struct Free<B: Body>(pub(crate) *mut Origin<B>);

impl<B: Body> Drop for Free<B> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: whoever made the guard owns the allocation and ends the frame before this runs.
        unsafe { free(self.0) }
    }
}

/// The vtable of a frame on the heap: the driver's part, and what is needed to use and free such a
/// frame without knowing its body's type.
#[repr(C)]
pub(crate) struct HeapVTable {
    pub(crate) frame: VTable,
    /// Starts the unstarted frame on the host stack; `true` if it returned and its result lies in
    /// the frame. If it unwinds, the memory is freed.
    pub(crate) start: unsafe fn(*mut Header, *const Driver) -> bool,
    /// Where the result lies, in bytes from the header.
    pub(crate) result: usize,
    /// Where [`OwnMemory`] has the call, likewise.
    pub(crate) call: usize,
    pub(crate) layout: Layout,
}

impl HeapVTable {
    const fn new<B: Body>(frame: VTable) -> Self {
        HeapVTable {
            frame,
            start: start::<B>,
            result: Frame::<B>::PAYLOAD,
            call: offset_of!(OwnMemory<B>, call),
            layout: Layout::new::<OwnMemory<B>>(),
        }
    }
}

/// The vtables of `B`'s frames on the heap.
pub(crate) struct OnHeap<B>(B);

impl<B: Body> OnHeap<B> {
    const UNSTARTED: HeapVTable = HeapVTable::new::<B>(VTable {
        resume: start_deferred::<B, Self>,
        drop: drop_unstarted::<B>,
        describe: describe::<B>,
    });
    const SUSPENDED: HeapVTable = HeapVTable::new::<B>(VTable {
        resume: resume::<B>,
        drop: drop_and_free::<B>,
        describe: describe::<B>,
    });

    // Pointers to whole vtables, though headers hold them as pointers to the first field.
    pub(crate) const fn unstarted() -> *const VTable {
        (&raw const *const { &Self::UNSTARTED }).cast()
    }

    const fn suspended() -> *const VTable {
        (&raw const *const { &Self::SUSPENDED }).cast()
    }
}

impl<B: Body> Memory for OnHeap<B> {
    fn started() -> *const VTable {
        Self::suspended()
    }
}

impl Placement for Heap {
    type Content<B: Body> = Allocated<B>;

    #[inline(always)]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut Slot<Allocated<B>>,
        chain: Chain,
        body: B,
    ) -> (Option<B::Output>, Suspended) {
        let origin = allocate::<B>();
        let frame = origin.cast::<Frame<B>>();
        let vtable = OnHeap::<B>::suspended();
        // SAFETY: the allocation is valid memory for a frame until it is freed, which is when the
        // frame has ended: here, in `finish`, or in the vtable's `drop`. The chain is running,
        // since its body calls this.
        unsafe {
            (&raw mut (*origin.cast::<OwnMemory<B>>()).call).write(S::AT);
            let caller = (*chain.0).leaf.get();
            if (*chain.0).may_nest_call() {
                let unwinding = Free(origin);
                let poll = Frame::call_as(frame, body.into_parts(), chain.0, caller, vtable);
                core::mem::forget(unwinding);
                if let Poll::Ready(value) = poll {
                    free(origin);
                    return (Some(value), Suspended::new());
                }
            } else {
                origin.write(Origin::unstarted(body, OnHeap::<B>::unstarted()));
                (*chain.0).defer(origin.cast());
            }
            slot.cast::<Allocated<B>>().write(Allocated(origin));
        }
        (None, Suspended::new())
    }
}

impl<B: Body> Finish for Allocated<B> {
    type Awaited = Returned;
    type Value = B::Output;

    #[inline(always)]
    unsafe fn finish(_: Chain, slot: *mut Slot<Self>, _: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned; `call` left the
        // pointer here.
        unsafe {
            let origin = (*slot.cast::<Allocated<B>>()).0;
            let value = Frame::take_result(origin.cast::<Frame<B>>());
            free(origin);
            value
        }
    }
}

/// [`VTable::describe`].
unsafe fn describe<B: Body>(frame: *const Header) -> Description {
    // SAFETY: this vtable is set on frames in an `OwnMemory` only; whoever calls one first of all
    // writes where.
    let call = unsafe { (*frame.cast::<OwnMemory<B>>()).call };
    Description { body: body_name::<B>(), call }
}

unsafe fn drop_and_free<B: Body>(frame: *mut Header) {
    let _memory = Free::<B>(frame.cast());
    // SAFETY: this vtable is set on suspended frames only; contract of `VTable::drop`.
    unsafe { drop_suspended::<B>(frame) }
}

/// [`HeapVTable::start`].
unsafe fn start<B: Body>(header: *mut Header, driver: *const Driver) -> bool {
    let frame = header.cast::<Frame<B>>();
    // SAFETY: this is called once, on an unstarted frame in an allocation, by the running body of
    // the driver's chain.
    unsafe {
        let caller = (*driver).leaf.get();
        let parts = Origin::take(header.cast::<Origin<B>>());
        let unwinding = Free::<B>(header.cast());
        let poll = Frame::call_as(frame, parts, driver, caller, OnHeap::<B>::suspended());
        core::mem::forget(unwinding);
        match poll {
            Poll::Ready(value) => {
                Frame::put_result(frame, value);
                true
            }
            Poll::Pending => false,
        }
    }
}

unsafe fn drop_unstarted<B: Body>(frame: *mut Header) {
    let _memory = Free::<B>(frame.cast());
    // SAFETY: this vtable is set on unstarted frames only; contract of `VTable::drop`.
    unsafe { Origin::drop_unstarted(frame.cast::<Origin<B>>()) }
}
