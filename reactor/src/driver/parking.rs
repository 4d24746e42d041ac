//! Whether the owner of the event queue is parked in it: only then is it worth a system call to make it return.
//!
//! ```text
//!            park -> Wait                   notify -> Unpark
//!   AWAKE ───────────────────► PARKED ───────────────────────► NOTIFIED
//!    ▲ │                         │                              ▲    │
//!    │ └─────────────────────────┼──────────────────────────────┘    │
//!    │         notify -> Already │                                   │
//!    └───────────────────────────┴───────────────────────────────────┘
//!                             awake
//! ```
//!
//! Who has work for the owner publishes it, *then* calls [`notify`](Parking::notify), and writes to the queue's event
//! if told so. The owner calls [`park`](Parking::park), waits in the queue only if told so, then calls
//! [`awake`](Parking::awake) and *then* looks for work.
//!
//! # Invariant
//!
//! Work that was published is seen by a look that follows, and there is one. The `notify` after it is before some
//! `awake`, which acquires it, or after the last: then the word is NOTIFIED and the next `park` does not wait, or it
//! was PARKED and the event is written. `notify` is always a read-modify-write, so that `awake` acquires also the work
//! of those that were told `Already` ("quiet notice").

use core::fmt;

use crate::sync::{
    atomic::{AtomicU8, Ordering::Relaxed},
    order,
};

const AWAKE: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

/// The atomic word of one event queue.
pub struct Parking(AtomicU8);

/// The duty of a thread that has published work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Notify {
    /// Make the owner's waiting return.
    Unpark,
    /// Nothing: it is awake, or told.
    Already,
}

/// What the owner may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Park {
    /// Wait: from now on a notice writes the event.
    Wait,
    /// Look at the queue without waiting: there was a notice.
    Look,
}

impl Parking {
    /// The state of an owner that is awake and has not been told anything.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(AtomicU8::new(AWAKE))
    }

    /// Any thread, after it published work.
    pub fn notify(&self) -> Notify {
        // Releases the work to `awake`.
        match self.0.swap(NOTIFIED, order::release("notify")) {
            PARKED => Notify::Unpark,
            _ => Notify::Already,
        }
    }

    /// Any thread: whether the owner waits, for a guess.
    pub fn is_parked(&self) -> bool {
        self.0.load(Relaxed) == PARKED
    }

    /// Owner, before it waits.
    pub fn park(&self) -> Park {
        // Relaxed: whatever the outcome, `awake` follows and acquires.
        match self.0.compare_exchange(AWAKE, PARKED, Relaxed, Relaxed) {
            Ok(_) => Park::Wait,
            Err(_) => Park::Look,
        }
    }

    /// Owner, after it waited or only looked, and before it looks for work.
    pub fn awake(&self) {
        // Acquires the work of every `notify` since the last call. A swap: a store could not acquire.
        self.0.swap(AWAKE, order::acquire("awake"));
    }
}

impl fmt::Debug for Parking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.load(Relaxed) {
            AWAKE => "Awake",
            PARKED => "Parked",
            _ => "Notified",
        })
    }
}
