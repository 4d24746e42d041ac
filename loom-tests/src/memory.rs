//! The memory of a task, which is not freed really: that it would be is written into it, so that a model sees what uses
//! it after that, or at the same time.

use crate::rt::{AtomicUsize, Ordering::Relaxed, UnsafeCell};

/// Whoever uses what is there reads it, and what frees it writes to it.
#[derive(Debug)]
pub struct Memory {
    content: UnsafeCell<()>,
    freed: AtomicUsize,
}

impl Memory {
    /// In use.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Memory { content: UnsafeCell::new(()), freed: AtomicUsize::new(0) }
    }

    /// A use.
    ///
    /// # Panics
    /// If it is freed.
    pub fn is_used(&self) {
        self.content.with(|_| assert!(!self.is_freed(), "used when it is freed"));
    }

    /// Frees it.
    ///
    /// # Panics
    /// If it is freed already.
    pub fn free(&self) {
        self.content.with_mut(|_| assert_eq!(self.freed.fetch_add(1, Relaxed), 0, "freed twice"));
    }

    /// Whether it is freed.
    pub fn is_freed(&self) -> bool {
        self.freed.load(Relaxed) != 0
    }
}
