//! The context of a body: it leads to the driver and the body's frame.
//!
//! A call that a body awaits finds its chain there, so that no frame needs a pointer to it. A future that is no
//! coroutine is polled with the context of the poll that is under way instead (`call::foreign`), and so sees the
//! executor's own waker.
//!
//! Only an `.await` that the attribute does not see, in a macro, awaits with the body's context. Its waker is like any
//! other: it forwards to the executor's. A future that is awaited there may also overwrite the context. So the context
//! is not trusted: the body's own is known by the address of its waker's table. If another is found there, then:
//!
//! ```text
//!   a call has suspended             it is pending, as it would be anyway: it was not polled before, since each poll
//!   (`Suspended`)                    of the body has a new context
//!   a future is to be awaited        it is pending, and the body is polled again at once with a new context:
//!   (`Awaiting`)                     `ask_again`, which `answer` answers by `Driver::poll_again`
//! ```

use core::future::Future;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::chain::caller::Caller;
use crate::chain::driver::Driver;

/// The waker of a body's context.
///
/// # Safety
/// For as long as the waker is used:
/// - the chain is valid;
/// - its driver is in a poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn waker(chain: &Caller) -> ManuallyDrop<Waker> {
    // SAFETY: `poll` and `first_poll::poll`, the callers, keep the chain valid for as long as the waker is used
    // (invariant X). The functions of the table are thread-safe: they use the executor's waker, which is `Sync`,
    // and which the driver of a poll does not change while a future has the context of its body.
    ManuallyDrop::new(unsafe { Waker::new(ptr::from_ref(chain).cast(), &IN_CHAIN) })
}

/// Polls a body that was entered.
///
/// # Safety
/// - The driver is in a poll.
/// - The body is that of the frame `chain.frame` (invariant D).
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn poll<F: Future>(body: Pin<&mut F>, chain: Caller) -> Poll<F::Output> {
    // SAFETY: the chain is a local of this function, which outlives the waker, and its driver is in a poll
    // (invariant D).
    let waker = unsafe { waker(&chain) };
    let mut cx = Context::from_waker(&waker);
    let poll = body.poll(&mut cx);
    if matches!(poll, Poll::Pending) {
        // SAFETY: the caller's driver is in a poll until this returns (invariant D).
        unsafe { answer(&cx, chain.driver) };
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
    // SAFETY: invariant X: a waker with this table is the one that `poll` or `first_poll::poll` made for the poll
    // that is under way, and its data lead to the chain there.
    ptr::eq(cx.waker().vtable(), &raw const IN_CHAIN)
        .then(|| unsafe { *cx.waker().data().cast::<Caller>() })
}

/// Asks for another poll of the body, with a new context, once the body says that it is pending. A future calls this
/// if it needs the chain and has found another context in the place of the body's.
#[cold]
pub(crate) fn ask_again(cx: &mut Context<'_>) {
    // SAFETY: the functions of the table ignore their data, and do nothing.
    static WAKER: Waker = unsafe { Waker::new(ptr::null(), &ASKING) };
    *cx = Context::from_waker(&WAKER);
}

/// Polls the body again if [`ask_again`] was called, the last time that the context `cx` of its poll was replaced.
///
/// (As a function of the C ABI it cannot unwind: so no poll needs code that then drops the body's result.)
///
/// # Safety
/// The driver is in a poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe extern "C" fn answer(cx: &Context<'_>, driver: *const Driver) {
    if ptr::eq(cx.waker().vtable(), &raw const ASKING) {
        // SAFETY: the polls that call this have a driver in a poll (invariant D).
        unsafe { (*driver).poll_again() };
    }
}

/// The table of the waker that stands for the wish to be polled again.
static ASKING: RawWakerVTable = {
    unsafe fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &ASKING)
    }
    unsafe fn nothing(_: *const ()) {}
    RawWakerVTable::new(clone, nothing, nothing, nothing)
};

/// The table of the wakers of bodies' contexts.
static IN_CHAIN: RawWakerVTable = {
    /// The executor's waker.
    ///
    /// # Safety
    /// `data` leads to a valid chain, whose driver is in a poll.
    unsafe fn outer<'a>(data: *const ()) -> &'a Waker {
        // SAFETY: `clone` and `wake_by_ref`, the callers, are functions of a waker that ends with the poll for
        // which it was made (invariant X): the chain is valid, and its driver in a poll.
        unsafe { (*(*data.cast::<Caller>()).driver).waker() }
    }
    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: the waker is used, so the poll for which it was made is under way (invariant X).
        let waker = ManuallyDrop::new(unsafe { outer(data) }.clone());
        RawWaker::new(waker.data(), waker.vtable())
    }
    unsafe fn wake(data: *const ()) {
        // SAFETY: the waker is used, so the poll for which it was made is under way (invariant X).
        unsafe { wake_by_ref(data) }
    }
    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: the waker is used, so the poll for which it was made is under way (invariant X).
        unsafe { outer(data) }.wake_by_ref();
    }
    unsafe fn drop(_: *const ()) {}
    RawWakerVTable::new(clone, wake, wake_by_ref, drop)
};
