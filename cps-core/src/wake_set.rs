//! Which branches of a branching point were woken: a set with one waker per branch.
//!
//! A *joiner* (the future of a `join`, a `race`, a `scope`) polls branches that lie in its own memory.
//! Each branch is polled with a waker of its own, which notes the branch in a [`Set`] that all
//! share, and wakes the joiner's task if the joiner sleeps. The joiner then resumes the noted branches
//! and looks at no other: O(woken), however many there are.
//!
//! # Implementation notes
//!
//! ```text
//!   Wakes (in the joiner)        Set (one allocation)                       Slot
//!  ┌─────────────┐             ┌───────────────────────────────┐  ┌────────────────────┐
//!  │ set ────────┼────────────▶│ word  waker  references       │◀─┼ set                │
//!  │ first, last │─ ─ ─ ─ ─┐   ├────────┬────────┬────────┬────┤  │ index next queued  │
//!  └─────────────┘         └ ─▶│ slot 0 │ slot 1 │ slot 2 │ …  │  └────────────────────┘
//!                              └────────┴────────┴────────┴────┘    a waker's data pointer
//! ```
//!
//! The set is allocated when the first waker is cloned: a join whose branches are all ready never
//! has one. Wakers own references to the set; it owns nothing but the waker of the joiner's
//! task, and that only while the joiner sleeps or polls.
//!
//! `Set::word` says what was woken, and whether the joiner sleeps. Its upper bits are the woken
//! branches: a bit each in a *small* set (up to [`SMALL`] branches), else the slot that was woken last,
//! each slot naming the one before it.
//!
//! ```text
//!                 arm                      note: has the waker          (edges: methods)
//!     AWAKE ────────────────▶ ARMED ──────────────────────┐
//!      │ ▲                      │                         ▼
//!      │ │        begin         │              begin     woken ──┐
//!      │ └──────────────────────┴───────◀───────────────  ▲   ▲  │ note
//!      │                                                  │   └──┘
//!      └──────────────────────────────────────────────────┘
//!                              note
//! ```
//!
//! | `word` | `waker_in_use` | the waker slot belongs to |
//! |---|---|---|
//! | `ARMED`: the joiner sleeps, nothing was woken since | yes | whoever clears the flag |
//! | anything else | yes | the thread that cleared it by a wake, until it has taken the waker out |
//! | anything else | no | the joiner |
//!
//! A slot of a set that is not small goes through a life of its own:
//!
//! ```text
//!          note: swap            note: exchange of word      begin             next
//!    idle ────────────▶ claimed ───────────────────▶ queued ───────▶ drained ───────▶ idle
//!      (queued = true)  next: its waker's            next: the joiner's       (queued = false)
//! ```
//!
//! so it is in the list at most once, and nothing is allocated by a wake. The joiner drains in the
//! order in which the branches were woken (a small set: in the order of their numbers, so who stops half-way
//! every time would starve the last).
//!
//! A list is not taken out of the word to be drained: `begin` reads it down to where it [`seen`](Wakes) it
//! last, and `arm` exchanges what `begin` saw for `ARMED`, which is one read-modify-write less. A slot that
//! is queued again after it was drained must not look as it did: each time it goes into the list, the lowest
//! bit of its name there, its *turn*, changes. Once suffices: it is drained at most once between a
//! `begin` and the `arm` that goes with it.
//!
//! The races are named in `loom-tests/README.md`, and each ordering is shown to be needed by
//! `loom-tests/tests/wake_set.rs`.

#![allow(unreachable_pub, reason = "loom-tests includes this file as a public module")]

#[path = "wake_set/wakers.rs"]
mod wakers;

use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr;
use core::task::{Context, RawWaker, Waker};

use self::wakers::{FIRST, First, raw_waker};
use crate::sync::{
    atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::Relaxed},
    cell::UnsafeCell,
    order,
};

/// The joiner sleeps, and its waker is in the slot. Nothing was woken: all other bits are 0.
const ARMED: usize = 1;
/// How many bits that takes.
const FLAGS: u32 = 1;

/// As many branches can be noted in the word itself.
#[cfg(not(loom))]
pub const SMALL: usize = (usize::BITS - FLAGS) as usize;
/// So few that a model of a set that is not small stays small.
#[cfg(loom)]
pub const SMALL: usize = 2;

/// How many branches there can be: their names fit into the word, and into 32 bits.
const MOST: usize = (u32::MAX >> (FLAGS + 1)) as usize;

