//! The joiner's side of a set.

use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop, MaybeUninit};
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::task::Waker;

use super::set::{ARMED, FLAGS, Place, SPARE, Set, entry, index_of, is_small, is_sole, sole_entry};
use super::wakers::{BorrowedWaker, BranchAt, FIRST, First, raw_waker};
use crate::sync::{
    atomic::{AtomicPtr as SharedPtr, Ordering::Relaxed},
    loses, order,
};

/// The joiner's side. One owner at a time: what changes anything takes `&mut self`.
///
/// All methods are told the number of branches, always the same: it is often a constant. A poll is `begin`, any number of `lend`, `next`, `peek` and `is_woken`, and `end` unless the joiner has
/// finished.
#[derive(Debug)]
pub struct Wakes {
    /// Null until a waker is cloned.
    set: SharedPtr<Set>,
    /// What [`Wakes::begin`] has drained: bits, or the entry of the first slot of a list, which may
    /// be empty (0).
    first: usize,
    /// The entry of the list's last slot.
    last: usize,
    /// A drained entry that is in no list, or 0: comes before the list.
    sole: usize,
    /// `begin` has armed the set, or there was none: one that is made meanwhile is born armed.
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
                // SAFETY: it was never published.
                unsafe { Set::free(fresh).into_iter().for_each(|above| Set::release(above)) };
                other
            }
        }
    }

    /// A waker to poll branch `index` of `count` with: that of its slot. `waker` is that of the joiner's poll.
    ///
    /// While nobody has a waker it is one that makes the set when it is cloned or woken; what that needs is
    /// put in `place`.
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
        // SAFETY: the joiner owns a reference, and all calls are given the same `count`; the vtable keeps the
        // contract of a waker.
        let waker = unsafe { Waker::from_raw(raw_waker(Set::slot(set, index))) };
        BorrowedWaker { waker: ManuallyDrop::new(waker), _wakes: PhantomData }
    }

    /// What [`Wakes::lend`] lends, for the first poll of a branch, which then may report what is in it. If it is
    /// the `sole` one left, and nobody has a waker of the set, clones of it are clones of `waker`. It says that it is
    /// lent to `branch`.
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

    /// Begins a poll with `waker`: drains the branches woken so far, which [`Wakes::next`] gives, and none
    /// that is woken later.
    #[inline(always)]
    pub fn begin(&mut self, count: usize, waker: &Waker) {
        let set = self.set();
        if !set.is_null() {
            // SAFETY: the joiner owns a reference.
            self.begin_with(unsafe { &*set }, count, waker);
        }
    }

    #[inline(always)]
    fn begin_with(&mut self, set: &Set, count: usize, waker: &Waker) {
        let is_kept = Self::is_kept(set, waker);
        if is_kept && set.word.load(Relaxed) == ARMED {
            // Polled for nothing, it seems; but a load may be late. (Whoever wakes a task orders its poll after
            // the wake, one would think; the contract of a waker does not say so.)
            if set.word.compare_exchange(ARMED, ARMED, Relaxed, Relaxed).is_ok() {
                self.armed = true;
                return;
            }
        }
        // Acquires the place, which may be the joiner's to change one day, from who called the waker last.
        if is_kept && !set.kept.is_in_use(order::acquire("used/begin")) {
            self.armed = true;
            set.kept.set_in_use(true, Relaxed);
            // Acquires the woken slots and what their wakers have to say.
            let word = set.word.swap(ARMED, order::acquire("woken/begin"));
            self.drain(set, count, word);
        } else {
            self.disarm(set, count);
        }
    }

    /// As [`Wakes::begin`], but until the poll ends wakes do not wake the task: for a joiner that looks at
    /// what is woken meanwhile, by a further call, before it ends the poll.
    pub fn begin_disarmed(&mut self, count: usize) {
        let set = self.set();
        if !set.is_null() {
            // SAFETY: the joiner owns a reference.
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
        } else if woken != 0 {
            self.append(woken);
        }
    }

    /// Whether the kept waker wakes the same task as `waker`.
    #[inline(always)]
    fn is_kept(set: &Set, waker: &Waker) -> bool {
        set.kept.waker.with(|kept| {
            // SAFETY: while the joiner lives nobody else changes the place: a wake only calls the waker.
            unsafe { &*kept }.as_ref().is_some_and(|kept| kept.will_wake(waker))
        })
    }

    /// Appends a list that was drained. It runs from the `newest` to the oldest: turns it round.
    #[inline(never)]
    fn append(&mut self, newest: usize) {
        let set = self.set();
        let (mut newest, mut oldest, mut next) = (newest, 0, newest);
        while next != 0 {
            let this = next;
            // SAFETY: the entries in the list are those of slots of the set, to which the joiner owns a
            // reference.
            let slot = unsafe { &*Set::slot(set, index_of(this)) };
            if is_sole(this) {
                next = 0;
                if self.sole == 0 {
                    self.sole = this;
                    break;
                }
                // There is one already, that no poll has come to: this one is queued.
                if slot.queued.swap(true, order::acq_rel("next/note", "heard/note")) {
                    break; // Or was, and comes with that list.
                }
            }
            let queued = entry(index_of(this));
            slot.next.with_mut(|place| {
                // SAFETY: the slot is drained by now, which makes `next` the joiner's.
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
            // SAFETY: as above.
            unsafe {
                (*Set::slot(set, index_of(self.last))).next.with_mut(|next| *next = oldest as u32)
            };
        }
        self.last = newest;
    }

    /// The next of the branches that were drained. From now on a wake notes it again.
    #[allow(clippy::should_implement_trait, reason = "it borrows nothing, and is internal")]
    #[inline(always)]
    pub fn next(&mut self, count: usize) -> Option<usize> {
        let set = self.set();
        if !is_small(count) && self.sole != 0 {
            let index = index_of(mem::take(&mut self.sole));
            // SAFETY: as below. If the slot is queued too, its turn comes with the list.
            if unsafe { !(*Set::slot(set, index)).queued.load(Relaxed) } {
                return Some(index);
            }
        }
        if self.first == 0 {
            return None;
        }
        if is_small(count) {
            let index = self.first.trailing_zeros() as usize;
            self.first &= self.first - 1;
            let bit = 1 << FLAGS << index;
            // Noted again since: this resume answers that too. Acquires what that waker has to say.
            // It has woken the joiner's task: the poll to come arms the set again.
            // SAFETY: something was drained, so there is a set, and the joiner owns a reference.
            unsafe {
                if (*set).word.load(Relaxed) & bit != 0 {
                    (*set).word.fetch_and(!bit, order::acquire("again/next"));
                }
            }
            return Some(index);
        }
        let index = index_of(self.first);
        // SAFETY: as above; the entry is a slot's, and it is drained, so that `next` is the joiner's.
        unsafe {
            let slot = &*Set::slot(set, index);
            self.first = slot.next.with_mut(|next| *next) as usize;
            // Acquires what coalesced wakes have to say; releases `next`.
            slot.queued.swap(false, order::acq_rel("heard/next", "next/next"));
        }
        Some(index)
    }

    /// What [`Wakes::next`] will give, in a small set; `None` if that is nothing.
    #[inline(always)]
    pub fn peek(&self) -> Option<usize> {
        (self.first != 0).then(|| self.first.trailing_zeros() as usize)
    }

    /// Whether a branch that was just polled has been woken meanwhile: most often by itself.
    #[inline(always)]
    pub fn is_woken(&self, index: usize, count: usize) -> bool {
        let set = self.set();
        if set.is_null() {
            return false;
        }
        // SAFETY: the joiner owns a reference, and `index` is a branch's.
        unsafe {
            if is_small(count) {
                (*set).word.load(Relaxed) & (1 << FLAGS << index) != 0
            } else {
                (*Set::slot(set, index)).queued.load(Relaxed)
                    || (*set).word.load(Relaxed) >> FLAGS == sole_entry(index)
            }
        }
    }

    /// Whether branches are drained that [`Wakes::next`] has not given.
    #[inline(always)]
    fn is_left(&self) -> bool {
        self.first != 0 || self.sole != 0
    }

    /// Ends a poll with `waker` that leaves branches unfinished: from now on a wake of any branch wakes its
    /// task. Wakes it at once if there are drained branches left that nobody else will wake it for.
    #[inline(always)]
    pub fn end(&mut self, waker: &Waker) {
        if !self.armed || self.is_left() {
            self.end_otherwise(waker);
        }
    }

    #[cold]
    fn end_otherwise(&mut self, waker: &Waker) {
        let set = self.set();
        if set.is_null() {
            return; // Nobody can wake anything.
        }
        // SAFETY: the joiner owns a reference.
        let set = unsafe { &*set };
        // A wake since `begin` has disarmed the set, and has woken the task. (One that is about to may fail.)
        let is_asleep = if self.armed {
            !self.is_left() || !set.kept.is_in_use(Relaxed)
        } else {
            !self.is_left() && Self::arm(set, waker)
        };
        if !is_asleep && !loses("end") {
            // Woken branches are left, or were woken since `begin`; or ("swapped waker") both places are in use, by
            // somebody who is about to wake the waker of an earlier poll, which need not be this one.
            waker.wake_by_ref();
        }
    }

    /// Arms a set that is not armed; fails if a branch was woken since `begin`, or no place is free.
    fn arm(set: &Set, waker: &Waker) -> bool {
        // Acquires a place from the thread that called its waker last.
        let is_free = |place: &Place| !place.is_in_use(order::acquire("used/arm"));
        if is_free(&set.kept) {
            // SAFETY: it is not in use, so the place is the joiner's.
            unsafe { Self::arm_with(set, ARMED, waker) }
        } else if is_free(&set.spare) {
            // SAFETY: as above.
            unsafe { Self::arm_with(set, ARMED | SPARE, waker) }
        } else {
            false
        }
    }

    /// # Safety
    /// The place that `flags` speak of is the joiner's.
    unsafe fn arm_with(set: &Set, flags: usize, waker: &Waker) -> bool {
        let place = set.place(flags);
        let stale = place.waker.with_mut(|place| {
            // SAFETY: by contract.
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
        // SAFETY: the vtable keeps the contract of a waker for as long as this is borrowed.
        let waker = unsafe { Waker::new(ptr::from_ref(self).cast(), &FIRST) };
        BorrowedWaker { waker: ManuallyDrop::new(waker), _wakes: PhantomData }
    }
}

impl Drop for Wakes {
    /// The joiner goes away. Its task's waker is dropped now, not with the last of the branches', unless
    /// somebody is about to wake it.
    #[inline]
    fn drop(&mut self) {
        let set = self.set();
        if !set.is_null() {
            // SAFETY: the joiner owns a reference, which it gives up, once.
            unsafe { Self::close(set) };
        }
    }
}

impl Wakes {
    /// # Safety
    /// The joiner's reference is given up.
    unsafe fn close(set: *const Set) {
        // SAFETY: the reference is the joiner's until it is released; a place that was armed, or is not in
        // use, is the joiner's.
        unsafe {
            // Acquires a place that was armed again, from the thread that has called its waker.
            let word = (*set).word.swap(0, order::acquire("failed/drop"));
            let take = |place: &Place, flags| {
                // Acquires the place from the thread that used it last.
                let in_use = place.is_in_use(order::acquire("used/drop"));
                let is_ours = !in_use || word & (ARMED | SPARE) == flags;
                // SAFETY: the place is the joiner's, and so is the reference.
                if is_ours { place.take() } else { None }
            };
            let wakers = (take(&(*set).kept, ARMED), take(&(*set).spare, ARMED | SPARE));
            Set::release(set);
            drop(wakers); // Foreign code, last.
        }
    }
}
