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

/// The next wake calls the waker of the joiner's task. Nothing was woken (the upper bits are 0), or the call for it has
/// panicked.
pub(super) const ARMED: usize = 1;
/// A wake has called the waker, or is calling it, and the joiner was not polled since.
const CALLED: usize = 2;
/// Another wake came after that, and called nobody. Counts only while the call lasts.
const MISSED: usize = 4;
/// With `ARMED` or `CALLED`: the waker is the spare one.
pub(super) const SPARE: usize = 8;
/// How many bits these take. Once the joiner is gone they stay 0, and the other bits mean nothing.
pub(super) const FLAGS: u32 = 4;

/// The flags after a wake: the thread that has found `ARMED` calls the waker.
#[inline(always)]
fn after_wake(word: usize) -> usize {
    (word & !ARMED) | (word & (ARMED | CALLED)) << 1
}

/// How many branches can be noted in the word itself.
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

/// A place for a waker of the joiner's task. The table in `wake_set/mod.rs` says who may use and change it (invariant
/// W).
pub(super) struct Place {
    pub(super) waker: UnsafeCell<Option<Waker>>,
    /// Null while the place is not in use. [`IN_USE`] while it is armed, or a thread calls the waker; or, if that
    /// thread has come by the waker of another place ([`Climb`]), that place: its set, with a bit that says which of
    /// the two.
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
    /// The caller is the place's user, or may change it (invariant W).
    #[inline(always)]
    pub(super) unsafe fn slot(&self) -> Option<*const Slot> {
        // SAFETY: the thread that calls this is the place's user, so nobody else changes the place (invariant W).
        self.waker.with(|waker| unsafe { &*waker }.as_ref().and_then(slot_of))
    }

    /// # Safety
    /// The caller may change the place (invariant W).
    pub(super) unsafe fn take(&self) -> Option<Waker> {
        // SAFETY: the joiner, or the last owner of a reference, calls this for a place that is its own (invariant W).
        self.waker.with_mut(|waker| unsafe { (*waker).take() })
    }

    /// Calls the waker.
    ///
    /// # Safety
    /// The caller is the place's user (invariant W).
    #[inline(always)]
    pub(super) unsafe fn wake(&self) {
        self.waker.with(|waker| {
            // SAFETY: the thread that calls this is the place's user, so the waker stays there (invariant W): even if
            // it polls or drops the joiner, for it is foreign code.
            if let Some(waker) = unsafe { &*waker } {
                waker.wake_by_ref();
            }
        });
    }

    /// As [`Place::wake`], while a panic unwinds; whether the waker did not panic again. (Without `std` a second panic
    /// ends the process.)
    ///
    /// # Safety
    /// As for [`Place::wake`].
    unsafe fn wake_in_panic(&self) -> bool {
        // SAFETY: `Set::failed`, the caller, is still the place's user (invariant W).
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

    /// Whether foreign code did not panic. The panic's payload is foreign, too, and may panic when it is dropped.
    pub(super) fn is_calm(foreign: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(foreign))
            .map_err(|payload| {
                catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(mem::forget)
            })
            .is_ok()
    }
}

/// The state that the joiner and the wakers share. Its slots follow in the same allocation.
#[repr(C)]
pub(super) struct Set {
    pub(super) word: AtomicUsize,
    pub(super) kept: Place,
    /// One for the joiner, and one for each waker (invariant R).
    pub(super) references: AtomicUsize,
    pub(super) spare: Place,
    count: u32,
}

/// One branch, as its wakers know it.
pub(super) struct Slot {
    pub(super) set: *const Set,
    /// The entry of the slot that was woken before this one, or 0. Invariant Q says who may use it.
    pub(super) next: UnsafeCell<u32>,
    pub(super) queued: AtomicBool,
    /// The place of the slot's bit in the word of a small set; 0 in another set. (So a wake looks at the slot and at the
    /// word only.)
    bit: u8,
}

/// The entry of a slot in the list, which ends with 0.
pub(super) fn entry(index: usize) -> usize {
    (index + 1) << 1
}

