//! The first poll of a chain tells whether the chain is polled as a future, which may be a branch.

use core::marker::PhantomData;

use crate::chain::driver::Driver;
#[cfg(feature = "alloc")]
use crate::chain::outermost::Parent;
#[cfg(feature = "alloc")]
use crate::concurrent::frame::{FutureTag, report};

/// The type that a chain is polled as, which is told of the first poll.
pub(crate) trait PolledAs {
    /// The first poll begins.
    ///
    /// # Safety
    /// The driver is in a poll of this type.
    unsafe fn starts(driver: *const Driver);

    /// The chain has suspended in its first poll.
    ///
    /// # Safety
    /// As for [`PolledAs::starts`].
    unsafe fn suspended(driver: *const Driver);
}

/// Polled by a root that is no future, and so no branch.
impl PolledAs for () {
    unsafe fn starts(_: *const Driver) {}

    unsafe fn suspended(_: *const Driver) {}
}

/// Polled as a future of type `F`, which begins with the chain's driver, and has no other driver.
pub(crate) struct AsFuture<F>(PhantomData<F>);

impl<F> PolledAs for AsFuture<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn starts(_driver: *const Driver) {
        // A chain that returns at once, and has no branching points, need not know.
        // SAFETY: the caller has entered the driver in a poll of an `F`, which begins with the driver.
        #[cfg(feature = "alloc")]
        unsafe {
            (*_driver).parent.set(Parent::unasked::<F>());
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn suspended(_driver: *const Driver) {
        // SAFETY: an `AsFuture<F>` is named for an `F` that begins with its driver, and has no other (see the
        // type). The driver is in a poll, by the first waker, which alone tells the parent.
        #[cfg(feature = "alloc")]
        unsafe {
            Parent::ask(_driver);
            report((*_driver).waker(), const { &FutureTag::of_chain::<F>() });
        }
    }
}
