//! When a task was woken, for the times from wakes to polls.

#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Of the last wake that has queued the task. The queue orders it before the poll.
pub(crate) struct Woken(AtomicU64);

/// Nanoseconds since the first call in this process.
fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Woken {
    pub(crate) fn now() -> Self {
        Woken(AtomicU64::new(nanos()))
    }

    /// Who queues the task.
    pub(crate) fn set(&self) {
        self.0.store(nanos(), Relaxed);
    }

    /// Who polls it: the nanoseconds since then.
    pub(crate) fn elapsed(&self) -> u64 {
        nanos().saturating_sub(self.0.load(Relaxed))
    }
}
