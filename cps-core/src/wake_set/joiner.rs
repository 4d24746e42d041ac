//! The joiner's side of a set.

use core::mem::{self, MaybeUninit};
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::task::{RawWaker, Waker};

use super::set::{ARMED, FLAGS, Place, SPARE, Set, entry, index_of, is_small, is_sole, sole_entry};
use super::wakers::{BranchAt, FIRST, First, raw_waker};
use crate::borrowed_waker::BorrowedWaker;
use crate::sync::{
    atomic::{AtomicPtr as SharedPtr, Ordering::Relaxed},
    loses, order,
};

/// The joiner's side. It has one owner: each method that changes anything takes `&mut self`.
///
/// Callers pass the number of branches to each method, always the same, since it is often a constant. A poll calls
/// `begin`, then any of `lend`, `next`, `peek` and `is_woken`, and `end` unless the joiner has finished.
#[derive(Debug)]
pub struct Wakes {
    /// Null until a waker is cloned.
    set: SharedPtr<Set>,
    /// The branches that [`Wakes::begin`] has drained: bits, or the entry of the first slot of a list (0 if it is
    /// empty).
    pub(super) first: usize,
    /// The entry of the list's last slot.
    last: usize,
    /// A drained entry that is in no list, or 0. Its turn is before the list's.
    sole: usize,
    /// `begin` has armed the set; or there was none, and one that is made meanwhile is born armed.
    armed: bool,
}

impl Wakes {
    /// No branch was woken, and none has a waker.
    #[allow(clippy::new_without_default, reason = "it says more")]
    #[inline(always)]
    pub fn new() -> Self {
        Wakes { set: SharedPtr::new(ptr::null_mut()), first: 0, last: 0, sole: 0, armed: true }
    }

    /// Whether any branch has ever had a waker.
    #[inline(always)]
    pub fn is_unused(&self) -> bool {
        self.set().is_null()
    }

    #[inline(always)]
    pub(super) fn set(&self) -> *const Set {
        // Acquires the set, if another thread has made it: a branch may lend its waker out while
        // it is polled.
        self.set.load(order::acquire("set/load"))
    }

