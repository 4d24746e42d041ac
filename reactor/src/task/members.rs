//! How many tasks refer to their executor. Threads take and give such references by stocks: a count of its own for each
//! spawn and each end of a task would go from processor to processor.
//!
//! # Invariant
//!
//! As long as the count is not zero, the executor is kept by a reference of its `Arc` for all of them. Who counts from
//! zero makes that one *before* it counts, from one that it has; who counts to zero gives it up. (Made afterwards it could
//! come after another thread has counted to zero again, and has given up what was not there yet.)

use core::fmt;

use crate::sync::{
    atomic::{AtomicUsize, Ordering::Relaxed},
    order,
};

/// The count.
pub struct Members(AtomicUsize);

impl Members {
    /// None.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Members(AtomicUsize::new(0))
    }

    /// So many more. True if there was none: they keep the reference that the caller has made for them. Else there was
    /// one.
    #[must_use]
    pub fn add(&self, more: usize) -> bool {
        // Relaxed: whoever makes a reference has one.
        self.0.fetch_add(more, Relaxed) == 0
    }

    /// So many less. True if none is left: the caller gives up the reference for them.
    #[must_use]
    pub fn remove(&self, fewer: usize) -> bool {
        // Releases what was done by these references; acquires, if they are the last, what was done by the others.
        let order = order::acq_rel("members/remove", "members/last");
        self.0.fetch_sub(fewer, order) == fewer
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Members").field(&self.0.load(Relaxed)).finish()
    }
}
