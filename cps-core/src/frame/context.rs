//! The context of a body: it leads to the driver and the body's frame.
//!
//! What a body awaits finds its chain there, so that no frame needs a pointer to it. For a future that is
//! no coroutine it is exchanged for the context of the poll that is under way (`call::Foreign`): what a
//! user's future sees is the executor's own waker.
//!
//! Only an `.await` that the attribute does not see, in a macro, awaits with this one: a waker like any
//! other, which hands all on. What is awaited there may also write to the context. So the context is not
//! trusted: a body's own is known by the address of its waker's table, and what finds another there acts by its
//! kind:
//!
//! ```text
//!   a call has suspended             pending, which is what it was to say anyway: it has not been polled before, for
//!   (`Suspended`, `Handed`)          the context of a later poll is a new one
//!   a future is to be awaited        pending, and the body is polled again at once with a new context: `ask_again`, which
//!   (`Awaiting`)                     `poll` answers by `Driver::poll_again`
//! ```

use core::future::Future;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::chain::caller::Caller;

/// The waker of a body's context.
///
/// # Safety
/// The chain is valid, and its driver in a poll, for as long as the waker is used.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn waker(chain: &Caller) -> ManuallyDrop<Waker> {
    // SAFETY: by contract the data are valid, and the functions are thread-safe: the driver of a poll that is
    // under way gives access to the executor's waker, which is `Sync`, and is not written while a future
    // has the context of its body.
    ManuallyDrop::new(unsafe { Waker::new(ptr::from_ref(chain).cast(), &IN_CHAIN) })
}

/// Polls a body that was entered.
///
/// # Safety
/// The driver is in a poll; the body is that of the chain's frame.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn poll<F: Future>(body: Pin<&mut F>, chain: Caller) -> Poll<F::Output> {
    // SAFETY: passed on.
    let waker = unsafe { waker(&chain) };
    let mut cx = Context::from_waker(&waker);
    let poll = body.poll(&mut cx);
    if poll.is_pending() && asks_again(&cx) {
        // SAFETY: the driver is in a poll, by contract.
        unsafe { (*chain.driver).poll_again() };
    }
    poll
}

/// The chain of the body that is polled with this context, if it still is the body's own.
///
/// A future that is awaited where the attribute does not see it is polled with the body's context, and may put
/// another in its place, for the rest of that poll. The waker's table tells: safe code has no waker
/// with this table but the one that the body is polled with, whose lifetime is that of the context, and so
/// can put only that one there.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn chain(cx: &Context<'_>) -> Option<Caller> {
    // SAFETY: only `waker` makes wakers with this table, whose data lead to a chain for as long as they are used.
    ptr::eq(cx.waker().vtable(), &raw const IN_CHAIN)
        .then(|| unsafe { *cx.waker().data().cast::<Caller>() })
}

/// Asks whoever polls the body to poll it again, with a context of its own, if it is pending now: for what has
/// found another context there, and needs the chain.
#[cold]
pub(crate) fn ask_again(cx: &mut Context<'_>) {
    // SAFETY: the functions of the table do nothing.
    static WAKER: Waker = unsafe { Waker::new(ptr::null(), &ASKING) };
    *cx = Context::from_waker(&WAKER);
}

/// Whether [`ask_again`] was called, the last time that the context was replaced.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn asks_again(cx: &Context<'_>) -> bool {
    ptr::eq(cx.waker().vtable(), &raw const ASKING)
}

/// The table of the waker that stands for the wish to be polled again.
static ASKING: RawWakerVTable = {
    unsafe fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &ASKING)
    }
    unsafe fn nothing(_: *const ()) {}
    RawWakerVTable::new(clone, nothing, nothing, nothing)
};

/// The table of such wakers.
static IN_CHAIN: RawWakerVTable = {
    /// # Safety
    /// `data` leads to a chain whose driver is in a poll: the contract of every function of the table.
    unsafe fn outer<'a>(data: *const ()) -> &'a Waker {
        // SAFETY: by contract.
        unsafe { (*(*data.cast::<Caller>()).driver).waker() }
    }
    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: passed on: only a body's context has this waker, and it ends before the poll does.
        let waker = ManuallyDrop::new(unsafe { outer(data) }.clone());
        RawWaker::new(waker.data(), waker.vtable())
    }
    unsafe fn wake(data: *const ()) {
        // SAFETY: as in `clone`.
        unsafe { wake_by_ref(data) }
    }
    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: as in `clone`.
        unsafe { outer(data) }.wake_by_ref();
    }
    unsafe fn drop(_: *const ()) {}
    RawWakerVTable::new(clone, wake, wake_by_ref, drop)
};
