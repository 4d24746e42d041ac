//! The state of a task of the multi-thread executor: one word that counts wakes and references.
//!
//! ```text
//!   bit 63: COMPLETE | bits 32–62: wakes (bit 62: LOOK) | bits 0–31: references
//!
//!            wake: 0 → 1, Schedule             start: seen = wakes
//!    idle ─────────────────────────▶ queued ──────────────────────▶ running ───▶ complete
//!     ▲                                ▲                             │    │ complete
//!     │                                └───── suspend: Reschedule ───┤    └ wakes count on, in vain
//!     └─────────────────────────────────────── suspend: Idle ────────┘
//!                          wakes − seen = 0
//! ```
//!
//! A task is in a queue, or runs, as long as `wakes` is not zero. So a wake is one read-modify-write, whatever the task
//! does at the moment, and so is one that gives up its reference; a start is a load; and a task that has woken itself
//! is queued again without any.
//!
//! # Invariant
//!
//! Who has brought `wakes` from zero puts the task into a queue, once; who takes it out runs it, and nobody else does
//! before [`suspend`](Counter::suspend) has said so. The executor has a reference until the task is complete, so queues
//! need none.
//!
//! All changes of the word are read-modify-writes. Therefore the load of [`start`](Counter::start) acquires all wakes
//! that it counts, by their release sequences, and the task from the run that has ended in
//! [`Idle`](Suspend::Idle). From one that has ended in [`Reschedule`](Suspend::Reschedule), without a
//! read-modify-write, the task comes by the queue.
//!
//! # Looks
//!
//! Any thread that has a reference may look at a task. One that waits is looked at by the thread itself, in a run that
//! does not poll: [`try_look`](Counter::try_look) brings `wakes` from zero, and [`suspend`](Counter::suspend) ends the
//! look. A wake meanwhile finds a task that runs, and its queueing is left to the one that looks; so nobody waits for it.
//!
//! One that is queued or runs is asked to look at itself: by a wake that weighs more than all others, so that the next
//! [`start`](Counter::start) finds it where it looks for too many wakes anyway. The start takes it away and looks; or who
//! has asked [takes it back](Counter::give_up_look). Both leave one wake, as a task in a queue must have one: a task that
//! ran at that moment is polled once more.

use core::fmt;

use crate::sync::{
    atomic::{AtomicU64, Ordering::Relaxed},
    order,
};

const REFERENCE: u64 = 1;
const REFERENCES: u64 = (1 << 32) - 1;
const WAKE: u64 = 1 << 32;
const WAKES: u64 = COMPLETE - WAKE;
/// The wake that asks for a look.
const LOOK: u64 = 1 << 62;
/// All other wakes.
const PLAIN_WAKES: u64 = LOOK - WAKE;
const COMPLETE: u64 = 1 << 63;

/// More references than this are an error: the count must not wrap.
const MOST_REFERENCES: u64 = REFERENCES / 2;
/// Wakes beyond this are taken back: the count must not wrap.
const MANY_WAKES: u64 = PLAIN_WAKES / 2;
/// A start that sees more, or a `LOOK`, makes the count small again, so that a run has room for the others.
const SOME_WAKES: u64 = PLAIN_WAKES / 4;

/// The word.
pub struct Counter(AtomicU64);

/// The duty of who has woken a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// Put it into a queue.
    Schedule,
    /// Nothing: it is in one, or runs, or is complete.
    Nothing,
    /// Free it: this was the last reference. (Only by [`Counter::wake`].)
    Free,
}

/// The wakes that a run has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Seen(u64);

/// What becomes of a task that has suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Suspend {
    /// It waits. Who wakes it queues it.
    Idle,
    /// It was woken while it ran: put it into a queue.
    Reschedule,
}

impl Counter {
    /// Of a task that is to be put into a queue, with so many references.
    pub fn scheduled(references: u32) -> Self {
        Counter(AtomicU64::new(WAKE | u64::from(references)))
    }

    /// Any thread that has a reference.
    pub fn wake_by_ref(&self) -> Wake {
        // Releases what the waker has to say.
        let old = self.0.fetch_add(WAKE, order::release("counter/wake"));
        if old & PLAIN_WAKES >= MANY_WAKES {
            self.0.fetch_sub(WAKE, Relaxed);
        }
        if old & (COMPLETE | WAKES) == 0 { Wake::Schedule } else { Wake::Nothing }
    }

    /// The same, and gives the reference up: one read-modify-write for both.
    pub fn wake(&self) -> Wake {
        if self.0.load(Relaxed) & PLAIN_WAKES >= MANY_WAKES {
            return self.wake_and_release();
        }
        // As `wake_by_ref` and `release`.
        let order = order::acq_rel("counter/wake-own", "counter/wake-last");
        let old = self.0.fetch_add(WAKE - REFERENCE, order);
        if old & REFERENCES == REFERENCE {
            return Wake::Free; // The executor has none: it is complete.
        }
        if old & (COMPLETE | WAKES) == 0 { Wake::Schedule } else { Wake::Nothing }
    }

    /// In two steps, since a wake too many can only be taken back by who has a reference.
    #[cold]
    fn wake_and_release(&self) -> Wake {
        match self.wake_by_ref() {
            Wake::Nothing if self.release() => Wake::Free,
            // A scheduled task is kept by the executor's reference.
            Wake::Schedule if self.release() => unreachable!("the executor has a reference"),
            wake => wake,
        }
    }

