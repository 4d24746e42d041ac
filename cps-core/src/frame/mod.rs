//! A frame: a header, and a body in one of three conditions that share the same memory.
//!
//! ```text
//!                                          ┌───────────── Outlined::start ────────────┐
//!        Frame<B>                          │                                          ▼
//!   0 ┌──────────────────┐   Origin::body: written              ┌─ Pending ──▶ suspended ──┐
//!     │ header: vtable   │          │                           │     link          │      │
//!   8 │         caller   │          ▼                           │                   │ resume
//!  16 ├──────────────────┤      unstarted ─ Origin::body ─▶ running ◀───────────────┘      │
//!     │ future │ result  │          │          : read           │                          │
//!     └──────────────────┘          │ Origin::body: dropped     │ Ready     drop_suspended │
//!        Origin<B>                  ▼                           ▼                          ▼
//!     frame │ header, body        ended ◀─ Frame::take_result ─ returned                 ended
//! ```
//!
//! The frame of a call is as large as shown: its arguments lie on the host stack until the body takes them, or, if
//! the call is deferred, in memory of their own (see `frame/deferred.rs`). In its caller's frame it has no room for a
//! result that is larger than the future (see `frame/in_place.rs`). Only a root and an erased coroutine, which are
//! values before they are called, have both in one place: [`Origin`].

pub(crate) mod body;
pub(crate) mod context;
pub(crate) mod deferred;
pub(crate) mod first_poll;
pub(crate) mod in_place;
pub(crate) mod outlined;
pub(crate) mod passing;
pub(crate) mod resume_caller;
mod root_frame;

use core::marker::PhantomData;
use core::mem::{ManuallyDrop, offset_of};
use core::pin::Pin;
use core::ptr;
use core::task::Poll;

use crate::chain::Starting;
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header, VTable};
#[cfg(feature = "alloc")]
use crate::chain::outermost::Parent;
use crate::chain::step::Step;
use crate::frame::body::{Body, ResumeBody, Site};
use crate::frame::first_poll::{Enter, poll as first_poll_of};
use crate::frame::outlined::Outlined;
use crate::frame::passing::{Given, Parts, Passing};

/// A header, and the payload below it in one condition of a frame.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
#[repr(C)]
pub struct Headed<T> {
    header: Header,
    pub(crate) payload: T,
}

/// The memory of a coroutine that has, or soon will have, a place in a chain, in whatever condition. Never moved
/// once it is linked. Only ever reached through a raw pointer.
///
/// (One union, and no type between it and the future: for each level of calls in place rustc descends through the
/// types from one body's future to the next, and it does not go deeper than its `recursion_limit`.)
#[repr(C)]
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub union Frame<B: ResumeBody> {
    running: ManuallyDrop<Headed<B::Future>>,
    returned: ManuallyDrop<Headed<B::Value>>,
    /// Of a frame whose call was deferred: where its body waits (see `frame/deferred.rs`).
    deferred: ManuallyDrop<Headed<*mut ()>>,
}

// SAFETY: a frame owns the body's future, which is `Send` if `B` is (invariant B). A result lies in a frame
// only within one poll.
unsafe impl<B: ResumeBody + Send> Send for Frame<B> {}
// SAFETY: a shared reference to a frame gives access to nothing.
unsafe impl<B: ResumeBody> Sync for Frame<B> {}

impl<B: ResumeBody> Frame<B> {
    /// The place of the result, in bytes from the header.
    #[cfg(feature = "alloc")]
    pub(crate) const RESULT: usize = offset_of!(Headed<B::Value>, payload);

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn header(this: *mut Self) -> *const Header {
        this as *const Header
    }

