//! What is compiled for each body, apart from its caller: its start, its resume, and its drop.
//!
//! These are functions of this crate, in which the body is inlined. rustc compiles a generic function together with the
//! module in which it is written; a method, with the module of the type that it is implemented for. As functions of
//! this crate's modules they would be compiled in other units than the body's own, and the body, with everything that
//! is inlined in it, in each of these units once more. So they are methods of the body's future, a type of the user's
//! module. (Not default methods: these count as the trait's. The start may be inlined, and so is also compiled where
//! another module calls it.)

use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::Poll;

use super::body::{Body, ResumeBody};
use super::first_poll::poll as first_poll_of;
use super::in_place::hand_over;
use super::passing::{Given, Parts};
use super::resume_caller::resume_caller;
use super::{Frame, Headed};
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::Header;
#[cfg(doc)]
use crate::chain::header::VTable;
use crate::chain::step::Step;

/// The functions that are compiled for a body `B`, whose future is `Self`.
pub(crate) trait Outlined<B: ResumeBody> {
    /// Starts a body on the host stack: constructs its future in place, and runs it until it suspends or returns.
    /// Writes nothing else, in the frame or the driver.
    ///
    /// # Safety
    /// - `this` is valid for writes, and is the frame's alone until the frame has ended (invariant F). It holds no live
    ///   payload.
    /// - The arguments are valid until the body takes them, and nobody else does.
    /// - `driver` is in a poll: between `enter` and the return to the executor. The frame's caller is the body that it
    ///   runs, or the root continuation (invariant D).
    unsafe fn start(
        this: *mut Frame<B>,
        parts: Parts<B>,
        driver: *const Driver,
    ) -> Poll<Given<B::Output>>
    where
        B: Body;

    /// [`VTable::resume`] of a suspended frame.
    ///
    /// # Safety
    /// As the vtable demands; the frame is a `Frame<B>`.
    unsafe fn resume(frame: *mut Header, driver: *const Driver) -> Step;

    /// [`VTable::resume`] of a suspended frame in place whose result does not fit there: see `in_place.rs`.
    ///
    /// # Safety
    /// As for [`Outlined::resume`]; the call ends with [`Frame::take_result_in_place`].
    unsafe fn resume_handing_over(frame: *mut Header, driver: *const Driver) -> Step;

    /// [`VTable::resume`] of a suspended root frame: when that has returned, there is no caller to be resumed, and the
    /// leaf stays as it is.
    ///
    /// # Safety
    /// As for [`Outlined::resume`]; nothing called the frame.
    unsafe fn resume_root(frame: *mut Header, driver: *const Driver) -> Step;

    /// [`VTable::drop`] of a suspended frame in memory that its caller's frame owns.
    ///
    /// # Safety
    /// As the vtable demands; the frame is a `Frame<B>`.
    unsafe fn drop_suspended(frame: *mut Header);
}

impl<B: ResumeBody> Outlined<B> for B::Future {
    #[inline]
    unsafe fn start(
        this: *mut Frame<B>,
        parts: Parts<B>,
        driver: *const Driver,
    ) -> Poll<Given<B::Output>>
    where
        B: Body,
    {
        // Duplicated on purpose: rustc would inline a wrapper that only calls `start_inlined`.
        // SAFETY: the memory is valid and not moved until the frame has ended (invariant F): the future is pinned.
        // `make` is given the `Enter` that the body awaits first, with its arguments (invariant E); the driver is
        // in a poll (invariant D).
        unsafe {
            let (args, make) = parts.into_both();
            let future = Frame::future(this);
            Frame::<B>::make(future, make);
            let own = Caller { driver, frame: this as *const Header };
            first_poll_of::<B>(Pin::new_unchecked(&mut *future), args, own, Frame::result(this))
        }
    }

    unsafe fn resume(frame: *mut Header, driver: *const Driver) -> Step {
        // SAFETY: this function is in vtables of `B`'s frames only, so `frame` heads a `Frame<B>` (invariant V). The
        // driver's loop, or the callee that has returned, resumes the leaf (invariant L) in a poll. A body that has
        // returned has not suspended, so that invariant S holds for its caller.
        unsafe {
            match Frame::resume_here(frame as *mut Frame<B>, driver) {
                Some(step) => step,
                None => resume_caller!(frame, driver),
            }
        }
    }

    unsafe fn resume_handing_over(frame: *mut Header, driver: *const Driver) -> Step {
        // SAFETY: this function is in vtables of `B`'s frames in place only (invariant V). The driver's loop, or the
        // callee that has returned, resumes the leaf (invariant L) in a poll; invariant S holds, as for `resume`.
        unsafe {
            match Frame::poll_body(frame.cast::<Frame<B>>(), driver) {
                Poll::Pending => Driver::pending(driver),
                Poll::Ready(value) => {
                    let value = ManuallyDrop::new(value);
                    hand_over(frame, (&raw const value).cast(), driver)
                }
            }
        }
    }

    unsafe fn resume_root(frame: *mut Header, driver: *const Driver) -> Step {
        // SAFETY: this function is in vtables of `B`'s root frames only, so `frame` heads a `Frame<B>` (invariant V).
        // The driver's loop, or the callee that has returned, resumes the leaf (invariant L) in a poll; invariant S
        // holds, as for `resume`.
        unsafe { Frame::resume_here(frame.cast::<Frame<B>>(), driver) }.unwrap_or(Step::RETURNED)
    }

    unsafe fn drop_suspended(frame: *mut Header) {
        // SAFETY: this function is in vtables of `B`'s frames only (invariant V). The future has suspended or
        // panicked, and `drop_chain`, which has taken the frame out of the chain, drops it once.
        unsafe { ptr::drop_in_place(&raw mut (*(frame as *mut Headed<B::Future>)).payload) }
    }
}
