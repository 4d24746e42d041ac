//! A chain whose head is written by its first poll: the content of a [`Coroutine`](crate::Coroutine).
//!
//! ```text
//!              write_lazy     call_later                start_called
//!   memory ──▶ leaf: null ───▶ leaf: CALLED ──────────────────────────────▶ the root frame is a callee in the chain of
//!                  │                                                        the body that awaits this
//!                  │ start_lazy: the head is written
//!                  ▼
//!              a chain, as in a `Root`
//! ```

use core::mem::{MaybeUninit, offset_of};
use core::ptr;
use core::task::{Context, Poll};

use super::root_memory::{DropInPlace, RootMemory};
use crate::backtrace::running::Running;
use crate::call::generic::is_unpolled;
use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header, VTable, ended, root_continuation};
use crate::chain::host::Host;
use crate::chain::step::Step;
use crate::coroutine::polled_as::PolledAs;
use crate::frame::body::Body;
use crate::frame::outlined::Outlined;
use crate::frame::passing::Passing;
use crate::frame::{Frame, body_name, context};

impl<B: Body> RootMemory<Driver, B, 0> {
    /// Writes a lazy chain: the body, and a null leaf. The first [`RootMemory::poll_lazy`] writes the rest, and
    /// [`RootMemory::drop_lazy`] drops it.
    ///
    /// # Safety
    /// `this` is valid for writes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn write_lazy(this: *mut Self, body: B) {
        // SAFETY: `Coroutine::from_body`, which calls this, has memory for a chain, of which only these two fields
        // must be written. A driver lies at the start (contract of `Head`).
        unsafe {
            Driver::set_leaf_of(this as *mut Driver, ptr::null());
            Self::body(this).write(body);
        }
    }

    /// [`RootMemory::poll`] of a lazy chain.
    ///
    /// # Safety
    /// As for that.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn poll_lazy<P: PolledAs>(
        this: *mut Self,
        cx: &mut Context<'_>,
    ) -> Poll<B::Output> {
        let host = Host::of(cx);
        // SAFETY: the caller has pinned the chain and borrows it exclusively (invariant M): so it does not run, and
        // its leaf says if it was polled.
        unsafe {
            let poll = if Self::leaf(this).is_null() {
                <B::Future as OutlinedLazy<B>>::start_lazy::<P>(this, host)
            } else {
                Self::resume_lazy(this, host)
            };
            Self::result(this, poll)
        }
    }

    /// [`RootMemory::resume`] of a lazy chain, whose leaf may be `CALLED`.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively.
    /// - The leaf is not null.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume_lazy(this: *mut Self, host: Host<'_>) -> Poll<()> {
        let driver = Self::driver(this);
        // SAFETY: `poll_lazy` has the chain pinned and borrowed exclusively, so that it does not run. Either it was
        // started, so that its head is written and its leaf is live (invariant L) or `ENDED`; or the leaf is `CALLED`.
        unsafe {
            Driver::enter(driver, host);
            let running = Running::new(driver);
            let entered = running.enter();
            let step = Driver::take_step(driver);
            drop(entered);
            match Driver::settle_most(driver, step) {
                Some(poll) => poll,
                None => <B::Future as OutlinedLazy<B>>::resume_on(this, step),
            }
        }
    }

    /// The vtable of the root frame if it was called by another chain's body.
    const CALLED_VTABLE: &'static VTable = &VTable {
        resume: <B::Future as Outlined<B>>::resume,
        drop: <B::Future as Outlined<B>>::drop_suspended,
        describe: Self::describe_called,
        drop_branches: None,
    };

    /// [`VTable::describe`] of that.
    unsafe fn describe_called(frame: *const Header) -> Description {
        // SAFETY: the frame is in the memory of a chain, by this vtable (invariant V). The chain's head was
        // written, and the driver was not entered since: the frame has not returned (invariant G).
        let call =
            unsafe { (*frame.byte_sub(offset_of!(Self, frame)).cast::<Driver>()).called_at() };
        Description { body: body_name::<B>(), call, branches: None }
    }

    /// Drops the content of a lazy chain.
    ///
    /// # Safety
    /// As for [`RootMemory::drop_in_place`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn drop_lazy(this: *mut Self) {
        // SAFETY: the owner drops the chain, which nothing runs, once. A chain that was not polled has nothing but
        // the body.
        unsafe {
            if ptr::eq(Self::leaf(this), ended()) {
                drop(DropInPlace((*this).head.as_mut_ptr()));
            } else if is_unpolled(Self::leaf(this)) {
                Self::body(this).drop_in_place();
            } else {
                Self::drop_suspended(this);
            }
        }
    }
}