/// More wakers than this are an error: the count must not wrap, as in `Arc`.
const MOST_REFERENCES: usize = usize::MAX / 2;

/// What the joiner and the wakers share; its slots follow in the same allocation.
struct Set {
    word: AtomicUsize,
    /// The joiner's own, and one for each waker.
    references: AtomicUsize,
    waker: UnsafeCell<Option<Waker>>,
    /// The joiner's waker is armed, or a thread is taking it out.
    waker_in_use: AtomicBool,
    count: u32,
}

/// One branch, as its wakers know it.
struct Slot {
    set: *const Set,
    index: u32,
    /// The name of the slot that was woken before this one, 0 if that is none; the module's notes say
    /// whose it is.
    next: UnsafeCell<u32>,
    queued: AtomicBool,
    /// As `next`.
    turn: UnsafeCell<bool>,
}

impl Slot {
    /// What the slot is called in the list from now on.
    ///
    /// # Safety
    /// The caller has claimed the slot.
    unsafe fn new_name(&self) -> usize {
        let turn = self.turn.with_mut(|turn| {
            // SAFETY: by contract.
            unsafe {
                *turn = !*turn;
                *turn
            }
        });
        (self.index as usize + 1) << 1 | usize::from(turn)
    }
}

/// The number of the slot of that name.
fn index_of(name: usize) -> usize {
    (name >> 1) - 1
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
            Ok((layout, slots)) if count <= MOST => {
                debug_assert_eq!(slots, Set::SLOTS);
                layout
            }
            _ => panic!("too many branches"),
        }
    }

    /// A set with one reference.
    fn allocate(count: usize) -> *mut Set {
        let layout = Set::layout(count);
        // SAFETY: the layout has a size. All of the memory is written before it is used, the slots in
        // bounds behind the head.
        unsafe {
            let set = alloc(layout).cast::<Set>();
            if set.is_null() {
                handle_alloc_error(layout);
            }
            set.write(Set {
                word: AtomicUsize::new(0),
                references: AtomicUsize::new(1),
                waker: UnsafeCell::new(None),
                waker_in_use: AtomicBool::new(false),
                count: count as u32, // At most MOST.
            });
            for index in 0..count {
                Set::slot(set, index).cast_mut().write(Slot {
                    set,
                    index: index as u32, // At most MOST.
                    next: UnsafeCell::new(0),
                    queued: AtomicBool::new(false),
                    turn: UnsafeCell::new(false),
                });
            }
            set
        }
    }

    /// Gives a reference up.
    ///
    /// # Safety
    /// The caller owns it.
    unsafe fn release(this: *const Set) {
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
    unsafe fn free(this: *mut Set) {
        // SAFETY: by contract; the memory came from `allocate`, with this layout.
        unsafe {
            let count = (*this).count as usize;
            for index in 0..count {
                ptr::drop_in_place(Set::slot(this, index).cast_mut());
            }
            // Empty by now: who puts a waker there owns a reference, and takes it back first.
            (*this).waker.with_mut(|waker| debug_assert!((*waker).is_none()));
            ptr::drop_in_place(this);
            dealloc(this.cast(), Set::layout(count));
        }
    }

    /// # Safety
    /// The set is live and has more than `index` slots.
    #[inline(always)]
    unsafe fn slot(this: *const Set, index: usize) -> *const Slot {
        // SAFETY: in bounds by contract.
        unsafe { this.byte_add(Set::SLOTS).cast::<Slot>().add(index) }
    }

    fn is_small(&self) -> bool {
        self.count as usize <= SMALL
    }

    /// Any thread: notes a branch and, if the joiner sleeps, wakes its task.
    fn note(&self, slot: &Slot) {
        let mut name = 0;
        if !self.is_small() {
            // "Coalesced wake": releases what this waker has to say also if the slot is queued already.
            // Acquires the joiner's last use of `next`.
            if slot.queued.swap(true, order::acq_rel("next/note", "heard/note")) {
                return;
            }
            // SAFETY: this thread has claimed the slot.
            name = unsafe { slot.new_name() };
        }
        let mut word = self.word.load(Relaxed);
        loop {
            let woken = if self.is_small() {
                word | 1 << (FLAGS + slot.index)
            } else {
                // SAFETY: this thread has claimed the slot, and nobody can reach it yet.
                slot.next.with_mut(|next| unsafe { *next = (word >> FLAGS) as u32 });
                name << FLAGS
            };
            // Releases the slot, and what this waker has to say; a read-modify-write also if the
            // word does not change. Acquires the joiner's waker, if it is this thread's to take.
            let order = order::acq_rel("waker/note", "woken/note");
            match self.word.compare_exchange_weak(word, woken & !ARMED, order, Relaxed) {
                Ok(_) => break,
                Err(other) => word = other,
            }
        }
        if word & ARMED != 0 {
            // SAFETY: this thread has cleared ARMED, so the waker's slot is its own until it says
            // that it is not in use.
            let waker = self.waker.with_mut(|waker| unsafe { (*waker).take() });
            // Releases the slot to the joiner.
            self.waker_in_use.store(false, order::release("taken/note"));
            if let Some(waker) = waker {
                // Foreign code, after the hand-over: it may well poll the joiner.
                waker.wake();
            }
        }
    }
}

