//! Counters with one writer.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counted by one thread at a time, without a read-modify-write; read by any.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// By the one that counts. (Two at once would lose counts, and nothing else.)
    #[inline(always)]
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
