//! Which workers of the multi-thread executor sleep, and who wakes one.
//!
//! ```text
//!                  start_search                          give_up
//!     working ───────────────────────▶ searching ───────────────────▶ asleep
//!        ▲                              │  ▲  ▲                         │ │
//!        └──── stop_search ─────────────┘  │  └─── look_again: work ────┘ │
//!                                          └───── notify: unpark ─────────┘
//! ```
//!
//! Who has pushed work calls [`notify`](Idle::notify). One sleeper at a time is woken, and searches: if it finds
//! something and was the last one to search, it wakes the next ([`stop_search`](Idle::stop_search)). So a burst of work
//! wakes as many workers as it needs, one after the other, and no worker is woken while another looks for work anyway.
//!
//! # Invariant
//!
//! Work that was pushed is found. A worker that falls asleep is among the sleepers *before* it looks at all queues for
//! the last time; and a push from outside is followed by a fence *before* the sleepers are looked at. So one of the two
//! sees the other. (Both have a `SeqCst` fence between their write and their read.) If the push finds that somebody
//! searches, that one has not yet looked for the last time: it falls asleep first.
//!
//! A push by a worker has no fence: the worker looks at the sleepers again after each poll ([`notify`](Idle::notify)),
//! by when its push is known. So another worker may be late by one poll, and no wake is lost: the worker itself runs
//! what it has pushed. If that poll does not end, the watch sees it. For the same reason nobody is woken for a single
//! task, which the worker runs next.
//!
//! What a turn of the driver wakes is pushed in a batch, and nobody is woken before its end: a worker that is woken for
//! the first of them finds one or two, and is asleep again when the next come. After the turn the worker searches
//! ([`look_again`](Idle::look_again)), and wakes another as one that has found something.
//!
//! # The watch
//!
//! A thread of its own looks at the workers from time to time, as long as one of them is awake: if a worker is awake,
//! the watch is on, or the worker is about to turn it on. It goes off *before* it looks at the sleepers for the last
//! time, and a worker looks at it after it has left the sleepers: with a fence between, one sees the other.

use core::fmt;

use crate::sync::atomic::{
    AtomicBool, AtomicU32, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
    fence,
};

/// As many workers as there are bits.
pub const MOST_WORKERS: usize = usize::BITS as usize;

/// The state of all workers.
pub struct Idle {
    /// A bit for each worker that sleeps.
    sleepers: AtomicUsize,
    /// How many look for work. Those that are woken count from then on.
    searching: AtomicU32,
    is_watched: AtomicBool,
}

impl Idle {
    /// All workers work, and are watched.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Idle {
            sleepers: AtomicUsize::new(0),
            searching: AtomicU32::new(0),
            is_watched: AtomicBool::new(true),
        }
    }

    /// A worker that has pushed, or has work left: the worker to unpark, if one is to be.
    #[inline(always)]
    #[must_use]
    pub fn notify(&self) -> Option<usize> {
        if self.sleepers.load(Relaxed) == 0 || self.searching.load(Relaxed) != 0 {
            return None;
        }
        self.wake_one()
    }

    /// Any thread that has pushed to where all workers look: the worker to unpark, if one is to be.
    #[must_use]
    pub fn notify_from_outside(&self) -> Option<usize> {
        fence(SeqCst);
        self.notify()
    }

    #[cold]
    fn wake_one(&self) -> Option<usize> {
        // Only if nobody searches: then the one that is woken does.
        if self.searching.compare_exchange(0, 1, SeqCst, Relaxed).is_err() {
            return None;
        }
        let mut sleepers = self.sleepers.load(SeqCst);
        while sleepers != 0 {
            let worker = sleepers.trailing_zeros() as usize;
            let before = self.sleepers.fetch_and(!(1 << worker), SeqCst);
            if before & (1 << worker) != 0 {
                return Some(worker);
            }
            sleepers = before;
        }
        self.searching.fetch_sub(1, SeqCst);
        None
    }

    /// A worker without work looks for some.
    pub fn start_search(&self) {
        self.searching.fetch_add(1, SeqCst);
    }

    /// A worker that searched has found something: the worker to unpark, if it was the last to search and `has_more`:
    /// there is something left in any queue, not only in its own.
    #[must_use]
    pub fn stop_search(&self, has_more: bool) -> Option<usize> {
        let was_last = self.searching.fetch_sub(1, SeqCst) == 1;
        if was_last && has_more { self.notify() } else { None }
    }

    /// A worker that searched has found nothing. It looks at all queues once more, then calls
    /// [`look_again`](Idle::look_again) or parks.
    pub fn give_up(&self, worker: usize) {
        self.sleepers.fetch_or(1 << worker, SeqCst);
        self.searching.fetch_sub(1, SeqCst);
        fence(SeqCst);
    }

    /// A worker that has given up has found something after all: whether it may go on to search. If not, it was woken
    /// meanwhile, and finds that when it parks.
    #[must_use]
    pub fn look_again(&self, worker: usize) -> bool {
        let was_asleep = self.sleepers.fetch_and(!(1 << worker), SeqCst) & (1 << worker) != 0;
        if was_asleep {
            self.searching.fetch_add(1, SeqCst);
        }
        was_asleep
    }

    /// A worker that is not among the sleepers any more: whether it has to turn the watch on.
    #[must_use]
    pub fn needs_watch(&self) -> bool {
        fence(SeqCst);
        !self.is_watched()
    }

    /// Any thread turns the watch on.
    pub fn start_watch(&self) {
        self.is_watched.store(true, Relaxed);
    }

    /// The watch, of so many workers: whether it is off, since all of them sleep. Others turn it on meanwhile only
    /// if the caller lets them.
    #[must_use]
    pub fn stop_watch(&self, workers: usize) -> bool {
        self.is_watched.store(false, Relaxed);
        fence(SeqCst);
        let all = usize::MAX >> (MOST_WORKERS - workers);
        let all_sleep = self.sleepers.load(Relaxed) == all;
        if !all_sleep {
            self.start_watch();
        }
        all_sleep
    }

    /// Whether the watch is on.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.is_watched.load(Relaxed)
    }
}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idle")
            .field("sleepers", &format_args!("{:#b}", self.sleepers.load(Relaxed)))
            .field("searching", &self.searching.load(Relaxed))
            .field("is_watched", &self.is_watched())
            .finish()
    }
}
