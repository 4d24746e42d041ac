//! A frame: a header, and a body in one of three conditions that share the same memory.
//!
//! ```text
//!                                          ┌────────────── Frame::start ──────────────┐
//!        Frame<B>                          │                                          ▼
//!   0 ┌──────────────────┐   Origin::unstarted                  ┌─ Pending ──▶ suspended ──┐
//!     │ header: vtable   │          │                           │    Frame::link    │      │
//!   8 │         caller   │          ▼                           │                   │ resume
//!  16 ├──────────────────┤      unstarted ─ Origin::take ─▶ running ◀───────────────┘      │
//!     │ future │ result  │          │                           │                          │
//!     └──────────────────┘          │ Origin::drop_unstarted    │ Ready     drop_suspended │
//!        Origin<B>                  ▼                           ▼                          ▼
//!     frame │ (args, make)        ended ◀─ Frame::take_result ─ returned                 ended
//! ```
//!
//! The frame of a call is as large as shown: its arguments lie on the host stack until the body takes
//! them, or, if the call is deferred, in memory of their own (see `deferred`). Only what is a value
//! before it is called, a root or an erased coroutine, has both in one place: [`Origin`].

use core::cell::UnsafeCell;
use core::future::Future;
use core::marker::{PhantomData, PhantomPinned};
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::body::{Body, Entry, NoSite, Scope, Site};
use crate::driver::{Description, Driver, Header, Step, VTable, ended, root_continuation};
use crate::enter::Enter;

/// The memory shared by the conditions of a frame.
#[repr(C)]
pub(crate) union Payload<B: Body> {
    future: ManuallyDrop<B::Future>,
    result: ManuallyDrop<B::Output>,
}

/// A coroutine that has, or soon will have, a place in a chain. Never moved once it is linked.
#[repr(C)]
pub(crate) struct Frame<B: Body> {
    header: Header,
    payload: UnsafeCell<Payload<B>>,
    _body: PhantomData<B>,
    _pinned: PhantomPinned,
}

// SAFETY: a frame owns the body's arguments, which are part of `B`, or the body's future, which is
// `Send` if `B` is (contract of `Body`). A result lies in a frame only within one poll.
unsafe impl<B: Body + Send> Send for Frame<B> {}
// SAFETY: a shared reference to a frame gives access to nothing.
unsafe impl<B: Body> Sync for Frame<B> {}

impl<B: Body> Frame<B> {
    /// Where the payload, and so the result, lies in bytes from the header.
    #[cfg(feature = "alloc")]
    pub(crate) const PAYLOAD: usize = core::mem::offset_of!(Frame<B>, payload);

    #[inline(always)]
    pub(crate) fn header(this: *mut Self) -> *const Header {
        this.cast()
    }

    #[inline(always)]
    pub(crate) fn payload(this: *mut Self) -> *mut Payload<B> {
        // SAFETY: in bounds of the frame's allocation, which every caller has.
        unsafe { UnsafeCell::raw_get(&raw const (*this).payload) }
    }

    /// Moves the result of a returned frame out.
    ///
    /// # Safety
    /// The frame has returned and its result was not taken; afterwards it is ended.
    #[inline(always)]
    pub(crate) unsafe fn take_result(this: *mut Self) -> B::Output {
        // SAFETY: by contract.
        unsafe { ptr::read(Self::payload(this).cast()) }
    }

    /// # Safety
    /// The frame is ended, or its future has returned.
    #[inline(always)]
    pub(crate) unsafe fn put_result(this: *mut Self, result: B::Output) {
        // SAFETY: nothing in the payload is live: a future that has returned owns nothing
        // (contract of `Body`).
        unsafe { Self::payload(this).cast::<B::Output>().write(result) }
    }

    /// Completes the header of a frame in its caller's memory, or of the root frame, whose body
    /// has suspended for the first time. It was called at `S`.
    ///
    /// # Safety
    /// `this` is valid for writes of its header.
    #[inline(always)]
    pub(crate) unsafe fn link<S: Site>(this: *mut Self, caller: *const Header) {
        // SAFETY: passed on.
        unsafe { Self::link_as(this, Suspended::<B, S>::VTABLE, caller) }
    }

