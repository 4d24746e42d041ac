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

use std::sync::{Condvar, Mutex, TryLockError};

use crate::driver::{Driver, Handle};
use crate::sight::count::Count;
use crate::sync::lock;
use crate::task::cell::quietly;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Awake,
    Alone,
    InDriver,
    Notified,
}

/// Of one worker.
pub(super) struct Parker {
    state: Mutex<State>,
    changed: Condvar,
    parks: Count,
    /// Counted with the lock.
    unparks: Count,
}

impl Parker {
    pub(super) fn new() -> Self {
        Parker {
            state: Mutex::new(State::Awake),
            changed: Condvar::new(),
            parks: Count::default(),
            unparks: Count::default(),
        }
    }

    /// Sleeps until [`unpark`](Parker::unpark), sometimes less: in the event queue if nobody else does.
    pub(super) fn park(&self, driver: &Mutex<Option<Driver>>) {
        self.parks.add(1);
        match driver.try_lock() {
            Ok(mut driver) => self.park_in(driver.as_mut()),
            Err(TryLockError::Poisoned(driver)) => self.park_in(driver.into_inner().as_mut()),
            Err(TryLockError::WouldBlock) => self.park_alone(),
        }
    }

    /// How often the worker was told to sleep, and was woken.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.parks.get(), self.unparks.get())
    }

    fn park_alone(&self) {
        let mut state = lock(&self.state);
        if *state != State::Notified {
            *state = State::Alone;
            while *state == State::Alone {
                state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
        *state = State::Awake;
    }

    fn park_in(&self, driver: Option<&mut Driver>) {
        let mut state = lock(&self.state);
        if *state != State::Notified {
            let Some(driver) = driver else { return };
            *state = State::InDriver;
            drop(state);
            // A waker that panics is foreign code's; the hook has reported it, and all others were called.
            quietly(|| driver.turn(true));
            state = lock(&self.state);
        }
        *state = State::Awake;
    }

    /// Any thread: has the worker's sleep return, or the next one.
    pub(super) fn unpark(&self, driver: &Handle) {
        let mut state = lock(&self.state);
        let before = std::mem::replace(&mut *state, State::Notified);
        self.unparks.add(1);
        drop(state);
        match before {
            State::Alone => self.changed.notify_one(),
            State::InDriver => driver.unpark(),
            State::Awake | State::Notified => {}
        }
    }
}
