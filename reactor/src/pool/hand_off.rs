//! A function on its way to a thread of the pool, and its result on the way back.
//!
//! ```text
//!               begin              finish              poll
//!   WAITING ────────────▶ RUNNING ─────────▶ FINISHED ────────▶ OVER
//!      │ cancel              │ cancel           │ cancel          ▲
//!      └─────────────────────┴──────────────────┴─────────────────┘
//! ```
//!
//! # Invariant
//!
//! The function is taken or dropped once, and so is the result; by a step under the lock, which says of whom they are. A
//! poll that finds no result leaves its waker in the same step, and the step that leaves the result takes the waker: it
//! is called afterwards. What is foreign code (wakers are cloned and called; functions, results and wakers are dropped)
//! runs without the lock.

#![forbid(unsafe_code)]

use std::fmt;
use std::mem::replace;
use std::task::{Poll, Waker};

use crate::sync::{Mutex, lock};

/// Both ends have it.
pub struct HandOff<F, T>(Mutex<State<F, T>>);

struct State<F, T> {
    stage: Stage<F, T>,
    /// Of who waits for the result.
    waker: Option<Waker>,
}

enum Stage<F, T> {
    /// No thread has the function yet.
    Waiting(F),
    Running,
    Finished(T),
    /// The result was given, or nobody wants it.
    Over,
}

impl<F, T> HandOff<F, T> {
    /// A function that waits for a thread.
    pub fn new(function: F) -> Self {
        HandOff(Mutex::new(State { stage: Stage::Waiting(function), waker: None }))
    }

    /// A thread of the pool: the function, unless it was cancelled.
    pub fn begin(&self) -> Option<F> {
        let stage = &mut lock(&self.0).stage;
        match replace(stage, Stage::Running) {
            Stage::Waiting(function) => Some(function),
            cancelled => {
                *stage = cancelled;
                None
            }
        }
    }

    /// The thread that has begun: leaves the result, and wakes who waits for it.
    pub fn finish(&self, result: T) {
        let mut state = lock(&self.0);
        if matches!(state.stage, Stage::Running) {
            state.stage = Stage::Finished(result);
            let waker = state.waker.take();
            drop(state);
            waker.inspect(Waker::wake_by_ref);
        } else {
            drop(state); // And then the result.
        }
    }

    /// Who waits: the result, or else `waker` is called when it is there.
    ///
    /// # Panics
    /// If the result was given before.
    pub fn poll(&self, waker: &Waker) -> Poll<T> {
        let waker = waker.clone();
        let mut state = lock(&self.0);
        match replace(&mut state.stage, Stage::Over) {
            Stage::Finished(result) => Poll::Ready(result),
            Stage::Over => panic!("polled after it gave the result"),
            stage => {
                state.stage = stage;
                let stale = state.waker.replace(waker);
                drop(state);
                drop(stale);
                Poll::Pending
            }
        }
    }

    /// Who has waited: nobody wants the result. A function that has not begun does not begin.
    pub fn cancel(&self) {
        let mut state = lock(&self.0);
        let dropped = (replace(&mut state.stage, Stage::Over), state.waker.take());
        drop(state);
        drop(dropped);
    }
}

impl<F, T> fmt::Debug for HandOff<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandOff")
    }
}