/// The joiner's side. One owner at a time: what changes anything takes `&mut self`.
#[derive(Debug)]
pub struct Wakes {
    /// Null until a waker is cloned.
    set: AtomicPtr<Set>,
    /// What [`Wakes::begin`] has drained: bits, or the name of the first slot of a list, which may
    /// be empty (0).
    first: usize,
    /// The name of the list's last slot.
    last: usize,
    /// The name in the word when `begin` read it last; 0 in a small set, whose bits it takes.
    seen: usize,
}

impl Wakes {
    /// No branch was woken, and none has a waker.
    #[allow(clippy::new_without_default, reason = "it says more")]
    pub fn new() -> Self {
        Wakes { set: AtomicPtr::new(ptr::null_mut()), first: 0, last: 0, seen: 0 }
    }

    /// Whether any branch has ever had a waker.
    #[inline(always)]
    pub fn is_unused(&self) -> bool {
        self.set().is_null()
    }

    #[inline(always)]
    fn set(&self) -> *const Set {
        // Acquires the set, if another thread has made it: a branch may lend its waker out while
        // it is polled.
        self.set.load(order::acquire("set/load"))
    }

    /// Polls branch `index` of `count` by `poll`, with the waker of its slot.
    ///
    /// While nobody has a waker it is one that makes the set when it is cloned or woken. With
    /// `instead`, it is that.
    #[inline(always)]
    pub fn lend<R>(
        &self,
        index: usize,
        count: usize,
        instead: Option<&Waker>,
        poll: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        debug_assert!(index < count);
        let set = self.set();
        let first = First { wakes: self, index, count, _wakes: PhantomData };
        let raw = if set.is_null() {
            RawWaker::new((&raw const first).cast(), &FIRST)
        } else {
            // SAFETY: the joiner owns a reference, and all calls are given the same `count`.
            raw_waker(unsafe { Set::slot(set, index) })
        };
        // SAFETY: the vtables keep the contract of a waker, `FIRST` for as long as `first` lives.
        // The waker is borrowed for that long and never dropped, so it gives up no reference.
        let waker = ManuallyDrop::new(unsafe { Waker::from_raw(raw) });
        poll(&mut Context::from_waker(instead.unwrap_or(&waker)))
    }

    /// Drains the branches woken so far: [`Wakes::next`] gives these, and none that is woken later.
    #[inline(always)]
    pub fn begin(&mut self) {
        let set = self.set();
        if !set.is_null() {
            self.drain(set);
        }
    }