    /// Executor, which has taken the task out of a queue. Calls `look` if somebody has asked for it.
    #[inline]
    pub fn start(&self, look: impl FnOnce()) -> Seen {
        // Acquires what the wakers had to say, and the task.
        let seen = self.0.load(order::acquire("counter/start")) & WAKES;
        if seen > SOME_WAKES {
            if self.start_with_one_wake() {
                look();
            }
            return Seen(WAKE);
        }
        Seen(seen)
    }

    /// Whether a look was asked for.
    #[cold]
    fn start_with_one_wake(&self) -> bool {
        let one = |word| Some(word & !WAKES | WAKE);
        // As the load, for wakes that came since, which are taken away too.
        match self.0.fetch_update(order::acquire("counter/start-again"), Relaxed, one) {
            Ok(old) => old & LOOK != 0,
            Err(_) => unreachable!("the count is replaced in any case"),
        }
    }

    /// Any thread that has a reference, for a task that waits: it does not run until
    /// [`suspend`](Counter::suspend). `None` if it does not wait.
    pub fn try_look(&self) -> Option<Seen> {
        let begin = |word| (word & (COMPLETE | WAKES) == 0).then_some(word + WAKE);
        // Acquires the task from its last run.
        let begun = self.0.fetch_update(order::acquire("counter/look"), Relaxed, begin);
        begun.ok().map(|_| Seen(WAKE))
    }

    /// Any thread that has a reference, for a task that is queued or runs: asks its next start for a look. One at a time
    /// asks. False if the task waits, or is complete.
    #[must_use]
    pub fn ask_for_look(&self) -> bool {
        let ask = |word| (word & COMPLETE == 0 && word & WAKES != 0).then_some(word | LOOK);
        // Relaxed: it says nothing. The answer comes by another way.
        self.0.fetch_update(Relaxed, Relaxed, ask).is_ok()
    }

    /// Who has asked for a look takes that back. False if a start has taken it: it looks.
    #[must_use]
    pub fn give_up_look(&self) -> bool {
        let take_back = |word| (word & LOOK != 0).then(|| word - LOOK + WAKE);
        self.0.fetch_update(Relaxed, Relaxed, take_back).is_ok()
    }

    /// Executor, whose run is pending.
    #[inline]
    pub fn suspend(&self, seen: Seen) -> Suspend {
        if self.0.load(Relaxed) & WAKES != seen.0 {
            return Suspend::Reschedule;
        }
        // Releases the task to who runs it next.
        let old = self.0.fetch_sub(seen.0, order::release("counter/suspend"));
        if old & WAKES == seen.0 { Suspend::Idle } else { Suspend::Reschedule }
    }

    /// Executor, whose run was the last, and which has done all that follows: gives its reference up. True if it was the
    /// last: the task is to be freed. (As long as the run lasts wakes find one, and have nothing to do.)
    #[inline]
    #[must_use]
    pub fn complete(&self) -> bool {
        if self.is_last() {
            return true;
        }
        // As `release`. The bit was not set.
        let order = order::acq_rel("counter/complete", "counter/complete-last");
        self.0.fetch_add(COMPLETE - REFERENCE, order) & REFERENCES == REFERENCE
    }

    /// Whether there is no other reference than the caller's. Then there will be none: it is made from another one.
    #[inline]
    fn is_last(&self) -> bool {
        // Acquires what was done by the others.
        self.0.load(order::acquire("counter/none-left")) & REFERENCES == REFERENCE
    }

    /// Another reference, made from one.
    #[inline]
    pub fn clone_reference(&self) {
        // Relaxed: whoever makes a reference from another has been given that one.
        if self.0.fetch_add(REFERENCE, Relaxed) & REFERENCES > MOST_REFERENCES {
            std::process::abort();
        }
    }

    /// One reference less. True if it was the last: the task is to be freed.
    #[inline]
    #[must_use]
    pub fn release(&self) -> bool {
        if self.is_last() {
            return true;
        }
        // Releases what was done by this reference; acquires, if it is the last, what was done by the others.
        let old = self.0.fetch_sub(REFERENCE, order::acq_rel("counter/release", "counter/last"));
        old & REFERENCES == REFERENCE
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.load(Relaxed);
        f.debug_struct("Counter")
            .field("complete", &(word & COMPLETE != 0))
            .field("wakes", &((word & PLAIN_WAKES) >> 32))
            .field("look", &(word & LOOK != 0))
            .field("references", &(word & REFERENCES))
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_a_start_has_taken_is_not_given_up() {
        let counter = Counter::scheduled(2);
        assert!(counter.ask_for_look());
        let mut looks = 0;
        let seen = counter.start(|| looks += 1);
        assert_eq!(looks, 1);
        assert!(!counter.give_up_look());
        assert_eq!(counter.suspend(seen), Suspend::Idle);
    }

    #[test]
    fn a_look_that_is_given_up_leaves_one_wake() {
        let counter = Counter::scheduled(2);
        let first = counter.start(|| unreachable!("nobody has asked"));
        assert!(counter.ask_for_look());
        assert!(counter.give_up_look());
        assert_eq!(counter.suspend(first), Suspend::Reschedule);
    }
}
