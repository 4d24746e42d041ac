//! Calls that nest too deep on the host stack, and are started by the driver's loop instead.
//!
//! ```text
//!                  Driver::defer                     start_deferred
//!   Waiting::begin ─────────────▶ an unstarted leaf ───────────────▶ a frame that runs
//!                                         │
//!                                         └─ Waiting::drop_body ──▶ ended
//! ```

use core::mem::MaybeUninit;
use core::ptr;
use core::task::Poll;

use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};
use crate::chain::step::Step;
use crate::frame::Frame;
use crate::frame::body::Body;
use crate::frame::outlined::Outlined;
use crate::frame::passing::Passing;
use crate::frame::resume_caller::resume_caller;

/// A body whose call was deferred. It lies outside of its frame, so that a frame need not be as large as the arguments.
#[repr(C)]
pub(crate) struct Waiting<B: Body> {
    body: B,
    /// So that it has a size if the body has none.
    _size: u8,
}

impl<B: Body> Waiting<B> {
    /// Puts the body in `memory`, from where the driver starts it later.
    ///
    /// # Safety
    /// - `memory` is valid for writes, and stays so until [`Waiting::take`] or [`Waiting::drop_body`].
    /// - `this`, `caller` and `vtable` are as [`Frame::defer`] demands.
    pub(crate) unsafe fn begin(
        memory: *mut Self,
        body: Passing<B>,
        this: *mut Frame<B>,
        caller: Caller,
        vtable: *const VTable,
    ) {
        // SAFETY: `memory` was allocated or pushed for this by the placement, which calls this. The call is
        // deferred by the running body (invariant D), and the frame's memory is its own (invariant F).
        unsafe {
            memory.write(Waiting { body: body.into_body(), _size: 0 });
            Frame::defer(this, memory.cast(), caller, vtable);
        }
    }

    /// Where the body of an unstarted frame waits.
    ///
    /// # Safety
    /// `begin` has made the frame, and it was not started since.
    pub(crate) unsafe fn of(frame: *mut Header) -> *mut Self {
        // SAFETY: `begin` has made the frame, and the callers are in vtables of such frames that were not started
        // (invariant V): so the pointer is there.
        unsafe { (*Frame::waiting(frame.cast::<Frame<B>>())).cast() }
    }

    /// Moves the body out.
    ///
    /// # Safety
    /// - `begin` has written the body there.
    /// - This is called once, and [`Waiting::drop_body`] is not.
    pub(crate) unsafe fn take(this: *mut Self) -> B {
        // SAFETY: `Unstarted::take`, which calls this once for a frame, has the place where `begin` put the body.
        unsafe { ptr::read(&raw const (*this).body) }
    }

    /// Drops the body.
    ///
    /// # Safety
    /// - `begin` has written the body there.
    /// - This is called once, and [`Waiting::take`] is not.
    pub(crate) unsafe fn drop_body(this: *mut Self) {
        // SAFETY: the `drop` of an unstarted frame's vtable, which calls this, does so instead of `take` (invariant
        // V).
        unsafe { ptr::drop_in_place(&raw mut (*this).body) }
    }
}

/// What an unstarted frame's vtable must know besides the body's type.
pub(crate) trait Unstarted<B: Body> {
    /// The vtable of the frame once it is started.
    fn started() -> *const VTable;

    /// Moves the body out, and gives up the memory in which it waits.
    ///
    /// # Safety
    /// - `frame` heads an unstarted frame, with a vtable of this type.
    /// - It is in the driver's chain, which runs.
    /// - This is called once for a frame.
    unsafe fn take(frame: *mut Header, driver: *const Driver) -> B;
}

/// The function that starts a body `B`, whose future is `Self` (see `outlined.rs`).
pub(crate) trait StartDeferred<B: Body> {
    /// [`VTable::resume`] of an unstarted frame, whose call was deferred.
    ///
    /// # Safety
    /// As the vtable demands, which is one of `U`.
    unsafe fn start_deferred<U: Unstarted<B>>(frame: *mut Header, driver: *const Driver) -> Step;
}

impl<B: Body> StartDeferred<B> for B::Future {
    unsafe fn start_deferred<U: Unstarted<B>>(frame: *mut Header, driver: *const Driver) -> Step {
        let this = frame.cast::<Frame<B>>();
        // SAFETY: only unstarted frames have this vtable (invariant V), and it is replaced below: this is called once.
        let mut body = MaybeUninit::new(unsafe { U::take(frame, driver) });
        // SAFETY: the body is not used again. The vtable is that of a started frame before the body runs, so that a
        // panic, which leaves the frame as the leaf, finds a started one.
        let body = unsafe {
            (*frame).vtable.set(U::started());
            Passing::of(body.as_mut_ptr())
        };
        // SAFETY: the frame's memory is its own until it has ended (invariant F). It is the leaf of a driver in a poll,
        // whose loop calls this (invariants L and D). A body that has returned leaves nothing in its frame (invariant
        // E).
        unsafe {
            match <B::Future as Outlined<B>>::start(this, body.into_parts(), driver) {
                Poll::Pending => Driver::pending(driver),
                Poll::Ready(given) => {
                    Frame::leave_given(this, given);
                    resume_caller!(frame, driver)
                }
            }
        }
    }
}
