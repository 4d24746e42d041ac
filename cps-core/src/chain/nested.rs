//! Bodies that run as a part of others, for a backtrace: they have no frames.

use core::cell::Cell;
use core::ptr;

use crate::chain::driver::Driver;
use crate::chain::header::{Description, Header};

/// A nested body that has started and not ended. Those of a driver are a list.
///
/// The list is singly linked: as the frames of a chain, nested bodies end in the reverse order of their starts.
pub(crate) struct NestedCall {
    driver: *const Driver,
    /// The frame that it has no frame of its own beside.
    host: *const Header,
    describe: unsafe fn(*const Header) -> Description,
    /// The one within which this was called, or one of a frame further out.
    outer: Cell<*const NestedCall>,
}

impl NestedCall {
    #[inline(always)]
    pub(crate) fn new(
        driver: *const Driver,
        host: *const Header,
        describe: unsafe fn(*const Header) -> Description,
    ) -> Self {
        NestedCall { driver, host, describe, outer: Cell::new(ptr::null()) }
    }

    /// Shows the body to backtraces, until [`NestedCall::leave`].
    ///
    /// # Safety
    /// - The driver is in a poll.
    /// - `this` is valid, and not moved, until [`NestedCall::leave`], which is called before the body's host has ended.
    pub(crate) unsafe fn enter(this: *const Self) {
        // SAFETY: the host, which runs (invariant D), awaits the body, of which this is a part.
        unsafe {
            let innermost = &(*(*this).driver).nested;
            (*this).outer.set(innermost.get());
            innermost.set(this);
        }
    }

    /// # Safety
    /// [`NestedCall::enter`] was called, and this is called once.
    pub(crate) unsafe fn leave(this: *const Self) {
        // SAFETY: the driver outlives the frames of its chain, also while they are dropped, and so their bodies.
        unsafe { (*(*this).driver).nested.set((*this).outer.get()) }
    }
}

/// The nested bodies of a driver that a backtrace has not shown yet.
pub(crate) struct NestedCalls(*const NestedCall);

impl NestedCalls {
    pub(crate) fn of(driver: &Driver) -> Self {
        NestedCalls(driver.nested.get())
    }

    /// Takes the innermost one, if it is a part of this frame.
    ///
    /// # Safety
    /// None of them has ended since [`NestedCalls::of`].
    pub(crate) unsafe fn next_in(&mut self, frame: *const Header) -> Option<Description> {
        // SAFETY: the list has bodies that have not ended: each leaves it before (`NestedCall::leave`).
        let call = unsafe { self.0.as_ref() }?;
        if !ptr::eq(call.host, frame) {
            return None;
        }
        self.0 = call.outer.get();
        // SAFETY: a function that knows the call by its type: it does not look at the header.
        Some(unsafe { (call.describe)(frame) })
    }
}
