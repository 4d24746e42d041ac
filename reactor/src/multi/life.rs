//! How a runtime of several threads ends.
//!
//! ```text
//!            stop               each worker: ends           the last one: is_over
//!   LIVING ────────▶ STOPPING ───────────────────▶ CLOSING ───────────────────────▶ OVER
//!                                                  (it cancels all tasks)
//! ```
//!
//! # Invariant
//!
//! One worker is told that it is the last to end, after all others have: nobody runs a task or looks at a queue any
//! more, and that worker sees what the others have done to tasks. Who finds the end over sees all tasks cancelled. The
//! lock orders both.

#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::sync::atomic::{AtomicBool, Ordering::Relaxed};
use crate::sync::{Condvar, Mutex, lock, wait_for};

/// How far it has ended.
pub struct Life {
    is_stopping: AtomicBool,
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    /// Those that have not ended.
    workers: usize,
    /// All tasks are cancelled.
    is_over: bool,
}

impl Life {
    /// Of so many workers.
    pub fn new(workers: usize) -> Self {
        Life {
            is_stopping: AtomicBool::new(false),
            state: Mutex::new(State { workers, is_over: false }),
            ended: Condvar::new(),
        }
    }

    /// Any thread: has the workers end. Those that sleep are to be unparked then.
    pub fn stop(&self) {
        // Relaxed: it says nothing else. A worker that was unparked sees it by the lock of its `Parker`.
        self.is_stopping.store(true, Relaxed);
    }

    /// Whether the workers are to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Relaxed)
    }

    /// A worker, which runs nothing any more. True if it is the last one: it cancels all tasks, and then says so
    /// ([`set_over`](Life::set_over)).
    #[must_use]
    pub fn worker_ends(&self) -> bool {
        let mut state = lock(&self.state);
        state.workers -= 1;
        state.workers == 0
    }

    /// The last worker: all tasks are cancelled.
    pub fn set_over(&self) {
        lock(&self.state).is_over = true;
        self.ended.notify_all();
    }

    /// Any thread: waits for the end, or for so long. Whether it is over.
    pub fn wait(&self, timeout: Duration) -> bool {
        let state = lock(&self.state);
        wait_for(&self.ended, &self.state, state, timeout, |state| !state.is_over).is_over
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").field("is_stopping", &self.is_stopping()).finish_non_exhaustive()
    }
}