    fn drain(&mut self, set: *const Set) {
        // SAFETY: the joiner owns a reference.
        let (word, is_small) = unsafe { (Self::rouse(&*set), (*set).is_small()) };
        if is_small {
            self.first |= word >> FLAGS;
            return;
        }
        // The list runs from the last to the first: turn it round.
        let newest = word >> FLAGS;
        let (mut oldest, mut name) = (0, newest);
        while name != self.seen {
            // SAFETY: the names in the list are those of slots. Each is drained by now, which
            // makes `next` the joiner's.
            let next = unsafe {
                (*Set::slot(set, index_of(name)))
                    .next
                    .with_mut(|next| ptr::replace(next, oldest as u32))
            };
            oldest = name;
            name = next as usize;
        }
        self.seen = newest;
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

    /// Reads the word, and takes the bits of a small set out. Takes the joiner's waker back if it is
    /// armed.
    #[inline(always)]
    fn rouse(set: &Set) -> usize {
        // Acquires the woken slots and what their wakers have to say.
        let order = order::acquire("woken/begin");
        let mut word = if set.is_small() { ARMED } else { set.word.load(order) };
        if word & ARMED != 0 {
            let keep = if set.is_small() { 0 } else { !ARMED };
            word = set.word.fetch_and(keep, order);
            if word & ARMED != 0 {
                set.waker_in_use.store(false, Relaxed); // It was the joiner's own.
            }
        }
        word
    }

    /// The next of the branches that were drained. From now on a wake notes it again.
    #[allow(clippy::should_implement_trait, reason = "it borrows nothing, and is internal")]
    #[inline(always)]
    pub fn next(&mut self) -> Option<usize> {
        if self.first == 0 {
            return None;
        }
        let set = self.set();
        // SAFETY: something was drained, so there is a set, and the joiner owns a reference.
        if unsafe { (*set).is_small() } {
            let index = self.first.trailing_zeros() as usize;
            self.first &= self.first - 1;
            let bit = 1 << (FLAGS as usize + index);
            // Noted again since: this resume answers that too. Acquires what that waker has to say.
            // SAFETY: as above.
            unsafe {
                if (*set).word.load(Relaxed) & bit != 0 {
                    (*set).word.fetch_and(!bit, order::acquire("again/next"));
                }
            }
            return Some(index);
        }
        let index = index_of(self.first);
        // SAFETY: the name is a slot's, and it is drained, so that `next` is the joiner's.
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
    pub fn is_woken(&self, index: usize) -> bool {
        let set = self.set();
        if set.is_null() {
            return false;
        }
        // SAFETY: the joiner owns a reference, and `index` is a branch's.
        unsafe {
            if (*set).is_small() {
                (*set).word.load(Relaxed) & 1 << (FLAGS as usize + index) != 0
            } else {
                (*Set::slot(set, index)).queued.load(Relaxed)
            }
        }
    }

    /// Ends a poll that leaves branches unfinished: from now on a wake of any branch wakes `waker`'s
    /// task. Wakes it at once if there are woken branches already.
    #[inline]
    pub fn arm(&mut self, waker: &Waker) {
        let set = self.set();
        if set.is_null() {
            return; // Nobody can wake anything.
        }
        // SAFETY: the joiner owns a reference.
        let set = unsafe { &*set };
        let seen = self.seen << FLAGS;
        // Acquires the waker's slot from the thread that took a waker out last.
        if self.first == 0
            && set.word.load(Relaxed) == seen
            && !set.waker_in_use.load(order::acquire("taken/arm"))
        {
            let replace = |slot: *mut Option<Waker>| {
                // SAFETY: the waker is not in use, so its slot is the joiner's.
                match unsafe { &mut *slot } {
                    Some(old) if old.will_wake(waker) => None,
                    slot => slot.replace(waker.clone()),
                }
            };
            let stale = set.waker.with_mut(replace);
            set.waker_in_use.store(true, Relaxed);
            // "Note meets arm": fails if a branch was woken since `begin`. Releases the waker.
            let order = order::release("waker/arm");
            let armed = set.word.compare_exchange(seen, ARMED, order, Relaxed).is_ok();
            if armed {
                self.seen = 0;
            } else {
                set.waker_in_use.store(false, Relaxed); // Nobody else has seen it.
            }
            drop(stale); // Foreign code, after the hand-over.
            if armed {
                return;
            }
        }
        // Woken meanwhile, or woken branches are left, or ("swapped waker") somebody is about to
        // wake the waker of the last poll, which need not be this one.
        waker.wake_by_ref();
    }
}

impl Drop for Wakes {
    /// The joiner goes away. Its task's waker is dropped now, not with the last of the branches'.
    #[inline]
    fn drop(&mut self) {
        let set = self.set();
        if set.is_null() {
            return;
        }
        // SAFETY: the joiner owns a reference, until it gives it up here. The waker's slot is its own if
        // it was armed, or else is not in use.
        unsafe {
            let was_armed = (*set).word.fetch_and(!ARMED, Relaxed) & ARMED != 0;
            // Acquires the waker's slot from the thread that took a waker out last.
            let in_use = (*set).waker_in_use.load(order::acquire("taken/drop"));
            let waker = match was_armed || !in_use {
                true => (*set).waker.with_mut(|waker| (*waker).take()),
                false => None,
            };
            Set::release(set);
            drop(waker); // Foreign code, last.
        }
    }
}
