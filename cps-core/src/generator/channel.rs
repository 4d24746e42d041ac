//! Where an item lies on its way from the body that yields it to whoever asked for it.

use core::cell::UnsafeCell;

use crate::chained::Head;
use crate::driver::Driver;
use crate::stack::FrameStack;

/// A driver and the slot for an item: what stands before the root frame of a generator.
///
/// The slot is full from `yield_`, which is what a body does last before the chain suspends, until
/// the poll that ran the body is over: nothing of the user's runs in between.
#[repr(C)]
pub(crate) struct Channel<T> {
    driver: Driver,
    item: UnsafeCell<Option<T>>,
}

// SAFETY: `repr(C)`, and the driver comes first. The slot is empty outside of a poll.
unsafe impl<T> Head for Channel<T> {
    #[inline(always)]
    fn with_stack(stack: FrameStack) -> Self {
        Channel { driver: Driver::with_stack(stack), item: UnsafeCell::new(None) }
    }
}

impl<T> Channel<T> {
    /// # Safety
    /// `driver` heads a live channel, by a pointer to the whole of it, and nothing refers to its
    /// slot.
    #[inline(always)]
    unsafe fn item<'a>(driver: *const Driver) -> &'a mut Option<T> {
        // SAFETY: by contract.
        unsafe { &mut *UnsafeCell::raw_get(&raw const (*driver.cast::<Channel<T>>()).item) }
    }

    /// Fills the slot.
    ///
    /// # Safety
    /// `driver` heads a live channel of `T`, its chain runs, and the slot is empty.
    #[inline(always)]
    pub(crate) unsafe fn put(driver: *const Driver, item: T) {
        // SAFETY: passed on. The slot is empty: there is nothing to drop, and what an assignment
        // would do for it is left out.
        unsafe { core::ptr::write(Self::item(driver), Some(item)) }
    }

    /// Empties the slot.
    ///
    /// # Safety
    /// `driver` heads a live channel of `T`, whose chain does not run.
    #[inline(always)]
    pub(crate) unsafe fn take(driver: *const Driver) -> Option<T> {
        // SAFETY: passed on.
        unsafe { Self::item(driver).take() }
    }
}
