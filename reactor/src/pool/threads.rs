//! The threads of the pool: as many as there are jobs at a time, up to a limit. One without a job waits for some time,
//! and ends.
//!
//! ```text
//!            start                next: a job             next: none             over, and still none
//!   (push) ────────▶ STARTING ─────────────────▶ BUSY ────────────────▶ IDLE ─────────────────────────▶ (ended)
//!                       │ none                    ▲ └── next: a job ──┐  ▲ │ woken, or over, and a job
//!                       └─────────────────────────┼───────────────────┼──┘ │
//!                                                 └───────────────────┴────┘
//! ```
//!
//! # Invariant
//!
//! No job waits for another to end if there may be one thread more: there are at most as many jobs in the queue as
//! threads that are idle or start. A thread is idle until it has the lock again, also if its time is over: it then looks
//! at the queue first, and ends only if that is empty. So a push may count on it. (A notice that reaches no thread is none
//! that is needed: each idle one looks in any case, or waits, of which a notice wakes one.)

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, wait_for};

/// The threads, and the jobs for them.
pub struct Threads<J> {
    state: Mutex<State<J>>,
    pushed: Condvar,
    most: usize,
    keep: Duration,
}

struct State<J> {
    jobs: VecDeque<J>,
    idle: usize,
    /// All that were started and have not ended.
    threads: usize,
}

impl<J> Threads<J> {
    /// None yet, and so many at most. They are kept for `keep` without a job.
    pub fn new(most: usize, keep: Duration) -> Self {
        let state = State { jobs: VecDeque::new(), idle: 0, threads: 0 };
        Threads { state: Mutex::new(state), pushed: Condvar::new(), most, keep }
    }

    /// Any thread: a job. If it needs another thread, `start` starts one, which calls [`next`](Threads::next) until that
    /// gives `None`.
    ///
    /// # Errors
    /// The job and the error of `start`, if there is no thread that would come to it. (Otherwise it waits for one.)
    pub fn push(
        &self,
        job: J,
        start: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), (J, io::Error)> {
        let mut state = lock(&self.state);
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            drop(state);
            self.pushed.notify_one();
            return Ok(());
        }
        if state.threads == self.most {
            return Ok(());
        }
        state.threads += 1;
        // With the lock: so that others do not count on a thread that does not start.
        let Err(error) = start() else { return Ok(()) };
        state.threads -= 1;
        match state.threads {
            // The last thread to end has left no other job.
            0 => state.jobs.pop_back().map_or(Ok(()), |job| Err((job, error))),
            _ => Ok(()),
        }
    }

    /// A thread: its next job. `None` if it ends.
    pub fn next(&self) -> Option<J> {
        let mut state = lock(&self.state);
        if state.jobs.is_empty() {
            state.idle += 1;
            state = wait_for(&self.pushed, &self.state, state, self.keep, |state| {
                state.jobs.is_empty()
            });
            state.idle -= 1;
        }
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.threads -= 1;
        }
        job
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.state).threads
    }
}

impl<J> fmt::Debug for Threads<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}
