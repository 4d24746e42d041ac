//! Figures of a runtime.

#[cfg(feature = "metrics")]
use crate::sight::histogram::Histogram;

/// Figures of a runtime at one moment: made by [`Handle::metrics`](crate::Handle::metrics).
///
/// Workers count for themselves, without a read-modify-write, and go on while the figures are read: those of one
/// snapshot need not agree with each other to the last unit.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RuntimeMetrics {
    /// One of each worker. A [`LocalRuntime`](crate::LocalRuntime) has one.
    pub workers: Vec<WorkerMetrics>,
    /// Tasks that were spawned since the runtime was made.
    pub spawned_tasks: u64,
    /// Of them, those that have not ended.
    pub live_tasks: u64,
    /// Tasks that are queued where all workers look: those that other threads have woken or spawned. A `LocalRuntime`
    /// does not count them.
    pub injected_tasks: usize,
    /// Timers that are armed.
    pub timers: usize,
    /// Sockets and other descriptors that are registered with the event queue.
    pub sources: usize,
    /// Functions of [`spawn_blocking`](crate::spawn_blocking) that run, each on a thread of the pool. The pool is that
    /// of the process; these are the runtime's.
    pub blocking_running: usize,
    /// Functions of [`spawn_blocking`](crate::spawn_blocking) that wait for a thread of the pool.
    pub blocking_waiting: usize,
}

/// Figures of a worker.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Polls of tasks. A poll that has panicked may be left out.
    pub polls: u64,
    /// Tasks in its own queue. A `LocalRuntime` does not count them.
    pub queued_tasks: usize,
    /// How often it ran the task that was woken last, before those in its queue.
    pub slot_polls: u64,
    /// How often it has taken tasks from another worker.
    pub steals: u64,
    /// How often it went to sleep for want of tasks.
    pub parks: u64,
    /// How often it was woken. A `LocalRuntime` does not count that.
    pub unparks: u64,
    /// Times from a wake to the poll.
    #[cfg(feature = "metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
    pub wake_to_poll: Histogram,
}

impl RuntimeMetrics {
    /// Polls of all workers.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.workers.iter().map(|worker| worker.polls).sum()
    }

    /// The times from a wake to the poll, of all workers.
    #[cfg(feature = "metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
    #[must_use]
    pub fn wake_to_poll(&self) -> Histogram {
        let mut all = Histogram::default();
        self.workers.iter().for_each(|worker| all.add(&worker.wake_to_poll));
        all
    }
}
