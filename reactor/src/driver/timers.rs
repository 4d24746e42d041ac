//! The timers of a driver, which all threads arm and cancel, and its owner fires.
//!
//! # Invariant
//!
//! A timer is in the wheel if and only if its deadline is later than `fired`, the time until which all have fired, and
//! it was not cancelled. Both change under one lock. So its future needs nothing of its own in common with the driver:
//! its deadline says whether it waits, without a lock, and under the lock whether its key is still its own.

#![forbid(unsafe_code)]

use core::fmt;

use crate::driver::wheel::Wheel;
use crate::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    lock, order,
};

/// The driver is gone: nothing will fire. No deadline is that late.
const GONE: u64 = u64::MAX;

/// The latest deadline.
pub const LATEST: u64 = GONE - 1;

/// What a timer's future finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is in the wheel, under the key that its future holds.
    Waiting,
    /// Its time has come.
    Fired,
    /// The driver is gone.
    Gone,
}

/// What has become of a timer that was to be armed, or moved.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Armed {
    /// It waits under this key. The flag: the owner is to be unparked, which waits for something later.
    Waiting(u32, bool),
    /// It does not wait, for this reason.
    Not(State),
}

/// All timers, each with a `T`, its waker. Times are in nanoseconds, by one clock.
pub struct Timers<T> {
    wheel: Mutex<Wheel<T>>,
    /// Written under the lock.
    fired: AtomicU64,
    /// Until when the owner waits; zero if it does not. Set under the lock.
    parked_until: AtomicU64,
    /// How many wait: written under the lock, so that a look needs none.
    count: AtomicUsize,
}

impl<T> Timers<T> {
    /// None.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Timers {
            wheel: Mutex::new(Wheel::new()),
            fired: AtomicU64::new(0),
            parked_until: AtomicU64::new(0),
            count: AtomicUsize::new(0),
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a timer with that deadline waits. One that was armed then may have fired.
    #[inline]
    pub fn state(&self, deadline: u64) -> State {
        // Acquires what was before the driver fired it.
        Self::state_at(deadline, self.fired.load(order::acquire("timers/state")))
    }

    fn state_at(deadline: u64, fired: u64) -> State {
        match fired {
            GONE => State::Gone,
            fired if deadline <= fired => State::Fired,
            _ => State::Waiting,
        }
    }

    /// The same, by who has the lock.
    fn state_here(&self, deadline: u64) -> State {
        Self::state_at(deadline, self.fired.load(Relaxed))
    }

    /// Arms a timer. One that does not wait is given back as well.
    pub fn arm(&self, deadline: u64, waker: T) -> (Armed, Option<T>) {
        let mut wheel = lock(&self.wheel);
        match self.state_here(deadline) {
            State::Waiting => {
                let key = wheel.insert(deadline, waker);
                (self.armed(wheel, key, deadline), None)
            }
            state => {
                drop(wheel);
                (Armed::Not(state), Some(waker))
            }
        }
    }

    /// Moves a timer from one deadline to another. If the new one is over, it is taken out, and its waker given.
    pub fn rearm(&self, key: u32, from: u64, to: u64) -> (Armed, Option<T>) {
        let mut wheel = lock(&self.wheel);
        match (self.state_here(from), self.state_here(to)) {
            (State::Waiting, State::Waiting) => {
                wheel.reset(key, to);
                (self.armed(wheel, key, to), None)
            }
            (State::Waiting, over) => (Armed::Not(over), Some(self.remove(wheel, key))),
            (state, _) => (Armed::Not(state), None),
        }
    }

    fn armed(&self, wheel: MutexGuard<'_, Wheel<T>>, key: u32, deadline: u64) -> Armed {
        self.count.store(wheel.len(), Relaxed);
        Armed::Waiting(key, deadline < self.parked_until.load(Relaxed))
    }

    fn remove(&self, mut wheel: MutexGuard<'_, Wheel<T>>, key: u32) -> T {
        let waker = wheel.remove(key);
        self.count.store(wheel.len(), Relaxed);
        waker
    }

    /// Replaces a timer's waker. Gives the stale one; or the new one, if the timer does not wait any more.
    ///
    /// # Errors
    /// In that case.
    pub fn replace(&self, key: u32, deadline: u64, waker: T) -> Result<T, T> {
        let mut wheel = lock(&self.wheel);
        match self.state_here(deadline) {
            State::Waiting => Ok(std::mem::replace(wheel.get_mut(key), waker)),
            _ => Err(waker),
        }
    }

    /// Takes a timer out, if it waits.
    pub fn cancel(&self, key: u32, deadline: u64) -> Option<T> {
        let wheel = lock(&self.wheel);
        (self.state_here(deadline) == State::Waiting).then(|| self.remove(wheel, key))
    }

    /// Owner, which will wait until the time that is given: who arms a timer that comes before is told so.
    pub fn park(&self) -> Option<u64> {
        let mut wheel = lock(&self.wheel);
        wheel.shrink(); // Now, since it takes a time that grows with what there was.
        let next = wheel.next();
        self.parked_until.store(next.unwrap_or(u64::MAX), Relaxed);
        next
    }

    /// Owner, which waits no longer.
    pub fn awake(&self) {
        self.parked_until.store(0, Relaxed);
    }

    /// The first deadline.
    pub fn first_deadline(&self) -> Option<u64> {
        lock(&self.wheel).first_deadline()
    }

    /// Owner: gives the wakers of all timers that are due to `fire`, in the order of their deadlines.
    pub fn expire(&self, now: u64, fire: impl FnMut(T)) {
        let mut wheel = lock(&self.wheel);
        let before = self.fired.load(Relaxed);
        let now = now.clamp(before, before.max(LATEST));
        wheel.expire(now, fire);
        self.count.store(wheel.len(), Relaxed);
        // Releases what was before. (Once the driver is gone it stays so: the time is clamped.)
        self.fired.store(now, order::release("timers/fire"));
    }

    /// The driver goes: gives the wakers of all timers, of which none is armed any more.
    pub fn close(&self) -> impl Iterator<Item = T> + use<T> {
        let mut wheel = lock(&self.wheel);
        self.count.store(0, Relaxed);
        // Nothing is said with it.
        self.fired.store(GONE, Relaxed);
        wheel.clear()
    }
}

impl<T> fmt::Debug for Timers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("len", &self.len())
            .field("fired", &self.fired.load(Relaxed))
            .finish_non_exhaustive()
    }
}
