//! The shared part of a task, to which its wakers point, and the queue that carries wakes between
//! threads.
//!
//! The future is not here: it stays with the executor, on its thread, and so need not be `Send`.
//!
//! ```text
//!   spawn                    pop, run              Pending: suspend -> Idle
//!  ───────► run queue ─────────────────► polled ──────────────────────────► idle
//!               ▲  ▲                      │  │                               │
//!               │  └──────────────────────┘  │ Ready, panic, aborted:        │
//!               │    Pending:                │ complete                      │ close:
//!               │    suspend -> Reschedule   ▼                               │ complete
//!               │                           done ◄───────────────────────────┤
//!               │                                                            │
//!               │  schedule: at once, on the executor's own thread           │ wake
//!               └────────────────────────────────────────────────────────────┤ -> Schedule
//!               ▲                                                            │
//!               └── turn (drain) ── remote queue ◄── Remote::push ───────────┘
//!                                                    from any other thread
//! ```
//!
//! The word that decides the edges is [`WakeState`]; abort is a flag that the next poll sees, and a wake.

mod remote;
mod yield_now;

use std::fmt;
use std::sync::Arc;
use std::task::Wake as WakeTrait;

pub(crate) use self::remote::Remote;
pub use self::yield_now::{YieldNow, yield_now};
use crate::executor;
use crate::wake_state::{Wake, WakeState};

/// Where the future of a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the stack of `block_on`.
    Root,
    /// In the executor's slab, under this key until the task is complete.
    Slab(usize),
}

/// The state that the wakers of a task share with its executor.
pub(crate) struct Task {
    pub(crate) state: WakeState,
    pub(crate) place: Place,
    /// The queue of the executor that owns the task: its identity, and the way in from other
    /// threads.
    pub(crate) remote: Arc<Remote>,
}

impl Task {
    /// A scheduled task: the caller pushes it to a run queue.
    pub(crate) fn new(place: Place, remote: Arc<Remote>) -> Arc<Self> {
        Arc::new(Self { state: WakeState::new(), place, remote })
    }
}

impl WakeTrait for Task {
    fn wake(self: Arc<Self>) {
        if self.state.wake() == Wake::Schedule {
            executor::schedule(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.wake() == Wake::Schedule {
            executor::schedule(self.clone());
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("state", &self.state).field("place", &self.place).finish()
    }
}
