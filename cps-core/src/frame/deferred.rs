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
use crate::frame::body::Body;
use crate::frame::passing::Passing;
use crate::frame::{Frame, resume_caller};

/// A body whose call was deferred, outside of its frame: so a frame need not be as large as the
/// body's arguments, which it hands on.
#[repr(C)]
pub(crate) struct Waiting<B: Body> {
    body: B,
    /// It has a size, also without arguments.
    _size: u8,
}

impl<B: Body> Waiting<B> {
    /// Has the body wait in `memory`, and the driver call it.
    ///
    /// # Safety
    /// `memory` is valid for writes, and stays so until `take` or `drop_body`; `body` is moved out of; the rest is as for
    /// [`Frame::defer`].
    pub(crate) unsafe fn begin(
        memory: *mut Self,
        body: Passing<B>,
        this: *mut Frame<B>,
        caller: Caller,
        vtable: *const VTable,
    ) {
        // SAFETY: by contract.
        unsafe {
            memory.write(Waiting { body: body.into_body(), _size: 0 });
            Frame::defer(this, memory.cast(), caller, vtable);
        }
    }

    /// Where the body of an unstarted frame waits.
    ///
    /// # Safety
    /// The frame was made by `begin` and not started since.
    pub(crate) unsafe fn of(frame: *mut Header) -> *mut Self {
        // SAFETY: by contract.
        unsafe { (*Frame::waiting(frame.cast::<Frame<B>>())).cast() }
    }

    /// Moves the body out.
    ///
    /// # Safety
    /// Just once; or `drop_body` instead.
    pub(crate) unsafe fn take(this: *mut Self) -> B {
        // SAFETY: by contract.
        unsafe { ptr::read(&raw const (*this).body) }
    }

    /// Drops the body.
    ///
    /// # Safety
    /// As for [`Waiting::take`].
    pub(crate) unsafe fn drop_body(this: *mut Self) {
        // SAFETY: by contract.
        unsafe { ptr::drop_in_place(&raw mut (*this).body) }
    }
}

/// What an unstarted frame's vtable has to know beyond its body.
pub(crate) trait Unstarted<B: Body> {
    /// The vtable of the frame once it is started.
    fn started() -> *const VTable;

    /// Moves the body out, and gives up the memory in which it waits.
    ///
    /// # Safety
    /// `frame` heads an unstarted frame of the driver's chain, which is running. This is called
    /// once.
    unsafe fn take(frame: *mut Header, driver: *const Driver) -> B;
}

/// [`VTable::resume`] of an unstarted frame, whose call was deferred.
pub(crate) unsafe fn start_deferred<B: Body, U: Unstarted<B>>(
    frame: *mut Header,
    driver: *const Driver,
) -> Step {
    let this = frame.cast::<Frame<B>>();
    // SAFETY: only unstarted frames have this vtable. It is replaced before the body runs, so that a
    // panic, which leaves the frame as the leaf, finds a started one.
    unsafe {
        let mut body = MaybeUninit::new(U::take(frame, driver));
        let body = Passing::of(body.as_mut_ptr());
        (*frame).vtable.set(U::started());
        match Frame::start(this, body, driver) {
            Poll::Pending => (*driver).pending(),
            Poll::Ready(value) => {
                Frame::put_result(this, value);
                resume_caller!(frame, driver)
            }
        }
    }
}