/// The entry of a slot that was woken when no other was: the end of a list. The slot is not queued, and its `next` is
/// not used.
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
        // SAFETY: the layout has a size, that of the head at least.
        let set = unsafe { alloc(layout) }.cast::<Set>();
        if set.is_null() {
            handle_alloc_error(layout);
        }
        let head = Set {
            word: AtomicUsize::new(ARMED),
            kept: Place::new(Some(waker), true),
            references: AtomicUsize::new(1),
            spare: Place::new(None, false),
            count: count as u32, // Less than MOST.
        };
        // SAFETY: the memory is new and this function's alone, and the layout begins with the head.
        unsafe { set.write(head) };
        for index in 0..count {
            let (next, queued) = (UnsafeCell::new(0), AtomicBool::new(false));
            let bit = if is_small(count) { FLAGS as u8 + index as u8 } else { 0 };
            // SAFETY: the layout has room for `count` slots behind the head.
            unsafe { Set::slot(set, index).cast_mut().write(Slot { set, next, queued, bit }) };
        }
        set
    }

    /// Gives a reference up.
    ///
    /// # Safety
    /// The caller owns it (invariant R).
    pub(super) unsafe fn release(mut this: *const Set) {
        // SAFETY: the caller's reference keeps the set until it is given up here. The owner of the last one is the only
        // user left, and the ordering makes all other uses happen before (invariant R).
        unsafe {
            let order = || order::acq_rel("last/release", "used/release");
            while (*this).references.fetch_sub(1, order()) == 1 {
                let Some(above) = Set::free(this.cast_mut()) else { break };
                this = above;
            }
        }
    }

    /// Frees a set. If its kept waker is one of another set, returns that set, with that waker's reference to it.
    ///
    /// # Safety
    /// The set is live, and nobody else has a reference to it (invariant R).
    #[cold]
    pub(super) unsafe fn free(this: *mut Set) -> Option<*const Set> {
        // SAFETY: `release` has given up the last reference, or `make_set` has not published the set: it is this
        // function's alone (invariant R). The memory came from `allocate`, with this layout.
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
        // SAFETY: the waker was not dropped: its reference keeps the slot (invariant R).
        Some(unsafe { (*slot).set })
    }

    /// # Safety
    /// The set is live and has more than `index` slots.
    #[inline(always)]
    pub(super) unsafe fn slot(this: *const Set, index: usize) -> *const Slot {
        // SAFETY: the joiner and the lent wakers, which ask for slots, own or borrow a reference (invariant R), and
        // number the slots by `count`: this one is in bounds of the set's allocation.
        unsafe { this.byte_add(Set::SLOTS).cast::<Slot>().add(index) }
    }

    /// The number of a slot of this set.
    #[inline(always)]
    fn index(&self, slot: &Slot) -> usize {
        let slots = ptr::from_ref(self).addr() + Set::SLOTS;
        (ptr::from_ref(slot).addr() - slots) / size_of::<Slot>()
    }

    /// The joiner, before it resumes a branch of a small set: if the branch was noted again since it was drained, this
    /// resume answers that wake too, and acquires what that waker has to say. (That wake has woken the joiner's task: the
    /// next poll arms the set again.)
    #[inline(always)]
    pub(super) fn hear(&self, index: usize) {
        let bit = 1 << FLAGS << index;
        if self.word.load(Relaxed) & bit != 0 {
            self.word.fetch_and(!bit, order::acquire("again/next"));
        }
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

    /// Notes a branch. If the word that this returns has `ARMED`, the caller has become the user of the place that it
    /// speaks of (invariant W), and must call the waker there.
    #[inline(always)]
    pub(super) fn mark(&self, slot: &Slot) -> usize {
        if slot.bit == 0 {
            return self.mark_queued(slot);
        }
        let bit = 1 << slot.bit;
        let mut word = self.word.load(Relaxed);
        loop {
            match self.exchange(word, after_wake(word) | bit) {
                Ok(_) => return word,
                Err(other) => word = other,
            }
        }
    }

    /// [`Set::mark`] in a set that is not small.
    #[inline]
    fn mark_queued(&self, slot: &Slot) -> usize {
        let index = self.index(slot);
        let mut word = self.word.load(Relaxed);
        if word >> FLAGS == 0 {
            let order = order::acq_rel("waker/sole", "woken/sole");
            let sole = sole_entry(index) << FLAGS | after_wake(word);
            match self.word.compare_exchange(word, sole, order, Relaxed) {
                Ok(_) => return word,
                Err(other) => word = other,
            }
        }
        // "Coalesced wake": releases what this waker has to say, also if the slot is queued already.
        // Acquires the joiner's last use of `next`.
        if slot.queued.swap(true, order::acq_rel("next/note", "heard/note")) {
            return self.coalesce();
        }
        loop {
            // SAFETY: this thread has claimed the slot above, and not queued it yet: `next` is its own (invariant Q).
            slot.next.with_mut(|next| unsafe { *next = (word >> FLAGS) as u32 });
            let woken = entry(index) << FLAGS | after_wake(word) & ((1 << FLAGS) - 1);
            match self.exchange(word, woken) {
                Ok(_) => return word,
                Err(other) => word = other,
            }
        }
    }

    /// Releases the slot, and what its waker has to say: so this is a read-modify-write also if the word does not
    /// change. Acquires the joiner's waker, if this thread is to call it.
    #[inline(always)]
    fn exchange(&self, word: usize, woken: usize) -> Result<usize, usize> {
        let order = order::acq_rel("waker/note", "woken/note");
        self.word.compare_exchange_weak(word, woken, order, Relaxed)
    }

    /// The slot is queued already. The wake that queued it has woken the joiner's task, unless that call has panicked
    /// ("failed wake"): then this wake calls, or leaves a note for the one that is still under way to call again.
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

    /// Ends a wake: called by the thread that has replaced `word`, by [`after_wake`] of it.
    #[inline(always)]
    fn wake_joiner(&self, word: usize) {
        // A wake ends with one of these functions: so a wake that calls nobody has no frame, and the offset of either
        // place is a constant.
        #[inline(never)]
        unsafe fn call_kept(set: &Set) {
            // SAFETY: `wake_joiner` calls this as the user of the kept place (invariant W).
            unsafe { set.call(0) }
        }
        #[cold]
        unsafe fn call_spare(set: &Set) {
            // SAFETY: `wake_joiner` calls this as the user of the spare place (invariant W).
            unsafe { set.call(SPARE) }
        }

        if word & ARMED != 0 {
            // SAFETY: this thread has taken `ARMED` out of the word, and so is the place's user (invariant W).
            unsafe { if word & SPARE == 0 { call_kept(self) } else { call_spare(self) } }
        }
    }

    /// Calls the kept waker, or (`SPARE`) the spare one.
    ///
    /// # Safety
    /// The caller is that place's user (invariant W).
    #[inline(always)]
    unsafe fn call(&self, spare: usize) {
        /// Arms the set again if the call panics.
        struct Failed<'a>(&'a Set, usize);
        impl Drop for Failed<'_> {
            #[inline(always)]
            fn drop(&mut self) {
                // SAFETY: the thread that unwinds from `call` is still the place's user (invariant W).
                unsafe { self.0.failed(self.1) }
            }
        }

        let place = self.place(spare);
        // SAFETY: `wake_joiner` calls this as the place's user (invariant W).
        if unsafe { place.slot() }.is_some() {
            // SAFETY: this thread is still the place's user (invariant W).
            return unsafe { Climb::up(self, spare) };
        }
        let failed = Failed(self, spare);
        // SAFETY: this thread is still the place's user (invariant W).
        unsafe { place.wake() };
        mem::forget(failed);
        // Releases the place to the joiner.
        place.set_in_use(false, order::release("used/note"));
    }

    /// "Failed wake": if the joiner was not polled since, the next wake calls its waker again. Wakes that came
    /// meanwhile, and relied on this one, get one more call now.
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
            // Releases the place, with `ARMED`, to the thread that clears the flag.
            let order = order::release("used/failed");
            match self.word.compare_exchange_weak(word, next, order, Relaxed) {
                Ok(_) if is_missed => {
                    // Once: a waker that panics whenever it is called would keep this thread for ever.
                    is_last = true;
                    // SAFETY: this thread is still the place's user (invariant W).
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