/// A lazy chain whose outermost body is a `B`.
type LazyMemory<B> = RootMemory<Driver, B, 0>;

/// What is compiled for a lazy chain apart from its poll. (`Self` is the body's future: see `frame/outlined.rs`.)
trait OutlinedLazy<B: Body> {
    /// The first poll of a lazy chain, which writes the chain's head. Not inlined, so that the resume of a suspended chain
    /// is: it is short.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively, by a poll as `P` says.
    /// - The leaf is null.
    unsafe fn start_lazy<P: PolledAs>(this: *mut LazyMemory<B>, host: Host<'_>) -> Poll<()>;

    /// The rest of [`RootMemory::resume_lazy`]. (One function for what is rare, so that a poll is short.)
    ///
    /// # Safety
    /// As for that; `step` is the one of the leaf, and not settled.
    unsafe fn resume_on(this: *mut LazyMemory<B>, step: Step) -> Poll<()>;

    /// The first poll of a lazy chain that a body awaits without knowing it: calls the root frame in that body's chain.
    /// See `call/generic.rs`.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively, its driver was entered, and its leaf is `CALLED`.
    /// - The context that the driver was entered with is that of the body which awaits this (contract of
    ///   [`LazyChain`](crate::call::generic::LazyChain)).
    unsafe fn start_called(this: *mut LazyMemory<B>) -> Poll<()>;
}

impl<B: Body> OutlinedLazy<B> for B::Future {
    #[inline(never)]
    unsafe fn start_lazy<P: PolledAs>(this: *mut LazyMemory<B>, host: Host<'_>) -> Poll<()> {
        // SAFETY: the chain was not polled: nothing of the head is used, and its leaf is null.
        unsafe {
            Driver::begin(LazyMemory::<B>::driver(this).cast_mut(), host, P::OUTSET);
            LazyMemory::<B>::start_here::<P>(this)
        }
    }

    #[inline(never)]
    unsafe fn resume_on(this: *mut LazyMemory<B>, step: Step) -> Poll<()> {
        let driver = LazyMemory::<B>::driver(this);
        if step == Step::CALLED {
            // SAFETY: the leaf is `CALLED`, and `resume_lazy` has entered the driver.
            return unsafe { Self::start_called(this) };
        }
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: the chain was started, is pinned, and its driver was entered by `resume_lazy`.
        unsafe { Driver::settle_others(driver, step) }
    }

    #[inline(never)]
    unsafe fn start_called(this: *mut LazyMemory<B>) -> Poll<()> {
        let driver = LazyMemory::<B>::driver(this);
        // SAFETY: `resume_lazy` has entered the driver; nothing else has the context.
        let chain = context::chain(unsafe { Driver::context_of(driver) });
        // (If this panicked, nothing would have begun.)
        let chain = chain.expect("the context of a body");
        // SAFETY: the leaf is `CALLED`, so `call_later` has noted the call, and only `enter` has written to the driver
        // since.
        let at = unsafe { Driver::noted_call(driver) };
        // SAFETY: the memory is pinned, and nothing in the head is used any more.
        let own = unsafe {
            (*this).head.write(Driver::new());
            &*driver
        };
        // As long as it is not suspended, and if it panics now, there is nothing but the head.
        own.leaf.set(ended());
        own.set_called_at(at);
        // SAFETY: the chain was not polled, so the body is there. The leaf keeps it from being taken again.
        let mut body = unsafe { LazyMemory::<B>::body(this).cast::<MaybeUninit<B>>().read() };
        // SAFETY: invariant G. The memory is that of a future that the running body (invariant D) awaits by value: it
        // stays valid until the call has ended (invariant F), since only the driver of the body's chain ends frames,
        // the callee's first. When it has returned the body is resumed (invariant L), and this is polled again: to
        // the driver here the chain has returned then, and the result is in its frame.
        let poll = unsafe {
            let body = Passing::of(body.as_mut_ptr());
            Frame::call_as(
                LazyMemory::<B>::frame(this),
                body,
                chain,
                LazyMemory::<B>::CALLED_VTABLE,
            )
        };
        if poll.is_pending() {
            own.leaf.set(root_continuation());
        }
        // SAFETY: the call of this frame has just given it.
        poll.map(|given| unsafe { Frame::leave_given(LazyMemory::<B>::frame(this), given) })
    }
}
