//! The stocks of references to executors: a worker has one, and a thread on which a runtime is entered.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use crate::multi::Shared;
use crate::sync::thread_local;
use crate::task::member::{self, Executor};
use crate::task::members::Members;

thread_local! {
    /// The executor that this thread has a stock for; or null.
    static OPEN: Cell<*const Shared> = const { Cell::new(ptr::null()) };
}

thread_local! {
    /// References to it.
    static STOCK: Cell<usize> = const { Cell::new(0) };
}

impl Executor for Shared {
    fn members(&self) -> &Members {
        &self.members
    }

    #[inline(always)]
    fn stock(&self) -> Option<usize> {
        ptr::eq(OPEN.get(), self).then(|| STOCK.get())
    }

    #[inline(always)]
    fn set_stock(&self, references: usize) {
        STOCK.set(references);
    }
}

/// This thread has a stock from now on, until [`close`]. False if it has one already, of any executor.
pub(crate) fn open(executor: &Shared) -> bool {
    let is_new = OPEN.get().is_null();
    if is_new {
        OPEN.set(executor);
    }
    is_new
}

/// This thread has no stock of that executor any more.
pub(crate) fn close(executor: &Arc<Shared>) {
    member::empty_stock(executor);
    if ptr::eq(OPEN.get(), Arc::as_ptr(executor)) {
        OPEN.set(ptr::null());
    }
}