    /// [`Frame::link`] for a frame that is ended otherwise.
    ///
    /// # Safety
    /// As for [`Frame::link`].
    #[inline(always)]
    pub(crate) unsafe fn link_as(this: *mut Self, vtable: *const VTable, caller: *const Header) {
        // SAFETY: by contract.
        unsafe { (&raw mut (*this).header).write(Header::new(vtable, caller)) }
    }

    /// Calls a body with its frame here, at `S`: [`Frame::start`], and [`Frame::link`] if it suspends.
    ///
    /// # Safety
    /// As for [`Frame::start`].
    #[inline(always)]
    pub(crate) unsafe fn call<S: Site>(
        this: *mut Self,
        parts: (B::Args, B::Make),
        driver: *const Driver,
        caller: *const Header,
    ) -> Poll<B::Output> {
        // SAFETY: passed on.
        unsafe { Self::call_as(this, parts, driver, caller, Suspended::<B, S>::VTABLE) }
    }

    /// [`Frame::call`] for a frame that is ended otherwise.
    ///
    /// With the feature `backtrace` the frame is linked first, to be seen while it runs.
    ///
    /// # Safety
    /// As for [`Frame::start`].
    #[inline(always)]
    pub(crate) unsafe fn call_as(
        this: *mut Self,
        parts: (B::Args, B::Make),
        driver: *const Driver,
        caller: *const Header,
        vtable: *const VTable,
    ) -> Poll<B::Output> {
        // SAFETY: passed on.
        unsafe {
            if cfg!(feature = "backtrace") {
                Self::link_as(this, vtable, caller);
            }
            let poll = Self::start(this, parts, driver, caller);
            if poll.is_pending() && !cfg!(feature = "backtrace") {
                Self::link_as(this, vtable, caller);
            }
            poll
        }
    }

    /// Starts the root frame of a chain, which has no other: [`Frame::start`], and [`Frame::link`] to
    /// the root continuation if it suspends.
    ///
    /// # Safety
    /// As for [`Frame::start`]; the leaf is [`ended`].
    #[inline(always)]
    pub(crate) unsafe fn start_root(
        this: *mut Self,
        parts: (B::Args, B::Make),
        driver: *const Driver,
    ) -> Poll<B::Output> {
        // SAFETY: passed on.
        unsafe {
            if cfg!(feature = "backtrace") {
                Self::link::<NoSite>(this, root_continuation());
            }
            let poll = Self::start(this, parts, driver, ended());
            if poll.is_pending() && !cfg!(feature = "backtrace") {
                Self::link::<NoSite>(this, root_continuation());
            }
            poll
        }
    }

    /// [`VTable::resume`] without the return to the caller.
    ///
    /// # Safety
    /// As for that.
    #[inline(always)]
    pub(crate) unsafe fn resume_here(this: *mut Self, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: passed on; a future that has returned is not used again.
        unsafe { Self::poll(this, cx).map(|value| Self::put_result(this, value)) }
    }

    /// Polls the body.
    ///
    /// # Safety
    /// As for [`VTable::resume`].
    #[inline(always)]
    unsafe fn poll(this: *mut Self, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: the future was constructed in place and has not returned (invariant C).
        unsafe {
            Enter::assert_over(cx);
            let future = Self::payload(this).cast::<B::Future>();
            Pin::new_unchecked(&mut *future).poll(cx).map(B::output)
        }
    }

    /// Starts the frame of a call on the host stack: constructs the body's future in place and runs
    /// it until it suspends or returns. The header is left alone.
    ///
    /// Invariant L is upheld: while the body runs the leaf is this frame; if it suspends, the leaf
    /// is what it left; if it returns or panics, the leaf is `caller` again.
    ///
    /// # Safety
    /// `this` is valid for writes and stays so until the frame has ended; it holds no live
    /// payload. `driver` is in a poll (between `enter` and the return to the executor), and its
    /// leaf is `caller`.
    #[inline(always)]
    pub(crate) unsafe fn start(
        this: *mut Self,
        parts: (B::Args, B::Make),
        driver: *const Driver,
        caller: *const Header,
    ) -> Poll<B::Output> {
        let restore = Restore(driver, caller);
        // SAFETY: passed on.
        let poll = unsafe { Self::first_poll(this, parts, driver) };
        if poll.is_pending() {
            core::mem::forget(restore);
        }
        poll
    }

