//! The first poll of a chain tells whether the chain is polled as a future, which may be a branch.

use core::marker::PhantomData;
use core::task::Waker;

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

    /// The chain has suspended.
    fn suspended(waker: &Waker);
}

/// Polled by a root that is no future, and so no branch.
impl PolledAs for () {
    unsafe fn starts(_: *const Driver) {}

    fn suspended(_: &Waker) {}
}

/// Polled as a future of type `F`, which begins with the chain's driver, and has no other driver.
pub(crate) struct AsFuture<F>(PhantomData<F>);

impl<F> PolledAs for AsFuture<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn starts(_driver: *const Driver) {
        // SAFETY: the caller has entered the driver in a poll of an `F`, which begins with the driver: so that is
        // the future's address.
        #[cfg(feature = "alloc")]
        unsafe {
            (*_driver).parent.set(Parent::of_branch((*_driver).waker(), _driver.cast::<F>()));
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn suspended(_waker: &Waker) {
        // SAFETY: an `AsFuture<F>` is named for an `F` that begins with its driver, and has no other (see the
        // type).
        #[cfg(feature = "alloc")]
        report(_waker, const { &unsafe { FutureTag::of_chain::<F>() } });
    }
}
