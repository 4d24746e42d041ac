//! The watch: a thread that finds workers which are kept in a poll, and has the others do what is left to them.
//!
//! A worker that runs a task which blocks its thread, or computes for long, cannot do anything else. What lies in its
//! slot would wait for it; and if it was the one that waited in the event queue, perhaps no other worker does now.
//! (To wake one for each event, in case that its task blocks, would cost a wake-up of a thread an event.)
//!
//! So the watch looks at the workers every [`TICK`], as long as one of them is awake. One that is in the same poll as
//! at the last look is *kept*. Its slot is emptied, and another worker is woken if there is something to do for it:
//! what it does not find elsewhere, it finds in the event queue.

use std::sync::PoisonError;
use std::time::Duration;

use crate::multi::Shared;
use crate::sync::{Condvar, Mutex, lock};

/// The time between two looks. A worker is found to be kept after one to two of them.
const TICK: Duration = Duration::from_millis(5);

/// How the thread sleeps.
pub(super) struct Watch {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Watch {
    pub(super) fn new() -> Self {
        Watch { lock: Mutex::new(()), changed: Condvar::new() }
    }
}

impl Shared {
    /// Any thread: has the watch look, and go on as long as a worker is awake.
    #[cold]
    pub(super) fn start_watch(&self) {
        // With the lock: the thread is before its own look, or sleeps.
        let _lock = lock(&self.watch.lock);
        self.idle.start_watch();
        self.watch.changed.notify_one();
    }

    /// The body of the thread.
    pub(super) fn watch(&self) {
        // Of each worker, as it was at the last look.
        let mut rounds = vec![0; self.workers()];
        while !self.life.is_stopping() {
            self.look_at_workers(&mut rounds);
            let lock = lock(&self.watch.lock);
            let goes_on = |_: &mut ()| !self.life.is_stopping();
            let is_off = |_: &mut ()| !self.idle.is_watched() && !self.life.is_stopping();
            if self.idle.stop_watch(self.workers()) {
                let slept = self.watch.changed.wait_while(lock, is_off);
                drop(slept.unwrap_or_else(PoisonError::into_inner));
            } else {
                let slept = self.watch.changed.wait_timeout_while(lock, TICK, goes_on);
                drop(slept.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    fn look_at_workers(&self, rounds: &mut [u64]) {
        let mut is_one_kept = false;
        for (seen, rounds) in self.seen.iter().zip(rounds) {
            let is_kept = seen.look_if_kept(rounds, |slot| {
                let task = slot.steal();
                if !task.is_null() {
                    self.inject(task);
                }
            });
            is_one_kept |= is_kept;
        }
        // Nobody waits for events, or a push was not seen: one that is woken searches, and then waits for events.
        if is_one_kept && (!self.driver_handle.is_parked() || self.has_work()) {
            self.unpark(self.idle.notify_from_outside());
        }
    }
}
