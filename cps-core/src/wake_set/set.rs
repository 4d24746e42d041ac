//! What the joiner and the wakers share.

use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use core::mem;
use core::ptr;
use core::task::Waker;

use super::climb::Climb;
use super::wakers::slot_of;
use crate::sync::{
    atomic::{
        AtomicBool, AtomicPtr, AtomicUsize,
        Ordering::{self, Relaxed},
    },
    cell::UnsafeCell,
    loses, order,
};

/// The next wake is to call the waker of the joiner's task. Nothing was woken (the upper bits are 0), or the call
/// for it has panicked.
pub(super) const ARMED: usize = 1;
/// A wake has called the waker, or does, and the joiner was not polled since.
const CALLED: usize = 2;
/// Another wake came after that, and called nobody. Counts only while the call lasts.
const MISSED: usize = 4;
/// With `ARMED` or `CALLED`: the waker is the spare one.
pub(super) const SPARE: usize = 8;
/// How many bits these take. Once the joiner is gone all of them are 0 for ever, and the others mean nothing.
pub(super) const FLAGS: u32 = 4;

/// The flags after a wake: whoever has found `ARMED` calls the waker.
#[inline(always)]
fn after_wake(word: usize) -> usize {
    (word & !ARMED) | (word & (ARMED | CALLED)) << 1
}

/// As many branches can be noted in the word itself.
#[cfg(not(loom))]
pub const SMALL: usize = (usize::BITS - FLAGS) as usize;
/// So few that a model of a set that is not small stays small.
#[cfg(loom)]
pub const SMALL: usize = 2;

/// Whether a set of so many branches is a small one.
#[inline(always)]
pub(super) fn is_small(count: usize) -> bool {
    count <= SMALL
}

/// How many branches there can be: their names fit into the word, and into 32 bits.
const MOST: usize = (u32::MAX >> (FLAGS + 1)) as usize;

/// A place for a waker of the joiner's task; the module's notes say whose it is.
pub(super) struct Place {
    pub(super) waker: UnsafeCell<Option<Waker>>,
    /// Not null: it is armed, or a thread calls the waker; then [`IN_USE`], or ([`Climb`]) the place by whose waker that
    /// thread has come here: its set, with a bit that says which of the two it is.
    pub(super) user: AtomicPtr<Set>,
}

/// No set's address.
pub(super) const IN_USE: *mut Set = ptr::without_provenance_mut(2);

impl Place {
    fn new(waker: Option<Waker>, in_use: bool) -> Self {
        let place = Place { waker: UnsafeCell::new(waker), user: AtomicPtr::new(ptr::null_mut()) };
        place.set_in_use(in_use, Relaxed);
        place
    }

    #[inline(always)]
    pub(super) fn is_in_use(&self, order: Ordering) -> bool {
        !self.user.load(order).is_null()
    }

    #[inline(always)]
    pub(super) fn set_in_use(&self, in_use: bool, order: Ordering) {
        self.user.store(if in_use { IN_USE } else { ptr::null_mut() }, order);
    }

    /// The slot that the waker belongs to, if it is one of another set's.
    ///
    /// # Safety
    /// The place is in use, by the caller, or is the caller's.
    #[inline(always)]
    pub(super) unsafe fn slot(&self) -> Option<*const Slot> {
        // SAFETY: nobody else changes the place, by contract.
        self.waker.with(|waker| unsafe { &*waker }.as_ref().and_then(slot_of))
    }

    /// # Safety
    /// The place is the caller's.
    pub(super) unsafe fn take(&self) -> Option<Waker> {
        // SAFETY: by contract.
        self.waker.with_mut(|waker| unsafe { (*waker).take() })
    }

    /// Calls the waker.
    ///
    /// # Safety
    /// The place is in use, by the caller.
    #[inline(always)]
    pub(super) unsafe fn wake(&self) {
        self.waker.with(|waker| {
            // SAFETY: nobody else changes a place that is in use, so the waker stays there. This is foreign code:
            // it may well poll the joiner, or drop it.
            if let Some(waker) = unsafe { &*waker } {
                waker.wake_by_ref();
            }
        });
    }

