//! Frames in an allocation that are used without knowing their body's type.

use core::alloc::Layout;
use core::mem::{ManuallyDrop, offset_of};
use core::panic::Location;
use core::task::Poll;

use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header, VTable};
use crate::frame::body::Body;
use crate::frame::deferred::{StartDeferred, Unstarted};
use crate::frame::outlined::Outlined;
use crate::frame::passing::Passing;
use crate::frame::{Frame, Origin, body_name};
use crate::placement::on_heap::{Free, drop_and_free};

/// A frame's memory, and where it was called: its caller does not know its vtables, of which there
/// could be one for each place.
#[repr(C)]
pub(crate) struct OwnMemory<B: Body> {
    origin: Origin<B>,
    call: Option<&'static Location<'static>>,
}

impl<B: Body> OwnMemory<B> {
    pub(crate) fn new(body: B) -> Self {
        OwnMemory { origin: Origin::unstarted(body, Erased::<B>::unstarted()), call: None }
    }
}

/// The vtable of an erased frame: the driver's part, and what is needed to use and free it.
#[repr(C)]
pub(crate) struct ErasedVTable {
    pub(crate) frame: VTable,
    /// Starts the unstarted frame on the host stack; `true` if it returned and its result lies in
    /// the frame. If it unwinds, the memory is freed.
    pub(crate) start: unsafe fn(*mut Header, Caller) -> bool,
    /// Where the result lies, in bytes from the header.
    pub(crate) result: usize,
    /// Where [`OwnMemory`] has the call, likewise.
    pub(crate) call: usize,
    pub(crate) layout: Layout,
}

impl ErasedVTable {
    const fn new<B: Body>(frame: VTable) -> Self {
        ErasedVTable {
            frame,
            start: <B::Future as OutlinedErased<B>>::start,
            result: Frame::<B>::RESULT,
            call: offset_of!(OwnMemory<B>, call),
            layout: Layout::new::<OwnMemory<B>>(),
        }
    }
}

/// The vtables of `B`'s erased frames.
struct Erased<B>(B);

impl<B: Body> Erased<B> {
    const UNSTARTED: ErasedVTable = ErasedVTable::new::<B>(VTable {
        resume: <B::Future as StartDeferred<B>>::start_deferred::<Self>,
        drop: drop_unstarted::<B>,
        describe: describe::<B>,
        drop_branches: None,
    });
    const STARTED: ErasedVTable = ErasedVTable::new::<B>(VTable {
        resume: <B::Future as Outlined<B>>::resume,
        drop: drop_and_free::<B, OwnMemory<B>>,
        describe: describe::<B>,
        drop_branches: None,
    });

    // Pointers to whole vtables, though headers hold them as pointers to the first field.
    const fn unstarted() -> *const VTable {
        (&raw const *const { &Self::UNSTARTED }).cast()
    }
}

impl<B: Body> Unstarted<B> for Erased<B> {
    fn started() -> *const VTable {
        (&raw const *const { &Self::STARTED }).cast()
    }

    unsafe fn take(frame: *mut Header, _: *const Driver) -> B {
        // SAFETY: `start_deferred` calls this once, for an unstarted frame, by the vtable of such frames (invariant
        // V): an erased frame holds its body itself.
        unsafe { Origin::body(frame.cast::<Origin<B>>()).read() }
    }
}

/// [`VTable::describe`].
unsafe fn describe<B: Body>(frame: *const Header) -> Description {
    // SAFETY: this vtable is set on frames in an `OwnMemory` only (invariant V), and the chain that the frame is
    // in is suspended or runs on this thread.
    let call = unsafe { (*frame.cast::<OwnMemory<B>>()).call };
    Description { body: body_name::<B>(), call, branches: None }
}

/// The start of an erased frame. (`Self` is the body's future: see `frame/outlined.rs`.)
trait OutlinedErased<B: Body> {
    /// [`ErasedVTable::start`].
    unsafe fn start(header: *mut Header, chain: Caller) -> bool;
}

impl<B: Body> OutlinedErased<B> for B::Future {
    unsafe fn start(header: *mut Header, chain: Caller) -> bool {
        let frame = header.cast::<Frame<B>>();
        // SAFETY: this is called once, on an unstarted frame, which holds its body (invariant V).
        let mut body =
            ManuallyDrop::new(unsafe { Origin::body(header.cast::<Origin<B>>()).read() });
        let unwinding = Free::<OwnMemory<B>>(header.cast());
        // SAFETY: the allocation is the frame's until that has ended (invariant F), `chain` is the caller's (invariant
        // D), and the body is not used again.
        let poll = unsafe {
            Frame::call_as(frame, Passing::of(&raw mut *body), chain, Erased::<B>::started())
        };
        core::mem::forget(unwinding);
        match poll {
            Poll::Ready(given) => {
                // SAFETY: the call of this frame has just given it.
                unsafe { Frame::leave_given(frame, given) };
                true
            }
            Poll::Pending => false,
        }
    }
}

unsafe fn drop_unstarted<B: Body>(frame: *mut Header) {
    let _memory = Free::<OwnMemory<B>>(frame.cast());
    // SAFETY: this vtable is set on unstarted frames only (invariant V), whose body was not moved out; the frame
    // is in no chain, so nobody else drops it.
    unsafe { Origin::body(frame.cast::<Origin<B>>()).drop_in_place() }
}
