//! How a worker sleeps: one of them in the event queue, the others each on its own.
//!
//! ```text
//!             park, the event queue is free            unpark: the event
//!    AWAKE ─────────────────────────────────▶ IN DRIVER ─────────────────▶ NOTIFIED
//!     ▲ │                                       │                            ▲ │
//!     │ │ park                       unpark     │ turn returns               │ │ park, or the sleep returns
//!     │ └───────▶ ALONE ───────────────────────┼────────────────────────────┘ │
//!     └─────────────────────────────────────────┴──────────────────────────────┘
//! ```
//!
//! # Invariant
//!
//! What was published before an [`unpark`](Parker::unpark) is seen after the sleep that it ends: of the one that is
//! under way, or else of the next one, which does not begin. The lock orders both. Between the note that a worker is in
//! the driver and its wait there, the event is that of the driver's own protocol (`driver/parking.rs`), which keeps it.

#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{PoisonError, TryLockError};

use crate::sight::count::Count;
use crate::sync::{Condvar, Mutex, lock};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Awake,
    Alone,
    InDriver,
    Notified,
}

/// Of one worker.
pub struct Parker {
    state: Mutex<State>,
    changed: Condvar,
    parks: Count,
    /// Counted with the lock.
    unparks: Count,
}

impl Parker {
    /// Of a worker that is awake.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Parker {
            state: Mutex::new(State::Awake),
            changed: Condvar::new(),
            parks: Count::default(),
            unparks: Count::default(),
        }
    }

    /// The worker: sleeps until [`unpark`](Parker::unpark), sometimes less: by a `turn` of the driver, if nobody else
    /// is in it.
    pub fn park<D>(&self, driver: &Mutex<D>, turn: impl FnOnce(&mut D)) {
        self.parks.add(1);
        match driver.try_lock() {
            Ok(mut driver) => self.park_in(|| turn(&mut driver)),
            Err(TryLockError::Poisoned(driver)) => self.park_in(|| turn(&mut driver.into_inner())),
            Err(TryLockError::WouldBlock) => self.park_alone(),
        }
    }

    /// How often the worker was told to sleep, and was woken.
    pub fn counts(&self) -> (u64, u64) {
        (self.parks.get(), self.unparks.get())
    }

    fn park_alone(&self) {
        let mut state = lock(&self.state);
        if *state != State::Notified {
            *state = State::Alone;
            while *state == State::Alone {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        *state = State::Awake;
    }

    fn park_in(&self, turn: impl FnOnce()) {
        let mut state = lock(&self.state);
        if *state != State::Notified {
            *state = State::InDriver;
            drop(state);
            turn();
            state = lock(&self.state);
        }
        *state = State::Awake;
    }

    /// Any thread: has the worker's sleep return, or the next one. `unpark_driver` does so for one in the driver.
    pub fn unpark(&self, unpark_driver: impl FnOnce()) {
        let mut state = lock(&self.state);
        let before = std::mem::replace(&mut *state, State::Notified);
        self.unparks.add(1);
        drop(state);
        match before {
            State::Alone => self.changed.notify_one(),
            State::InDriver => unpark_driver(),
            State::Awake | State::Notified => {}
        }
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parks, unparks) = self.counts();
        f.debug_struct("Parker")
            .field("parks", &parks)
            .field("unparks", &unparks)
            .finish_non_exhaustive()
    }
}