    /// As [`Place::wake`], while a panic unwinds; whether the waker did not panic again. (Without `std` that
    /// ends the process, as a second panic does.)
    ///
    /// # Safety
    /// As for [`Place::wake`].
    unsafe fn wake_in_panic(&self) -> bool {
        // SAFETY: passed on.
        let wake = || unsafe { self.wake() };
        #[cfg(feature = "std")]
        let is_calm = calm::is_calm(wake);
        #[cfg(not(feature = "std"))]
        let is_calm = {
            wake();
            true
        };
        is_calm
    }
}

#[cfg(feature = "std")]
mod calm {
    use core::mem;
    use core::panic::AssertUnwindSafe;
    use std::panic::catch_unwind;

    /// Whether foreign code did not panic. What it panicked with is foreign, too.
    pub(super) fn is_calm(foreign: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(foreign))
            .map_err(|payload| {
                catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(mem::forget)
            })
            .is_ok()
    }
}

/// What the joiner and the wakers share; its slots follow in the same allocation.
#[repr(C)]
pub(super) struct Set {
    pub(super) word: AtomicUsize,
    pub(super) kept: Place,
    /// The joiner's own, and one for each waker.
    pub(super) references: AtomicUsize,
    pub(super) spare: Place,
    count: u32,
}

/// One branch, as its wakers know it.
pub(super) struct Slot {
    pub(super) set: *const Set,
    /// The entry of the slot that was woken before this one, 0 if that is none; the module's notes say
    /// whose it is.
    pub(super) next: UnsafeCell<u32>,
    pub(super) queued: AtomicBool,
}

/// What stands for a slot in the list, which has 0 for its end.
pub(super) fn entry(index: usize) -> usize {
    (index + 1) << 1
}

/// What stands for a slot that was woken when no other was: the end of a list. It is not queued, and its
/// `next` is not used.
pub(super) fn sole_entry(index: usize) -> usize {
    entry(index) | 1
}

pub(super) fn is_sole(entry: usize) -> bool {
    entry & 1 != 0
}

/// The number of the slot.
pub(super) fn index_of(entry: usize) -> usize {
    (entry >> 1) - 1
}

impl Set {
    /// Where the slots begin, in bytes.
    const SLOTS: usize = size_of::<Set>().next_multiple_of(align_of::<Slot>());

    /// # Panics
    /// If there cannot be so many.
    fn layout(count: usize) -> Layout {
        let slots = Layout::array::<Slot>(count);
        let whole = slots.and_then(|slots| Layout::new::<Set>().extend(slots));
        match whole {
            Ok((layout, slots)) if count < MOST => {
                debug_assert_eq!(slots, Set::SLOTS);
                layout
            }
            _ => panic!("too many branches"),
        }
    }

    /// A set with one reference, armed with a clone of `waker`.
    #[cold]
    pub(super) fn allocate(count: usize, waker: &Waker) -> *mut Set {
        let layout = Set::layout(count);
        let waker = waker.clone();
        // SAFETY: the layout has a size. All of the memory is written before it is used, the slots in
        // bounds behind the head.
        unsafe {
            let set = alloc(layout).cast::<Set>();
            if set.is_null() {
                handle_alloc_error(layout);
            }
            set.write(Set {
                word: AtomicUsize::new(ARMED),
                kept: Place::new(Some(waker), true),
                references: AtomicUsize::new(1),
                spare: Place::new(None, false),
                count: count as u32, // Less than MOST.
            });
            for index in 0..count {
                Set::slot(set, index).cast_mut().write(Slot {
                    set,
                    next: UnsafeCell::new(0),
                    queued: AtomicBool::new(false),
                });
            }
            set
        }
    }

