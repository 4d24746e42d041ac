//! A wake of joiners one in another: the waker that one has kept is one of the next one's set. In a loop, however many
//! there are.
//!
//! ```text
//!    set ── place ── waker ─▶ slot, set ── place ── waker ─▶ slot, set ── place ── waker ─▶ the task
//!             ▲                              │ ▲                             │
//!             └──────────── user ────────────┘ └──────────── user ───────────┘
//! ```
//!
//! As if each were called by the one before it, a place is in use until the call of its waker has returned, or has
//! panicked: so each place tells who has come to it, and the way back is the same. A place in use keeps its waker, and
//! that the next set.

use core::mem;

use super::set::{ARMED, IN_USE, SPARE, Set};
use crate::sync::{atomic::Ordering::Relaxed, order};

/// Where such a wake is.
pub(super) struct Climb {
    /// The place that was come to last, whose waker is called now.
    set: *const Set,
    spare: usize,
}

impl Climb {
    /// # Safety
    /// That place of the set is in use, by the caller.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn up(set: &Set, spare: usize) {
        let mut climb = Climb { set, spare };
        // SAFETY: the first place is in use by contract, the others by what `mark` says. The first set is live as long as
        // the caller uses it, each other one by the waker in the place before it.
        unsafe {
            loop {
                let place = (*climb.set).place(climb.spare);
                let Some(slot) = place.slot() else {
                    place.wake();
                    break;
                };
                let above = (*slot).set;
                let word = (*above).mark(&*slot);
                if word & ARMED == 0 {
                    break;
                }
                let user = climb.set.map_addr(|set| set | usize::from(climb.spare != 0));
                climb.set = above;
                climb.spare = word & SPARE;
                (*above).place(word).user.store(user.cast_mut(), Relaxed);
            }
            // Releases the places to their joiners.
            while climb.goes_back(|set, spare| {
                (*set).place(spare).set_in_use(false, order::release("used/note"));
            }) {}
        }
        mem::forget(climb);
    }

    /// Ends the use of a place by `end`; whether there is one before it.
    ///
    /// # Safety
    /// The place is in use by this.
    unsafe fn goes_back(&mut self, end: impl FnOnce(*const Set, usize)) -> bool {
        let (set, spare) = (self.set, self.spare);
        // SAFETY: by contract.
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
    /// The task's waker has panicked: each of the calls has.
    fn drop(&mut self) {
        // SAFETY: as in `up`.
        while unsafe { self.goes_back(|set, spare| (*set).failed(spare)) } {}
    }
}
