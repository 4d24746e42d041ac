//! How many functions that block a runtime has on the pool of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Of one runtime.
#[derive(Debug, Default)]
pub(crate) struct Blocking {
    waiting: AtomicUsize,
    running: AtomicUsize,
}

/// A function that was handed to the pool, until it is dropped.
#[derive(Debug)]
pub(crate) struct Call {
    counts: Arc<Blocking>,
    runs: bool,
}

impl Blocking {
    /// One that waits for a thread.
    pub(crate) fn call(self: &Arc<Self>) -> Call {
        self.waiting.fetch_add(1, Relaxed);
        Call { counts: self.clone(), runs: false }
    }

    /// How many wait for a thread, and run.
    pub(crate) fn get(&self) -> (usize, usize) {
        (self.waiting.load(Relaxed), self.running.load(Relaxed))
    }
}

impl Call {
    /// It has got a thread.
    pub(crate) fn begin(&mut self) {
        self.runs = true;
        self.counts.running.fetch_add(1, Relaxed);
        self.counts.waiting.fetch_sub(1, Relaxed);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let count = if self.runs { &self.counts.running } else { &self.counts.waiting };
        count.fetch_sub(1, Relaxed);
    }
}