    /// Gives a reference up.
    ///
    /// # Safety
    /// The caller owns it.
    pub(super) unsafe fn release(mut this: *const Set) {
        // SAFETY: until its reference is gone the caller's set is live. Whoever gives the last one up
        // is the only user left, and the ordering makes all others' uses happen before.
        unsafe {
            let order = || order::acq_rel("last/release", "used/release");
            while (*this).references.fetch_sub(1, order()) == 1 {
                let Some(above) = Set::free(this.cast_mut()) else { break };
                this = above;
            }
        }
    }

    /// Frees a set. If one of its wakers is another set's, gives that set: a reference to it is the caller's then.
    ///
    /// # Safety
    /// The set is live and nobody else's.
    #[cold]
    pub(super) unsafe fn free(this: *mut Set) -> Option<*const Set> {
        // SAFETY: by contract; the memory came from `allocate`, with this layout.
        let (kept, spare) = unsafe {
            let count = (*this).count as usize;
            for index in 0..count {
                ptr::drop_in_place(Set::slot(this, index).cast_mut());
            }
            let wakers = ((*this).kept.take(), (*this).spare.take());
            ptr::drop_in_place(this);
            dealloc(this.cast(), Set::layout(count));
            wakers
        };
        drop(spare); // Foreign code, last.
        let slot = slot_of(kept.as_ref()?)?;
        mem::forget(kept);
        // SAFETY: the waker had a reference, which keeps the slot.
        Some(unsafe { (*slot).set })
    }

    /// # Safety
    /// The set is live and has more than `index` slots.
    #[inline(always)]
    pub(super) unsafe fn slot(this: *const Set, index: usize) -> *const Slot {
        // SAFETY: in bounds by contract.
        unsafe { this.byte_add(Set::SLOTS).cast::<Slot>().add(index) }
    }

    /// The number of a slot of this set.
    #[inline(always)]
    fn index(&self, slot: &Slot) -> usize {
        let slots = ptr::from_ref(self).addr() + Set::SLOTS;
        (ptr::from_ref(slot).addr() - slots) / size_of::<Slot>()
    }

    #[inline(always)]
    fn is_small(&self) -> bool {
        is_small(self.count as usize)
    }

    /// The place for the waker that a word's flags speak of.
    #[inline(always)]
    pub(super) fn place(&self, word: usize) -> &Place {
        if word & SPARE == 0 { &self.kept } else { &self.spare }
    }

    /// Any thread: notes a branch and, if the set is armed, wakes the joiner's task.
    #[inline(always)]
    pub(super) fn note(&self, slot: &Slot) {
        self.wake_joiner(self.mark(slot));
    }

    /// Notes a branch. With `ARMED` in what this returns, the place that it speaks of is in use by the caller, who is to
    /// call the waker there.
    #[inline(always)]
    pub(super) fn mark(&self, slot: &Slot) -> usize {
        let index = self.index(slot);
        let mut word = self.word.load(Relaxed);
        if !self.is_small() {
            if word >> FLAGS == 0 {
                let order = order::acq_rel("waker/sole", "woken/sole");
                let sole = sole_entry(index) << FLAGS | after_wake(word);
                match self.word.compare_exchange(word, sole, order, Relaxed) {
                    Ok(_) => return word,
                    Err(other) => word = other,
                }
            }
            // "Coalesced wake": releases what this waker has to say also if the slot is queued already.
            // Acquires the joiner's last use of `next`.
            if slot.queued.swap(true, order::acq_rel("next/note", "heard/note")) {
                return self.coalesce();
            }
        }
        loop {
            let woken = if self.is_small() {
                after_wake(word) | 1 << FLAGS << index
            } else {
                // SAFETY: this thread has claimed the slot, and nobody can reach it yet.
                slot.next.with_mut(|next| unsafe { *next = (word >> FLAGS) as u32 });
                entry(index) << FLAGS | after_wake(word) & ((1 << FLAGS) - 1)
            };
            // Releases the slot, and what this waker has to say; a read-modify-write also if the
            // word does not change. Acquires the joiner's waker, if it is this thread's to call.
            let order = order::acq_rel("waker/note", "woken/note");
            match self.word.compare_exchange_weak(word, woken, order, Relaxed) {
                Ok(_) => return word,
                Err(other) => word = other,
            }
        }
    }

