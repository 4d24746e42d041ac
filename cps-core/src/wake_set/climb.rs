//! A wake that climbs through joiners one in another, where each has kept a waker of the next one's set. A loop does
//! it, however many there are.
//!
//! ```text
//!    set ── place ── waker ─▶ slot, set ── place ── waker ─▶ slot, set ── place ── waker ─▶ the task
//!             ▲                              │ ▲                             │
//!             └──────────── user ────────────┘ └──────────── user ───────────┘
//! ```
//!
//! Each place is in use until the call of its waker has returned or panicked, as if each waker called the next one. So
//! each place notes the one from which the thread has come, for the way back. A place in use keeps its waker, and that
//! waker keeps the next set.

use core::mem;

use super::set::{ARMED, IN_USE, SPARE, Set};
use crate::sync::{atomic::Ordering::Relaxed, order};

/// How far such a wake has come.
pub(super) struct Climb {
    /// The set of the place reached last, whose waker is called now.
    set: *const Set,
    spare: usize,
}

impl Climb {
    /// # Safety
    /// The caller is the user of that place of the set (invariant W).
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn up(set: &Set, spare: usize) {
        let mut climb = Climb { set, spare };
        loop {
            // SAFETY: the first set is the caller's, each other one is kept by the waker in the place before it, which
            // is in use by this thread (invariants R and W).
            let place = unsafe { (*climb.set).place(climb.spare) };
            // SAFETY: this thread is the place's user: `Set::call` gave it the first, `mark` the others (invariant W).
            let Some(slot) = (unsafe { place.slot() }) else {
                // SAFETY: this thread is still the place's user (invariant W).
                unsafe { place.wake() };
                break;
            };
            // SAFETY: the waker in the place, which stays there, keeps the slot and its set (invariants R and W).
            let above = unsafe { &*(*slot).set };
            // SAFETY: as for the set, the waker in the place keeps the slot (invariants R and W).
            let word = above.mark(unsafe { &*slot });
            if word & ARMED == 0 {
                break;
            }
            let user = climb.set.map_addr(|set| set | usize::from(climb.spare != 0));
            climb.set = above;
            climb.spare = word & SPARE;
            above.place(word).user.store(user.cast_mut(), Relaxed);
        }
        // Releases the places to their joiners.
        let end = |set: *const Set, spare| {
            // SAFETY: the place before it is still in use, and its waker keeps this set (invariants R and W).
            unsafe { (*set).place(spare).set_in_use(false, order::release("used/note")) };
        };
        // SAFETY: this thread is the user of the place that `climb` has reached (invariant W).
        while unsafe { climb.goes_back(end) } {}
        mem::forget(climb);
    }

    /// Ends the use of the place that was reached last by `end`, and goes back to the one before it, if there is one;
    /// whether there is.
    ///
    /// # Safety
    /// This thread is the user of that place (invariant W).
    unsafe fn goes_back(&mut self, end: impl FnOnce(*const Set, usize)) -> bool {
        let (set, spare) = (self.set, self.spare);
        // SAFETY: the place before this one is in use by this thread, and its waker keeps the set; the first set is
        // kept by the caller of `up` (invariants R and W).
        let place = unsafe { (*set).place(spare) };
        let user = place.user.load(Relaxed);
        let is_last = user == IN_USE;
        if !is_last {
            place.set_in_use(true, Relaxed);
            self.set = user.map_addr(|set| set & !1);
            self.spare = if user.addr() & 1 != 0 { SPARE } else { 0 };
        }
        end(set, spare);
        !is_last
    }
}

impl Drop for Climb {
    /// The task's waker has panicked, and so has each call on the way to it.
    fn drop(&mut self) {
        // SAFETY: `up`, which unwinds, has left each place in use by this thread (invariant W), and each set but the
        // first is kept by the waker in the place before it (invariant R).
        while unsafe { self.goes_back(|set, spare| (*set).failed(spare)) } {}
    }
}
