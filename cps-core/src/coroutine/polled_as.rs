//! The first poll of a chain tells whether the chain is polled as a future, which may be a branch.

use core::marker::PhantomData;
use core::task::Poll;

use crate::chain::driver::{Driver, Outset};
#[cfg(feature = "alloc")]
use crate::chain::outermost::Parent;
use crate::chain::step::Step;
#[cfg(feature = "alloc")]
use crate::concurrent::frame::{FutureTag, report};
#[cfg(feature = "alloc")]
use crate::wake_set::is_first;

/// The type that a chain is polled as, which is told of the first poll.
pub(crate) trait PolledAs {
    /// What a driver has when the first poll begins.
    const OUTSET: &'static Outset;

    /// [`Driver::settle`], after the start of the root frame.
    ///
    /// # Safety
    /// As for that; `step` is what the driver has.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn settle(driver: *const Driver, step: Step) -> Poll<()> {
        // SAFETY: `start_here`, which calls this, has started the chain in a poll of the driver.
        unsafe { Driver::settle(driver, step) }
    }

    /// The chain has suspended in its first poll, which ends with the value of this: it is pending.
    ///
    /// # Safety
    /// The driver is in a poll of this type.
    unsafe fn suspended(driver: *const Driver) -> Poll<()>;
}

/// Polled by a generator's root, which is no future, and so no branch.
pub(crate) struct AsGenerator;

impl PolledAs for AsGenerator {
    const OUTSET: &'static Outset = &Outset::new(
        #[cfg(feature = "alloc")]
        Parent::NONE,
    );

    /// Leaves an item's step in the driver, for the root to find.
    unsafe fn settle(driver: *const Driver, step: Step) -> Poll<()> {
        if step.has_item() {
            return Poll::Pending;
        }
        // SAFETY: `start_here`, which calls this, has started the chain in a poll of the driver.
        unsafe { Driver::settle(driver, step) }
    }

    unsafe fn suspended(_: *const Driver) -> Poll<()> {
        Poll::Pending
    }
}

/// Polled as a future of type `F`, which begins with the chain's driver, and has no other driver.
pub(crate) struct AsFuture<F>(PhantomData<F>);

impl<F> PolledAs for AsFuture<F> {
    // A chain that returns at once, and has no branching points, need not know its parent.
    const OUTSET: &'static Outset = &Outset::new(
        #[cfg(feature = "alloc")]
        Parent::unasked::<F>(),
    );

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn suspended(_driver: *const Driver) -> Poll<()> {
        /// # Safety
        /// As for [`PolledAs::suspended`], by the first waker of a branch.
        #[cfg(feature = "alloc")]
        #[inline(never)]
        unsafe fn in_branch(driver: *const Driver, tag: &'static FutureTag) -> Poll<()> {
            // SAFETY: the poll that has ended with a suspension is still under way (invariant D).
            unsafe {
                Parent::ask(driver);
                report((*driver).waker(), tag);
            }
            Poll::Pending
        }

        // SAFETY: an `AsFuture<F>` is named for an `F` that begins with its driver, and has no other (see the
        // type). The driver is in a poll, by the first waker, which alone tells the parent.
        #[cfg(feature = "alloc")]
        unsafe {
            if is_first((*_driver).waker()) {
                return in_branch(_driver, const { &FutureTag::of_chain::<F>() });
            }
            (*_driver).parent.set(Parent::NONE);
        }
        Poll::Pending
    }
}
