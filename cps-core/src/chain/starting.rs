//! Calls that are under way on the host stack, for a backtrace that is taken from within.

use core::cell::Cell;
use core::ptr;

use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};

/// A call that is under way on the host stack: it has not suspended, and is no part of its chain yet. The calls of a
/// driver are a list.
///
/// The list is singly linked: a poll of a driver runs on one host stack from its start to its end, and so the calls of
/// one driver end in the reverse order of their starts.
pub(crate) struct Starting {
    driver: *const Driver,
    pub(crate) frame: *const Header,
    /// The vtable that the frame gets when it is linked.
    pub(crate) vtable: *const VTable,
    /// The call within which this one is made.
    pub(crate) outer: Cell<*const Starting>,
}

impl Starting {
    pub(crate) fn new(driver: *const Driver, frame: *const Header, vtable: *const VTable) -> Self {
        Starting { driver, frame, vtable, outer: Cell::new(ptr::null()) }
    }

    /// Shows the frame to backtraces, though it is not linked, until the returned guard is dropped.
    ///
    /// # Safety
    /// The driver is in a poll until then.
    pub(crate) unsafe fn enter(&self) -> impl Drop + '_ {
        struct Leave<'a>(&'a Starting);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                // SAFETY: the call that `enter` was called for is still under way, so the driver is in a poll
                // (invariant D).
                unsafe { (*self.0.driver).starting.set(self.0.outer.get()) }
            }
        }

        // SAFETY: the call that is starting, which calls this, has the driver in a poll (invariant D).
        let innermost = unsafe { &(*self.driver).starting };
        self.outer.set(innermost.get());
        innermost.set(self);
        Leave(self)
    }
}