    /// Where the future is of a frame that runs or is suspended.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn future(this: *mut Self) -> *mut B::Future {
        // SAFETY: in bounds of the frame's memory, which every caller has (invariant F).
        unsafe { &raw mut (*(this as *mut Headed<B::Future>)).payload }
    }

    /// Where the result is of a frame that has returned.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn result(this: *mut Self) -> *mut B::Value {
        // (A frame in place may have no room for it: then this is not used.)
        this.wrapping_byte_add(const { offset_of!(Headed<B::Value>, payload) }).cast()
    }

    /// Where the pointer is to the waiting body of a frame whose call was deferred.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn waiting(this: *mut Self) -> *mut *mut () {
        // SAFETY: in bounds of the frame's memory, which every caller has (invariant F).
        unsafe { &raw mut (*this.cast::<Headed<*mut ()>>()).payload }
    }

    /// Moves the result of a returned frame out.
    ///
    /// # Safety
    /// - The frame has returned.
    /// - Its result was not taken, and is not taken again: by this call the frame ends.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn take_result(this: *mut Self) -> B::Value {
        // SAFETY: the caller has seen the frame return (its await was resumed, or its chain has ended), and takes
        // the result once.
        unsafe { ptr::read(Self::result(this)) }
    }

    /// The result of a returned frame.
    ///
    /// # Safety
    /// - The frame has returned.
    /// - Its result is not taken as long as this reference is used.
    #[cfg(feature = "tracing")]
    pub(crate) unsafe fn result_of<'a>(this: *const Self) -> &'a B::Value {
        // SAFETY: `close_returned`, which calls this, has a frame that has returned, and whose caller was not
        // resumed yet.
        unsafe { &*Self::result(this.cast_mut()) }
    }

    /// Leaves the body's result in the frame.
    ///
    /// # Safety
    /// The frame has ended, or its future has returned.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn put_result(this: *mut Self, result: B::Value) {
        // SAFETY: in bounds of the frame's memory (invariant F), and nothing in the payload is live: a future that has
        // returned owns nothing (invariant E). (Nothing is called that might unwind and have to drop the result.)
        unsafe { Self::result(this).write(result) }
    }

    /// The result of a body that has returned in its start.
    ///
    /// # Safety
    /// It is what this frame's call has given, and is taken once: by this call the frame ends.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn take_given(this: *mut Self, given: Given<B::Value>) -> B::Value {
        // SAFETY: the caller has just been given it, by the call of this frame.
        unsafe { given.take(Self::result(this)) }
    }

    /// Leaves the result of a body that has returned in its start in the frame.
    ///
    /// # Safety
    /// As for [`Frame::take_given`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn leave_given(this: *mut Self, given: Given<B::Value>) {
        // SAFETY: the caller has just been given it, by the call of this frame: nothing else is in the payload
        // (invariant E).
        unsafe { given.leave(Self::result(this)) }
    }

    /// [`Frame::call_as`] for a body whose future is there already, and asks for the chain's parent.
    ///
    /// # Safety
    /// As for [`Outlined::start`]; `write` writes the future to its place, and does not panic.
    #[cfg(feature = "alloc")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call_future(
        this: *mut Self,
        write: impl FnOnce(*mut B::Future),
        chain: Caller,
        vtable: *const VTable,
    ) -> Poll<Given<B::Value>> {
        /// Drops the future if its first poll unwinds.
        struct DropOnUnwind<F>(*mut F);
        impl<F> Drop for DropOnUnwind<F> {
            fn drop(&mut self) {
                // SAFETY: `call_future` has written the future there, and nobody else reaches it before it is
                // linked.
                unsafe { ptr::drop_in_place(self.0) }
            }
        }

        let starting = Starting::new(chain.driver, Self::header(this), vtable);
        let place = Self::future(this);
        write(place);
        let unwinding = DropOnUnwind(place);
        let own = Caller::new(chain.driver, Self::header(this));
        // SAFETY: the memory is not moved until the frame has ended (invariant F): the future is pinned. The body that
        // calls this runs (invariant D), and `link` follows the poll at once (invariant P).
        unsafe {
            let _starting = starting.enter();
            Parent::ask(chain.driver);
            let poll = B::resume(Pin::new_unchecked(&mut *place), own);
            core::mem::forget(unwinding);
            let poll = poll.map(|value| Given::of(value, Self::result(this)));
            if poll.is_pending() {
                link(this as *mut Header, chain.driver, chain.frame, vtable);
            }
            poll
        }
    }

    /// Makes a frame for a body whose call is deferred, and leaves it to the driver.
    ///
    /// # Safety
    /// - `this` is valid for writes, and is the frame's alone until the frame has ended (invariant F).
    /// - `waiting` is where the body lies, until it is taken from there.
    /// - `vtable` is one of unstarted frames (invariant V).
    /// - `caller` is the body that runs (invariant D), and awaits this call at once.
    pub(crate) unsafe fn defer(
        this: *mut Self,
        waiting: *mut (),
        caller: Caller,
        vtable: *const VTable,
    ) {
        // SAFETY: the placement, which calls this, has the frame's memory (invariant F), and the body that runs
        // (invariant D).
        unsafe {
            this.cast::<Header>().write(Header::new(vtable, ptr::null()));
            Self::waiting(this).write(waiting);
            (*caller.driver).defer(Self::header(this), caller.frame);
        }
    }

    /// [`VTable::resume`] without the return to the caller: `None` if the body has returned, and its
    /// result lies in the frame.
    ///
    /// # Safety
    /// - The frame is the leaf of `driver`, which is in a poll.
    /// - The driver's step is `NONE` (invariant S).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn resume_here(this: *mut Self, driver: *const Driver) -> Option<Step> {
        // SAFETY: the frame is the leaf, which the driver resumes in a poll (invariants L, D and S). A future that has
        // returned owns nothing (invariant E).
        unsafe {
            match Self::poll_body(this, driver) {
                Poll::Pending => Some(Driver::pending(driver)),
                Poll::Ready(value) => {
                    Self::put_result(this, value);
                    None
                }
            }
        }
    }

    /// Polls the body of a frame that is resumed.
    ///
    /// # Safety
    /// As for [`Frame::resume_here`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn poll_body(this: *mut Self, driver: *const Driver) -> Poll<B::Value> {
        // SAFETY: the frame is in the chain, so its future was constructed in place, and has not returned (invariant
        // C).
        let future = unsafe { Pin::new_unchecked(&mut *Self::future(this)) };
        let own = Caller { driver, frame: this as *const Header };
        // SAFETY: the frame is the leaf, which the driver resumes in a poll (invariants L and D), and its step is `NONE`
        // (invariant S).
        unsafe {
            Driver::assume_no_step(driver);
            B::resume(future, own)
        }
    }
}

