//! The state of a task as its wakers and its executor see it: one word, one read-modify-write an
//! edge.
//!
//! Two roles use it. *Wakers*, on any thread, at any time, also after the task is done, call
//! [`wake`](WakeState::wake) and nothing else. The *owner* (the executor) calls the rest, one call
//! at a time; ownership is passed on only with a scheduled task, through the run queue.
//!
//! ```text
//!            wake -> Schedule
//!          ┌───────────────────► SCHEDULED ◄─┐ wake -> Coalesced
//!          │            new ───►  │  ▲    └──┘
//!          │       start -> Run   │  │
//!          │                      ▼  │  suspend -> Reschedule
//!        IDLE ◄──────────── RUNNING  └─────────── RUNNING|SCHEDULED ◄─┐ wake -> Coalesced
//!          │  suspend -> Idle │  │                 ▲    │         └───┘
//!          │                  │  └─────────────────┘    │
//!          │ complete         │   wake -> WhileRunning  │
//!          │                  │ complete                │ complete
//!          └──────────►  COMPLETE (any wake -> Gone, start -> Gone)  ◄─── also from SCHEDULED
//! ```
//!
//! # Invariants
//!
//! 1. A task is in the run queue exactly while it is SCHEDULED and not RUNNING (a task completed
//!    while queued stays until it is popped): who is told `Schedule` or `Reschedule`, pushes. So k
//!    wakes before a run are one poll, and the queue never holds a task twice.
//! 2. Everything before a `wake` that does not return `Gone` happens before the next poll that
//!    follows it, also if the wake was `Coalesced`: each wake is a *releasing* read-modify-write,
//!    even if it changes nothing, and all edges are read-modify-writes, so `start` acquires all of
//!    them by one release sequence.
//! 3. A poll happens before the next poll, whichever thread runs it: `suspend` releases, `start`
//!    acquires.
//!
//! The races are named in `loom-tests/README.md` and modelled in `loom-tests/tests/wake_state.rs`.

use core::fmt;

use crate::sync::{
    atomic::{AtomicU8, Ordering::Relaxed},
    order,
};

const IDLE: u8 = 0;
/// Woken since the last poll began. Set by `wake` and `new`, cleared by `start`.
const SCHEDULED: u8 = 1;
/// Being polled. Set by `start`, cleared by `suspend`.
const RUNNING: u8 = 2;
/// Never polled again. Set by `complete`, never cleared.
const COMPLETE: u8 = 4;

/// The atomic wake state of one task.
pub struct WakeState(AtomicU8);

/// The duty of a waker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// Push the task to the run queue.
    Schedule,
    /// Nothing: it is queued already, or it runs and had been woken already.
    Coalesced,
    /// Nothing: it runs, and the owner will see this wake at `suspend` ("wake during run").
    WhileRunning,
    /// Nothing: it is complete ("late wake").
    Gone,
}

/// Whether a task taken from the run queue is to be polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Start {
    /// Poll it, then call `suspend` or `complete`.
    Run,
    /// It was completed while it was queued, or just before ("drop meets wake"): forget it.
    Gone,
}

/// The duty of the owner after a poll that returned `Pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Suspend {
    /// Nothing: the next wake schedules it.
    Idle,
    /// Push it to the run queue: it was woken during the poll.
    Reschedule,
}

/// Whether this completion is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Complete {
    /// The caller drops the future.
    Now,
    /// It has been complete before.
    Already,
}

impl WakeState {
    /// A new task, to be pushed to the run queue by the caller.
    #[allow(clippy::new_without_default)] // A default that obliges the caller would be a trap.
    pub fn new() -> Self {
        Self(AtomicU8::new(SCHEDULED))
    }

    /// Any thread: notes that the task is to be polled.
    pub fn wake(&self) -> Wake {
        // Releases what the waker did to `start/wake` (invariant 2); "coalesced wake" is why it is
        // not a load.
        match self.0.fetch_or(SCHEDULED, order::release("wake")) {
            IDLE => Wake::Schedule,
            RUNNING => Wake::WhileRunning,
            state if state & COMPLETE != 0 => Wake::Gone,
            _ => Wake::Coalesced,
        }
    }

    /// Owner, having popped the task: begins a poll.
    pub fn start(&self) -> Start {
        // Cannot fail because of a wake: while SCHEDULED, a wake leaves the word as it is.
        // Acquires `wake` (invariant 2) and `suspend` (invariant 3).
        match self.0.compare_exchange(SCHEDULED, RUNNING, order::acquire("start"), Relaxed) {
            Ok(_) => Start::Run,
            Err(state) => {
                debug_assert_ne!(state & COMPLETE, 0, "started a task that was not queued");
                Start::Gone
            }
        }
    }

    /// Owner, after a poll that returned `Pending`: ends the poll.
    pub fn suspend(&self) -> Suspend {
        // "Wake meets suspend": a read-modify-write, so that a wake is before it, and seen, or
        // after it, and schedules. Releases the poll to `start` (invariant 3).
        let state = self.0.fetch_and(!RUNNING, order::release("suspend"));
        debug_assert_ne!(state & RUNNING, 0, "suspended a task that was not running");
        if state & SCHEDULED == 0 { Suspend::Idle } else { Suspend::Reschedule }
    }

    /// Owner, at any time: the task is never polled again.
    pub fn complete(&self) -> Complete {
        // "Wake meets complete": a swap, so that a wake is before it, and ignored, or after it, and
        // told `Gone`. Relaxed: the owner publishes nothing by it, and what it drops
        // afterwards is its own.
        let state = self.0.swap(COMPLETE, Relaxed);
        if state & COMPLETE == 0 { Complete::Now } else { Complete::Already }
    }
}

impl fmt::Debug for WakeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.load(Relaxed) {
            IDLE => "Idle",
            SCHEDULED => "Scheduled",
            RUNNING => "Running",
            state if state & COMPLETE != 0 => "Complete",
            _ => "Running, woken",
        })
    }
}