    /// [`Frame::call_as`] for a body whose future is there already.
    ///
    /// # Safety
    /// As for [`Frame::start`].
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) unsafe fn call_future(
        this: *mut Self,
        future: B::Future,
        driver: *const Driver,
        caller: *const Header,
        vtable: *const VTable,
    ) -> Poll<B::Output> {
        /// Drops the future if its first poll unwinds.
        struct DropOnUnwind<F>(*mut F);
        impl<F> Drop for DropOnUnwind<F> {
            fn drop(&mut self) {
                // SAFETY: it was constructed there, and is not reached by anybody else.
                unsafe { ptr::drop_in_place(self.0) }
            }
        }

        let restore = Restore(driver, caller);
        // SAFETY: as in `first_poll`; the future is dropped just once, here or by who ends the frame.
        unsafe {
            if cfg!(feature = "backtrace") {
                Self::link_as(this, vtable, caller);
            }
            (*driver).leaf.set(Self::header(this));
            let place = Self::payload(this).cast::<B::Future>();
            place.write(future);
            let unwinding = DropOnUnwind(place);
            let mut cx = Context::from_waker((*driver).waker());
            let poll = Pin::new_unchecked(&mut *place).poll(&mut cx).map(B::output);
            core::mem::forget(unwinding);
            if poll.is_pending() {
                core::mem::forget(restore);
                if !cfg!(feature = "backtrace") {
                    Self::link_as(this, vtable, caller);
                }
            }
            poll
        }
    }

    /// The future of a suspended frame.
    #[cfg(feature = "alloc")]
    pub(crate) fn future(this: *const Header) -> *const B::Future {
        Self::payload(this.cast_mut().cast()).cast()
    }

    /// The part of [`Frame::start`] that is a function of its own. That the leaf is restored in
    /// the caller's code, where it is at hand in a register, saves its spill here.
    ///
    /// # Safety
    /// As for [`Frame::start`].
    #[inline]
    unsafe fn first_poll(
        this: *mut Self,
        (args, make): (B::Args, B::Make),
        driver: *const Driver,
    ) -> Poll<B::Output> {
        // SAFETY: the entry outlives the first poll, in which the body takes the arguments
        // (contract of `Body`). The future is constructed in memory that is valid by contract and
        // not moved until it has returned or been dropped: it is pinned.
        unsafe {
            // Before the future is written: no store may come between that and the poll, or LLVM
            // must assume that it changed the future's state and dispatch on it.
            (*driver).leaf.set(Self::header(this));
            let entry = Entry { driver, args: ManuallyDrop::new(args) };
            let future = Self::payload(this).cast::<B::Future>();
            future.write(make(Scope::new(&entry)));
            let waker = Enter::waker(driver);
            let mut cx = Context::from_waker(&waker);
            Pin::new_unchecked(&mut *future).poll(&mut cx).map(B::output)
        }
    }
}

/// Restores the leaf when a body returns from its first poll, or that unwinds. It is made with a driver that
/// outlives the poll.
struct Restore(*const Driver, *const Header);

impl Drop for Restore {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the driver outlives the poll.
        unsafe { (*self.0).leaf.set(self.1) }
    }
}

/// The vtable of a suspended frame in memory that its caller's frame owns, or that of a root, called
/// at `S`.
pub(crate) struct Suspended<B, S>(PhantomData<(B, S)>);

impl<B: Body, S: Site> Suspended<B, S> {
    pub(crate) const VTABLE: &'static VTable = &VTable {
        resume: resume::<B>,
        drop: drop_suspended::<B>,
        describe: describe_called::<B, S>,
    };
}

