//! Whether the executor's thread has been told to look at its queue of wakes from other threads.
//!
//! ```text
//!                 notify -> Unpark
//!       QUIET ───────────────────────► NOTIFIED ◄─┐ notify -> Already
//!         ▲                               │  └────┘
//!         └───────────────────────────────┘
//!                     clear
//! ```
//!
//! A thread that wakes a task pushes it to the queue, *then* calls [`notify`](ParkState::notify),
//! and unparks the executor (a system call) only if told so. The executor, after *every* return
//! from parking, calls [`clear`](ParkState::clear) and *then* drains the queue.
//!
//! # Invariant
//!
//! A push is seen by a drain that follows it, and there is one. `notify` either comes before a
//! `clear`, which then acquires the push, or after the last `clear`: then the first such one is
//! told `Unpark`, so the next parking returns at once. Both are read-modify-writes, so that a
//! `clear` also acquires the pushes of those that were told `Already` ("quiet push").

use core::fmt;

use crate::sync::{
    atomic::{AtomicBool, Ordering::Relaxed},
    order,
};

/// The atomic flag of one executor.
pub struct ParkState(AtomicBool);

/// The duty of a thread that has pushed to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Notify {
    /// Make the executor's parking return.
    Unpark,
    /// Nothing: it has been told since it last looked.
    Already,
}

impl ParkState {
    /// The state of an executor that has nothing to look at.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Any thread, after it pushed.
    pub fn notify(&self) -> Notify {
        // Releases the push to `clear`. Not "load first": the release is needed also by those told
        // `Already`.
        if self.0.swap(true, order::release("notify")) { Notify::Already } else { Notify::Unpark }
    }

    /// Executor, after parking and before it drains the queue.
    pub fn clear(&self) {
        // Before the drain: "push behind the drain". Acquires the pushes of every `notify` since
        // the last one ("quiet push"). A swap: a store could not acquire, and would cut
        // their release sequence.
        self.0.swap(false, order::acquire("clear"));
    }
}

impl fmt::Debug for ParkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.load(Relaxed) { "Notified" } else { "Quiet" })
    }
}