    /// Makes the set, if nobody has, for the joiner that is polled with `waker`.
    #[cold]
    pub(super) fn make_set(&self, count: usize, waker: &Waker) -> *const Set {
        let set = self.set();
        if !set.is_null() {
            return set;
        }
        let fresh = Set::allocate(count, waker);
        // "Two first clones": only one set is kept. Releases it; acquires another thread's.
        let (release, acquire) = (order::release("set/first"), order::acquire("set/lost"));
        match self.set.compare_exchange(ptr::null_mut(), fresh, release, acquire) {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: the new set was never published, so it is this function's alone (invariant R).
                let above = unsafe { Set::free(fresh) };
                // SAFETY: `free` gives the reference of the waker that the new set had (invariant R).
                above.into_iter().for_each(|above| unsafe { Set::release(above) });
                other
            }
        }
    }

    /// A waker to poll branch `index` of `count` with: the one of its slot. `waker` is the one of the joiner's poll.
    ///
    /// As long as there is no set, it is a waker that makes the set when it is cloned or woken, by what is put in
    /// `place`.
    #[inline(always)]
    pub fn lend<'a>(
        &'a self,
        place: &'a mut MaybeUninit<First<'a>>,
        index: usize,
        count: usize,
        waker: &'a Waker,
    ) -> BorrowedWaker<'a> {
        debug_assert!(index < count);
        let set = self.set();
        if set.is_null() {
            return self.first(index, count, waker, false, BranchAt::NONE).lend_in(place);
        }
        // SAFETY: the joiner owns a reference to the set (invariant R), which has `count` slots.
        let slot = unsafe { Set::slot(set, index) };
        // SAFETY: the functions of a slot's waker are thread-safe. This lends it as long as the joiner is borrowed,
        // whose reference keeps the slot (invariant R).
        unsafe { BorrowedWaker::new(raw_waker(slot)) }
    }

    /// As [`Wakes::lend`], for a branch that [`Wakes::next`] has given: so there is a set.
    #[inline(always)]
    pub fn lend_again(&self, index: usize, count: usize) -> BorrowedWaker<'_> {
        debug_assert!(index < count && !self.is_unused());
        // SAFETY: `next` gives what was drained from the set, to which the joiner owns a reference (invariant R). It
        // has `count` slots.
        let slot = unsafe { Set::slot(self.set(), index) };
        // SAFETY: the functions of a slot's waker are thread-safe. This lends it as long as the joiner is borrowed,
        // whose reference keeps the slot (invariant R).
        unsafe { BorrowedWaker::new(raw_waker(slot)) }
    }

    /// As [`Wakes::lend`], for the first poll of a branch: the future in it may report its kind, and is told by the
    /// waker that this is lent to `branch`. If it is the `sole` branch left, and nobody has a waker of the set, then
    /// clones of the waker are clones of `waker`.
    #[inline(always)]
    pub fn first<'a>(
        &'a self,
        index: usize,
        count: usize,
        waker: &'a Waker,
        sole: bool,
        branch: BranchAt,
    ) -> First<'a> {
        let kind = AtomicPtr::new(ptr::null_mut());
        First { wakes: self, index, count, waker, sole, kind, branch }
    }

    /// Begins a poll with `waker`: drains the branches that were woken so far, for [`Wakes::next`]. Branches that are
    /// woken later wait for the next poll.
    #[inline(always)]
    pub fn begin(&mut self, count: usize, waker: &Waker) {
        let set = self.set();
        if !set.is_null() {
            // SAFETY: the joiner owns a reference to the set (invariant R).
            self.begin_with(unsafe { &*set }, count, waker);
        }
    }

    #[inline(always)]
    fn begin_with(&mut self, set: &Set, count: usize, waker: &Waker) {
        // Acquires the place, which the joiner may change later, from the thread that called the waker last.
        if Self::is_kept(set, waker) && !set.kept.is_in_use(order::acquire("used/begin")) {
            self.armed = true;
            set.kept.set_in_use(true, Relaxed);
            // Acquires the woken slots and what their wakers have to say.
            let word = set.word.swap(ARMED, order::acquire("woken/begin"));
            self.drain(set, count, word);
        } else {
            self.begin_otherwise(set, count, waker);
        }
    }

    /// [`Wakes::begin_with`], if the kept waker is armed, or called now, or is another task's.
    #[inline(never)]
    fn begin_otherwise(&mut self, set: &Set, count: usize, waker: &Waker) {
        if set.word.load(Relaxed) == ARMED && Self::is_kept(set, waker) {
            // A poll without a wake, it seems; but a load may be late. (The contract of a waker does not promise that a
            // task's poll is ordered after the wake.)
            if set.word.compare_exchange(ARMED, ARMED, Relaxed, Relaxed).is_ok() {
                self.armed = true;
                return;
            }
        }
        self.disarm(set, count);
    }

    /// As [`Wakes::begin`], but wakes do not wake the task until the poll ends: for a joiner that calls this again
    /// before it ends the poll, and so finds what was woken meanwhile.
    pub fn begin_disarmed(&mut self, count: usize) {
        let set = self.set();
        if !set.is_null() {
            // SAFETY: the joiner owns a reference to the set (invariant R).
            self.disarm(unsafe { &*set }, count);
        }
    }

    #[inline(never)]
    fn disarm(&mut self, set: &Set, count: usize) {
        self.armed = false;
        // Acquires also a place that was armed again, from the thread that has called its waker.
        let word = set.word.swap(0, order::acquire("woken/disarm"));
        self.drain(set, count, word);
    }

    #[inline(always)]
    fn drain(&mut self, set: &Set, count: usize, word: usize) {
        if word & ARMED != 0 {
            set.place(word).set_in_use(false, Relaxed); // It was the joiner's own.
        }
        let woken = word >> FLAGS;
        if is_small(count) {
            self.first |= woken;
        } else if is_sole(woken) && self.sole == 0 {
            self.sole = woken; // The whole list.
        } else if woken != 0 {
            self.append(woken);
        }
    }

    /// Whether the kept waker wakes the same task as `waker`.
    #[inline(always)]
    fn is_kept(set: &Set, waker: &Waker) -> bool {
        set.kept.waker.with(|kept| {
            // SAFETY: only the joiner, which asks here, replaces the waker of a place; a wake only calls it (invariant
            // W).
            unsafe { &*kept }.as_ref().is_some_and(|kept| kept.will_wake(waker))
        })
    }

    /// Appends a drained list, which runs from the `newest` to the oldest, in reverse.
    #[inline(never)]
    fn append(&mut self, newest: usize) {
        let set = self.set();
        let (mut newest, mut oldest, mut next) = (newest, 0, newest);
        while next != 0 {
            let this = next;
            // SAFETY: `Set::mark` put the entries of the set's own slots into the list, and the joiner owns a reference
            // to the set (invariants Q and R).
            let slot = unsafe { &*Set::slot(set, index_of(this)) };
            if is_sole(this) {
                next = 0;
                if self.sole == 0 {
                    self.sole = this;
                    break;
                }
                // An earlier one has not had its turn yet: this one is queued.
                if slot.queued.swap(true, order::acq_rel("next/note", "heard/note")) {
                    break; // It was queued already, and comes with that list.
                }
            }
            let queued = entry(index_of(this));
            slot.next.with_mut(|place| {
                // SAFETY: the slot was drained by `begin`, or claimed just above: its `next` is the joiner's (invariant
                // Q).
                let before = unsafe { ptr::replace(place, oldest as u32) };
                if !is_sole(this) {
                    next = before as usize;
                }
            });
            if oldest == 0 {
                newest = queued;
            }
            oldest = queued;
        }
        if oldest == 0 {
            return;
        }
        if self.first == 0 {
            self.first = oldest;
        } else {
            // SAFETY: the joiner owns a reference to the set, whose slot `last` is (invariant R).
            let last = unsafe { &*Set::slot(set, index_of(self.last)) };
            // SAFETY: the slot was drained and not given out yet, so its `next` is the joiner's (invariant Q).
            last.next.with_mut(|next| unsafe { *next = oldest as u32 });
        }
        self.last = newest;
    }

    /// The next of the branches that were drained. From now on a wake notes it again.
    #[allow(clippy::should_implement_trait, reason = "it borrows nothing, and is internal")]
    #[inline(always)]
    pub fn next(&mut self, count: usize) -> Option<usize> {
        if !is_small(count) && self.sole != 0 {
            let set = self.set();
            let index = index_of(mem::take(&mut self.sole));
            // If the slot is queued too, its turn comes with the list.
            // SAFETY: something was drained, so there is a set, to which the joiner owns a reference (invariant R).
            if unsafe { !(*Set::slot(set, index)).queued.load(Relaxed) } {
                return Some(index);
            }
        }
        if self.first == 0 {
            return None;
        }
        let set = self.set();
        if is_small(count) {
            let index = self.first.trailing_zeros() as usize;
            self.first &= self.first - 1;
            // SAFETY: something was drained, so there is a set, to which the joiner owns a reference (invariant R).
            unsafe { (*set).hear(index) };
            return Some(index);
        }
        let index = index_of(self.first);
        // SAFETY: something was drained, so there is a set, to which the joiner owns a reference (invariant R).
        let slot = unsafe { &*Set::slot(set, index) };
        // SAFETY: the slot is drained, so its `next` is the joiner's until `queued` is cleared below (invariant Q).
        self.first = slot.next.with_mut(|next| unsafe { *next }) as usize;
        // Acquires what coalesced wakes have to say; releases `next`.
        slot.queued.swap(false, order::acq_rel("heard/next", "next/next"));
        Some(index)
    }

    /// The branch that [`Wakes::next`] will give, in a small set, if there is one.
    #[inline(always)]
    pub fn peek(&self) -> Option<usize> {
        (self.first != 0).then(|| self.first.trailing_zeros() as usize)
    }

    /// Whether a branch was woken in the poll that it has just had: most often by itself.
    #[inline(always)]
    pub fn is_woken(&self, index: usize, count: usize) -> bool {
        let set = self.set();
        if set.is_null() {
            return false;
        }
        // SAFETY: the joiner owns a reference to the set (invariant R), one of whose slots is `index`.
        unsafe {
            if is_small(count) {
                (*set).word.load(Relaxed) & (1 << FLAGS << index) != 0
            } else {
                (*Set::slot(set, index)).queued.load(Relaxed)
                    || (*set).word.load(Relaxed) >> FLAGS == sole_entry(index)
            }
        }
    }

    /// Whether there are drained branches that [`Wakes::next`] has not given.
    #[inline(always)]
    fn is_left(&self) -> bool {
        self.first != 0 || self.sole != 0
    }

    /// Ends a poll with `waker` that leaves branches unfinished: from now on a wake of any branch wakes the task. If
    /// drained branches are left for which nobody else will wake it, this wakes it at once.
    #[inline(always)]
    pub fn end(&mut self, count: usize, waker: &Waker) {
        if !self.armed || self.first != 0 || (!is_small(count) && self.sole != 0) {
            self.end_otherwise(waker);
        }
    }

    #[cold]
    fn end_otherwise(&mut self, waker: &Waker) {
        let set = self.set();
        if set.is_null() {
            return; // Nobody can wake anything.
        }
        // SAFETY: the joiner owns a reference to the set (invariant R).
        let set = unsafe { &*set };
        // A wake since `begin` has disarmed the set and woken the task. (If it is still at that, it may fail.)
        let is_asleep = if self.armed {
            !self.is_left() || !set.kept.is_in_use(Relaxed)
        } else {
            !self.is_left() && Self::arm(set, waker)
        };
        if !is_asleep && !loses("end") {
            // Woken branches are left, or were woken since `begin`; or ("swapped waker") both places are in use, by
            // threads that are about to call the wakers of earlier polls, which need not wake the task of this one.
            waker.wake_by_ref();
        }
    }

    /// Arms a set that is not armed; fails if a branch was woken since `begin`, or no place is free.
    fn arm(set: &Set, waker: &Waker) -> bool {
        // Acquires a place from the thread that called its waker last.
        let is_free = |place: &Place| !place.is_in_use(order::acquire("used/arm"));
        if is_free(&set.kept) {
            // SAFETY: the kept place is not in use, so it is the joiner's (invariant W).
            unsafe { Self::arm_with(set, ARMED, waker) }
        } else if is_free(&set.spare) {
            // SAFETY: the spare place is not in use, so it is the joiner's (invariant W).
            unsafe { Self::arm_with(set, ARMED | SPARE, waker) }
        } else {
            false
        }
    }

    /// # Safety
    /// The place that `flags` speak of is the joiner's (invariant W).
    unsafe fn arm_with(set: &Set, flags: usize, waker: &Waker) -> bool {
        let place = set.place(flags);
        let stale = place.waker.with_mut(|place| {
            // SAFETY: `arm` has found that the place is not in use: it is the joiner's (invariant W).
            match unsafe { &mut *place } {
                Some(old) if old.will_wake(waker) => None,
                place => place.replace(waker.clone()),
            }
        });
        place.set_in_use(true, Relaxed);
        // "Note meets end": fails if a branch was woken since `begin`. Releases the waker.
        let armed =
            set.word.compare_exchange(0, flags, order::release("waker/arm"), Relaxed).is_ok();
        if !armed {
            place.set_in_use(false, Relaxed); // Nobody else has seen it.
        }
        drop(stale); // Foreign code, after the hand-over.
        armed
    }
}

