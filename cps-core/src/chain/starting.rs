//! Calls that are under way on the host stack: what a backtrace from within sees of them.

use core::cell::Cell;
use core::ptr;

use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};

/// A call that is under way on the host stack, and not a part of its chain: it has not suspended. In a list of
/// them, of its driver's.
///
/// Singly linked: a poll of a driver runs on one host stack from its start to its end (a body cannot be continued on
/// another), and so the calls of one driver end in the order of a stack.
pub(crate) struct Starting {
    driver: *const Driver,
    pub(crate) frame: *const Header,
    /// The vtable that the frame gets when it is linked.
    pub(crate) vtable: *const VTable,
    /// The call within which this one is.
    pub(crate) outer: Cell<*const Starting>,
}

impl Starting {
    pub(crate) fn new(driver: *const Driver, frame: *const Header, vtable: *const VTable) -> Self {
        Starting { driver, frame, vtable, outer: Cell::new(ptr::null()) }
    }

    /// Lets the frame be seen, though it is not linked, until what this returns is dropped.
    ///
    /// # Safety
    /// The driver is in a poll until then.
    pub(crate) unsafe fn enter(&self) -> impl Drop + '_ {
        struct Leave<'a>(&'a Starting);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                // SAFETY: the driver is in a poll (contract of `enter`).
                unsafe { (*self.0.driver).starting.set(self.0.outer.get()) }
            }
        }

        // SAFETY: by contract.
        let innermost = unsafe { &(*self.driver).starting };
        self.outer.set(innermost.get());
        innermost.set(self);
        Leave(self)
    }
}
