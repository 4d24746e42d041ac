//! The context of a body: it leads to the driver and the body's frame.
//!
//! What a body awaits finds its chain there, so that no frame needs a pointer to it. For a future that is
//! no coroutine it is exchanged for the context of the poll that is under way (`call::Foreign`): what a
//! user's future sees is the executor's own waker.
//!
//! Only an `.await` that the attribute does not see, in an unknown macro, awaits with this one: a waker
//! like any other, which hands all on.

use core::future::Future;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::chain::Chain;

/// The waker of a body's context.
///
/// # Safety
/// The chain is valid, and its driver in a poll, for as long as the waker is used.
#[inline(always)]
pub(crate) unsafe fn waker(chain: &Chain) -> ManuallyDrop<Waker> {
    // SAFETY: by contract the data are valid, and the functions are thread-safe: the driver of a poll that is
    // under way gives access to the executor's waker, which is `Sync`, and is not written while a future
    // has the context of its body.
    ManuallyDrop::new(unsafe { Waker::new(ptr::from_ref(chain).cast(), &IN_CHAIN) })
}

/// Polls a body that was entered.
///
/// # Safety
/// The driver is in a poll; the body is that of the chain's frame.
#[inline(always)]
pub(crate) unsafe fn poll<F: Future>(body: Pin<&mut F>, chain: Chain) -> Poll<F::Output> {
    // SAFETY: passed on.
    let waker = unsafe { waker(&chain) };
    body.poll(&mut Context::from_waker(&waker))
}

/// The chain of the body whose context this is.
///
/// # Safety
/// It is that of a body: which was entered, and awaits what calls this.
#[inline(always)]
pub(crate) unsafe fn chain(cx: &Context<'_>) -> Chain {
    // SAFETY: by contract the waker is one of `waker`.
    unsafe { *cx.waker().data().cast::<Chain>() }
}

/// The table of such wakers.
static IN_CHAIN: RawWakerVTable = {
    /// # Safety
    /// `data` leads to a chain whose driver is in a poll: the contract of every function of the table.
    unsafe fn outer<'a>(data: *const ()) -> &'a Waker {
        // SAFETY: by contract.
        unsafe { (*(*data.cast::<Chain>()).driver).waker() }
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