impl<'a> First<'a> {
    /// For the first poll of what is no branch: a waker that stands for `waker`, by which it may report what it is.
    pub fn standing_for(wakes: &'a Wakes, waker: &'a Waker) -> Self {
        wakes.first(0, 1, waker, true, BranchAt::NONE)
    }

    /// A waker of what was put in `place`.
    #[inline(always)]
    fn lend_in(self, place: &'a mut MaybeUninit<First<'a>>) -> BorrowedWaker<'a> {
        place.write(self).lend()
    }

    /// A waker for the first poll.
    #[inline(always)]
    pub fn lend(&'a self) -> BorrowedWaker<'a> {
        // SAFETY: the functions of `FIRST` are thread-safe, as this is `Sync`. It is lent as long as this is borrowed.
        unsafe { BorrowedWaker::new(RawWaker::new(ptr::from_ref(self).cast(), &FIRST)) }
    }
}

impl Drop for Wakes {
    /// Drops the waker of the joiner's task now, not with the last waker of the branches, unless a thread is about to
    /// call it.
    #[inline]
    fn drop(&mut self) {
        let set = self.set();
        if !set.is_null() {
            // SAFETY: the joiner owns a reference, and gives it up here only (invariant R).
            unsafe { Self::close(set) };
        }
    }
}

impl Wakes {
    /// # Safety
    /// The caller owns a reference to the set, the joiner's, and gives it up (invariant R).
    unsafe fn close(this: *const Set) {
        // SAFETY: `Wakes::drop`, the caller, owns the joiner's reference, which is released below (invariant R).
        let set = unsafe { &*this };
        // Acquires a place that was armed again, from the thread that has called its waker.
        let word = set.word.swap(0, order::acquire("failed/drop"));
        let take = |place: &Place, flags| {
            // Acquires the place from the thread that used it last.
            let in_use = place.is_in_use(order::acquire("used/drop"));
            let is_ours = !in_use || word & (ARMED | SPARE) == flags;
            // SAFETY: a place is the joiner's if it was armed or is not in use (invariant W).
            if is_ours { unsafe { place.take() } } else { None }
        };
        let wakers = (take(&set.kept, ARMED), take(&set.spare, ARMED | SPARE));
        // SAFETY: this is the joiner's reference, which `Wakes::drop` gives up (invariant R).
        unsafe { Set::release(this) };
        drop(wakers); // Foreign code, last.
    }
}