    /// The slot is queued already. Whoever queued it has woken the joiner's task, unless that has panicked ("failed
    /// wake"): then this wake does, or has that one do so again which is under way.
    #[inline]
    fn coalesce(&self) -> usize {
        let mut word = self.word.load(Relaxed);
        loop {
            let may_fail =
                word & (CALLED | MISSED) == CALLED && self.place(word).is_in_use(Relaxed);
            if word & ARMED == 0 && !may_fail {
                return word;
            }
            // Acquires the joiner's waker. Nothing to release: the slot's exchange did.
            let order = order::acquire("waker/again");
            match self.word.compare_exchange_weak(word, after_wake(word), order, Relaxed) {
                Ok(_) => return word,
                Err(other) => word = other,
            }
        }
    }

    /// By the thread that has replaced `word`, by what comes [`after_wake`].
    #[inline(always)]
    fn wake_joiner(&self, word: usize) {
        // Functions of their own, which a wake ends with: so one that calls nobody has no frame, and each place is
        // at a constant.
        #[inline(never)]
        unsafe fn call_kept(set: &Set) {
            // SAFETY: passed on.
            unsafe { set.call(0) }
        }
        #[cold]
        unsafe fn call_spare(set: &Set) {
            // SAFETY: passed on.
            unsafe { set.call(SPARE) }
        }

        if word & ARMED != 0 {
            // SAFETY: this thread has taken `ARMED` out of the word, so it is the one that uses the place.
            unsafe { if word & SPARE == 0 { call_kept(self) } else { call_spare(self) } }
        }
    }

    /// Calls the kept waker, or (`SPARE`) the spare one.
    ///
    /// # Safety
    /// The place is in use, by the caller.
    #[inline(always)]
    unsafe fn call(&self, spare: usize) {
        /// What is done if the call panics.
        struct Failed<'a>(&'a Set, usize);
        impl Drop for Failed<'_> {
            #[inline(always)]
            fn drop(&mut self) {
                // SAFETY: by contract of `call`.
                unsafe { self.0.failed(self.1) }
            }
        }

        let place = self.place(spare);
        // SAFETY: by contract.
        if unsafe { place.slot() }.is_some() {
            // SAFETY: passed on.
            return unsafe { Climb::up(self, spare) };
        }
        let failed = Failed(self, spare);
        // SAFETY: by contract.
        unsafe { place.wake() };
        mem::forget(failed);
        // Releases the place to the joiner.
        place.set_in_use(false, order::release("used/note"));
    }

    /// "Failed wake": if the joiner was not polled since, the next wake calls its waker again; and wakes that
    /// came meanwhile, and relied on this one, get one more call now.
    ///
    /// # Safety
    /// As for [`Set::call`].
    #[cold]
    pub(super) unsafe fn failed(&self, spare: usize) {
        let place = self.place(spare);
        let mut is_last = false;
        let mut word = self.word.load(Relaxed);
        // `CALLED` is this thread's: while the place is in use, nobody else arms it.
        while word & (CALLED | SPARE) == CALLED | spare && !loses("failed") {
            let is_missed = word & MISSED != 0 && !is_last && !loses("missed");
            let calm = word & !MISSED;
            let next = if is_missed { calm } else { calm & !CALLED | ARMED };
            // Releases the place, with `ARMED`, to whoever takes that.
            let order = order::release("used/failed");
            match self.word.compare_exchange_weak(word, next, order, Relaxed) {
                Ok(_) if is_missed => {
                    // Once: a waker that panics whenever it is called would keep this thread for ever.
                    is_last = true;
                    // SAFETY: the place is still in use by this thread.
                    if unsafe { place.wake_in_panic() } {
                        break;
                    }
                    word = self.word.load(Relaxed);
                }
                Ok(_) => return,
                Err(other) => word = other,
            }
        }
        // Releases the place to the joiner.
        place.set_in_use(false, order::release("used/note"));
    }
}
