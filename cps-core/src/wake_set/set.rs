//! What the joiner and the wakers share.

use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use core::ptr;
use core::task::Waker;

use crate::sync::{
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    cell::UnsafeCell,
    order,
};

/// The kept waker is to be woken. Nothing was woken: the upper bits are 0.
pub(super) const ARMED: usize = 1;
/// The same of the spare waker.
pub(super) const ARMED_SPARE: usize = 2;
/// How many bits these take. Once the joiner is gone both are 0 for ever, and the others mean nothing.
pub(super) const FLAGS: u32 = 2;

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
    /// It is armed, or a thread is about to call the waker.
    pub(super) in_use: AtomicBool,
}

impl Place {
    fn new(waker: Option<Waker>, in_use: bool) -> Self {
        Place { waker: UnsafeCell::new(waker), in_use: AtomicBool::new(in_use) }
    }

    /// # Safety
    /// The place is the caller's.
    pub(super) unsafe fn take(&self) -> Option<Waker> {
        // SAFETY: by contract.
        self.waker.with_mut(|waker| unsafe { (*waker).take() })
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
    pub(super) unsafe fn release(this: *const Set) {
        // SAFETY: until its reference is gone the caller's set is live. Whoever gives the last one up
        // is the only user left, and the ordering makes all others' uses happen before.
        unsafe {
            let order = order::acq_rel("last/release", "used/release");
            if (*this).references.fetch_sub(1, order) == 1 {
                Set::free(this.cast_mut());
            }
        }
    }

    /// # Safety
    /// The set is live and nobody else's.
    #[cold]
    pub(super) unsafe fn free(this: *mut Set) {
        // SAFETY: by contract; the memory came from `allocate`, with this layout.
        let wakers = unsafe {
            let count = (*this).count as usize;
            for index in 0..count {
                ptr::drop_in_place(Set::slot(this, index).cast_mut());
            }
            let wakers = ((*this).kept.take(), (*this).spare.take());
            ptr::drop_in_place(this);
            dealloc(this.cast(), Set::layout(count));
            wakers
        };
        drop(wakers); // Foreign code, last.
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

    /// Any thread: notes a branch and, if the set is armed, wakes the joiner's task.
    pub(super) fn note(&self, slot: &Slot) {
        let index = self.index(slot);
        let mut word = self.word.load(Relaxed);
        if !self.is_small() {
            if word >> FLAGS == 0 {
                let order = order::acq_rel("waker/sole", "woken/sole");
                let sole = sole_entry(index) << FLAGS;
                match self.word.compare_exchange(word, sole, order, Relaxed) {
                    Ok(_) => return self.wake_joiner(word),
                    Err(other) => word = other,
                }
            }
            // "Coalesced wake": releases what this waker has to say also if the slot is queued already.
            // Acquires the joiner's last use of `next`.
            if slot.queued.swap(true, order::acq_rel("next/note", "heard/note")) {
                return;
            }
        }
        loop {
            let woken = if self.is_small() {
                (word | 1 << FLAGS << index) & !(ARMED | ARMED_SPARE)
            } else {
                // SAFETY: this thread has claimed the slot, and nobody can reach it yet.
                slot.next.with_mut(|next| unsafe { *next = (word >> FLAGS) as u32 });
                entry(index) << FLAGS
            };
            // Releases the slot, and what this waker has to say; a read-modify-write also if the
            // word does not change. Acquires the joiner's waker, if it is this thread's to call.
            let order = order::acq_rel("waker/note", "woken/note");
            match self.word.compare_exchange_weak(word, woken, order, Relaxed) {
                Ok(_) => break,
                Err(other) => word = other,
            }
        }
        self.wake_joiner(word);
    }

    /// By the thread that has taken the flags out of the word.
    #[inline(always)]
    fn wake_joiner(&self, word: usize) {
        if word & ARMED != 0 {
            self.wake_kept();
        } else if word & ARMED_SPARE != 0 {
            self.wake_spare();
        }
    }

    /// By the thread that has cleared `ARMED`.
    #[inline(always)]
    fn wake_kept(&self) {
        // Says that the waker is not in use, also if it panics.
        struct Used<'a>(&'a Set);
        impl Drop for Used<'_> {
            #[inline(always)]
            fn drop(&mut self) {
                let Used(set) = *self;
                // Releases the place to the joiner.
                set.kept.in_use.store(false, order::release("used/note"));
            }
        }
        let used = Used(self);
        self.kept.waker.with(|waker| {
            // SAFETY: the place is in use, until `used` is dropped, so the waker stays there. This
            // is foreign code: it may well poll the joiner, or drop it.
            if let Some(waker) = unsafe { &*waker } {
                waker.wake_by_ref();
            }
        });
        drop(used);
    }

    /// By the thread that has cleared `ARMED_SPARE`.
    #[cold]
    fn wake_spare(&self) {
        // SAFETY: this thread has cleared the flag, so the place is its own until it says that it is not in
        // use.
        let waker = unsafe { self.spare.take() };
        // Releases the place to the joiner.
        self.spare.in_use.store(false, order::release("taken/note"));
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