/// Makes the frame of a body that has suspended in its start a part of the chain.
///
/// (As a function of the C ABI it cannot unwind: so no caller needs code that then drops what the caller has.)
///
/// # Safety
/// - `frame` is the frame's memory (invariant F), and its body is suspended.
/// - `vtable` is one of such frames (invariant V).
/// - `caller` is the frame of the body that `driver` runs (invariant D).
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe extern "C" fn link(
    frame: *mut Header,
    driver: *const Driver,
    caller: *const Header,
    vtable: *const VTable,
) {
    // SAFETY: the functions that call this have the frame's memory (invariant F), and have just polled its body for the
    // body that runs (invariant D).
    unsafe {
        frame.write(Header::new(vtable, caller));
        (*driver).suspended_at(frame);
    }
}

impl<B: Body> Frame<B> {
    /// Calls a body with its frame here, at `S`: runs it until it returns or suspends, and then makes
    /// the frame a part of the chain, whose body is the caller.
    ///
    /// # Safety
    /// As for [`Outlined::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call<S: Site>(
        this: *mut Self,
        body: Passing<B>,
        chain: Caller,
    ) -> Poll<Given<B::Output>> {
        // SAFETY: the placement, or the root, which calls this, has the frame's memory (invariant F) and the
        // running body (invariant D).
        unsafe { Self::call_as(this, body, chain, SuspendedAt::<B, S>::VTABLE) }
    }

    /// [`Frame::call`] with the vtable of another kind of memory.
    ///
    /// # Safety
    /// As for [`Outlined::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call_as(
        this: *mut Self,
        body: Passing<B>,
        chain: Caller,
        vtable: *const VTable,
    ) -> Poll<Given<B::Output>> {
        let parts = body.into_parts();
        let starting = Starting::new(chain.driver, this as *const Header, vtable);
        // SAFETY: the placement, or the root, which calls this, has the frame's memory (invariant F) and the
        // running body (invariant D). `link` follows the poll at once (invariant P).
        unsafe {
            let _starting = starting.enter();
            let poll = <B::Future as Outlined<B>>::start(this, parts, chain.driver);
            if poll.is_pending() {
                link(this as *mut Header, chain.driver, chain.frame, vtable);
            }
            poll
        }
    }

    /// [`Frame::call`] with the body compiled where the call is.
    ///
    /// # Safety
    /// As for [`Outlined::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn call_inlined<S: Site>(
        this: *mut Self,
        body: Passing<B>,
        chain: Caller,
    ) -> Poll<Given<B::Output>> {
        let vtable = SuspendedAt::<B, S>::VTABLE;
        let parts = body.into_parts();
        let starting = Starting::new(chain.driver, this as *const Header, vtable);
        // SAFETY: `Embedded::call`, which calls this, has the frame's memory (invariant F) and the running body
        // (invariant D). `link` follows the poll at once (invariant P).
        unsafe {
            let _starting = starting.enter();
            let poll = Self::start_inlined(this, parts, chain.driver);
            if poll.is_pending() {
                link(this as *mut Header, chain.driver, chain.frame, vtable);
            }
            poll
        }
    }

    /// Constructs the future in its place.
    ///
    /// In an unoptimised build this is a function, so that the way of a future there, which is as large as the frames
    /// in it, is not in the host frame of the call as long as that is under way.
    ///
    /// # Safety
    /// The place is valid for writes, and holds nothing; the future is polled first by `first_poll::poll`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn make(place: *mut B::Future, make: B::Make) {
        // SAFETY: `start` and `start_inlined`, and that of a nested body, have the memory (invariant F), and give the future
        // its arguments (invariant E).
        unsafe { place.write(make(Enter::NEW)) }
    }

    /// [`Outlined::start`], compiled where it is called.
    ///
    /// # Safety
    /// As for [`Outlined::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn start_inlined(
        this: *mut Self,
        parts: Parts<B>,
        driver: *const Driver,
    ) -> Poll<Given<B::Output>> {
        // SAFETY: the memory is valid and not moved until the frame has ended (invariant F): the future is pinned.
        // `make` is given the `Enter` that the body awaits first, with its arguments (invariant E); the driver is
        // in a poll (invariant D).
        unsafe {
            let (args, make) = parts.into_both();
            let future = Self::future(this);
            Self::make(future, make);
            let own = Caller { driver, frame: this as *const Header };
            first_poll_of::<B>(Pin::new_unchecked(&mut *future), args, own, Self::result(this))
        }
    }
}