/// [`VTable::describe`] of a frame whose call is known by its vtable.
pub(crate) unsafe fn describe_called<B: Body, S: Site>(_: *const Header) -> Description {
    Description { body: body_name::<B>(), call: S::AT, branches: None }
}

/// See [`Description`]: the body's maker is a closure in the function, or in what contains a block.
pub(crate) fn body_name<B: Body>() -> &'static str {
    core::any::type_name::<B::Make>()
}

/// Memory that holds an unstarted body first and its frame later.
#[repr(C)]
pub(crate) union Origin<B: Body> {
    unstarted: ManuallyDrop<Inside<B>>,
    pub(crate) frame: ManuallyDrop<Frame<B>>,
}

#[repr(C)]
struct Inside<B: Body> {
    header: Header,
    parts: (B::Args, B::Make),
}

impl<B: Body> Origin<B> {
    #[inline(always)]
    pub(crate) fn unstarted(body: B, vtable: *const VTable) -> Self {
        let header = Header::new(vtable, ptr::null());
        Origin { unstarted: ManuallyDrop::new(Inside { header, parts: body.into_parts() }) }
    }

    /// Moves the unstarted body out.
    ///
    /// # Safety
    /// `this` is unstarted; afterwards it is ended.
    #[inline(always)]
    pub(crate) unsafe fn take(this: *mut Self) -> (B::Args, B::Make) {
        // SAFETY: by contract.
        unsafe { ptr::read(&raw const (*this.cast::<Inside<B>>()).parts) }
    }

    /// Drops the unstarted body.
    ///
    /// # Safety
    /// As for [`Origin::take`].
    pub(crate) unsafe fn drop_unstarted(this: *mut Self) {
        // SAFETY: by contract.
        unsafe { ptr::drop_in_place(&raw mut (*this.cast::<Inside<B>>()).parts) }
    }
}

/// Ends a resume function whose body has returned: `leaf` becomes the caller, and the caller is
/// resumed.
///
/// On stable by a call, within a budget of host stack, and beyond it by the driver's loop; with
/// the feature `tail-call` by a jump. A macro, since `become` must stand in the function that ends.
#[cfg(not(feature = "tail-call"))]
macro_rules! resume_caller {
    ($frame:expr, $cx:expr, $driver:expr) => {{
        let caller = (*$frame).caller.get();
        (*$driver).leaf.set(caller);
        if (*$driver).may_nest_return() {
            ((*(*caller).vtable.get()).resume)(caller.cast_mut(), $cx, $driver)
        } else {
            Step::CONTINUE
        }
    }};
}
#[cfg(feature = "tail-call")]
macro_rules! resume_caller {
    ($frame:expr, $cx:expr, $driver:expr) => {{
        let caller = (*$frame).caller.get();
        (*$driver).leaf.set(caller);
        become ((*(*caller).vtable.get()).resume)(caller.cast_mut(), $cx, $driver)
    }};
}
pub(crate) use resume_caller;

/// [`VTable::resume`] of a suspended frame.
pub(crate) unsafe fn resume<B: Body>(
    frame: *mut Header,
    cx: &mut Context<'_>,
    driver: *const Driver,
) -> Step {
    let this = frame.cast::<Frame<B>>();
    // SAFETY: this function is in vtables of `B`'s frames only, so `frame` heads a `Frame<B>`; the
    // rest is passed on.
    unsafe {
        match Frame::poll(this, cx) {
            Poll::Pending => (*driver).pending(),
            Poll::Ready(value) => {
                Frame::put_result(this, value);
                resume_caller!(frame, cx, driver)
            }
        }
    }
}

/// [`VTable::drop`] of a suspended frame in memory that its caller's frame owns.
pub(crate) unsafe fn drop_suspended<B: Body>(frame: *mut Header) {
    // SAFETY: as in `resume`; the future suspended or panicked, and is dropped just once
    // (contract of `VTable::drop`).
    unsafe { ptr::drop_in_place(Frame::payload(frame.cast::<Frame<B>>()).cast::<B::Future>()) }
}