/// The vtable of a suspended frame in its caller's, called at `S`.
pub(crate) struct SuspendedAt<B, S>(PhantomData<(B, S)>);

impl<B: Body, S: Site> SuspendedAt<B, S> {
    pub(crate) const VTABLE: &'static VTable = &VTable {
        resume: Frame::<B>::RESUME_IN_PLACE,
        drop: <B::Future as Outlined<B>>::drop_suspended,
        describe: describe_called::<B, S>,
        drop_branches: None,
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
    unstarted: ManuallyDrop<Headed<B>>,
    // As in a `Frame`.
    running: ManuallyDrop<Headed<B::Future>>,
    returned: ManuallyDrop<Headed<B::Output>>,
    deferred: ManuallyDrop<Headed<*mut ()>>,
}

// SAFETY: it holds a body or is a frame: both are `Send` if the body is (invariant B).
unsafe impl<B: Body + Send> Send for Origin<B> {}
// SAFETY: a shared reference to the memory gives access to nothing.
unsafe impl<B: Body> Sync for Origin<B> {}

impl<B: Body> Origin<B> {
    /// A body, below a header whose vtable is that of an unstarted frame.
    #[cfg(feature = "alloc")]
    pub(crate) fn unstarted(body: B, vtable: *const VTable) -> Self {
        let header = Header::new(vtable, ptr::null());
        Origin { unstarted: ManuallyDrop::new(Headed { header, payload: body }) }
    }

    /// Where an unstarted body is.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn body(this: *mut Self) -> *mut B {
        // SAFETY: in bounds of the memory, which every caller has.
        unsafe { &raw mut (*(this as *mut Headed<B>)).payload }
    }
}
