//! Memory for tasks. What tasks leave is kept for later tasks of the same size.
//!
//! ```text
//!            ┌ of a thread: for each size a list, and a spare batch ┐
//!   spawn ◀──┤ first ─▶ free ─▶ free ─▶ …                           │◀── the last reference to a task
//!            └──▲────────────────────────────────────────────│──────┘
//!               │ none is left: a batch           a batch is full │
//!            ┌──┴───────────────────────────────────────────────▼───┐
//!            │ of all threads: batches for each size                │
//!            └──▲────────────────────────────────────────────│──────┘
//!               alloc                                      dealloc: it is full
//! ```
//!
//! To allocate and to free takes as long as all else that a spawn does, and a program has few kinds of tasks, of which
//! many come and go. A thread that spawns is often another one than those that run what it spawns: so memory goes back
//! by batches, under a lock that is taken once for each.
//!
//! (The batches of Bonwick and Adams, "Magazines and Vmem", 2001: a thread has two, so that one that takes and gives by
//! turns does not exchange a batch each time.)

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is kept has this alignment, and sizes that are multiples of it.
const GRAIN: usize = align_of::<*const ()>();

/// The largest size that is kept.
const LARGEST: usize = 1024;

/// The most bytes that all threads keep together, but for two batches that each has of a size.
const MOST_BYTES: usize = 4 << 20;

/// The most bytes of a batch, and the most pieces in it.
const BATCH_BYTES: usize = 8 << 10;
const BATCH: usize = 64;

/// The pieces in a batch.
const fn in_batch(size: usize) -> usize {
    let fit = BATCH_BYTES / size;
    if fit < BATCH { fit } else { BATCH }
}

thread_local! {
    static KEPT: Kept = const { Kept::new() };
}

static BATCHES: Mutex<Batches> = Mutex::new(Batches::new(MOST_BYTES));

/// Free memory, which begins with links.
struct Free {
    next: *mut Free,
    /// Of the first of a batch.
    next_batch: *mut Free,
}

/// What a thread keeps.
struct Kept {
    lists: [List; LARGEST / GRAIN + 1],
}

/// Of one size.
struct List {
    first: Cell<*mut Free>,
    /// How many are in the list: a batch at most.
    length: Cell<usize>,
    /// A batch, or null.
    spare: Cell<*mut Free>,
}

/// What all threads keep.
struct Batches {
    lists: [*mut Free; LARGEST / GRAIN + 1],
    /// How much more they may keep.
    room: usize,
}

// SAFETY: what is in the lists is memory that nobody else has.
unsafe impl Send for Batches {}

impl List {
    const fn new() -> Self {
        List {
            first: Cell::new(ptr::null_mut()),
            length: Cell::new(0),
            spare: Cell::new(ptr::null_mut()),
        }
    }

    /// Takes memory out.
    #[inline(always)]
    fn take(&self) -> Option<NonNull<Free>> {
        let free = NonNull::new(self.first.get())?;
        // SAFETY: what is in a list is free memory that begins with a link (contract of `keep`).
        self.first.set(unsafe { free.as_ref().next });
        self.length.set(self.length.get() - 1);
        Some(free)
    }

    /// Takes memory of that size out, for a list that is empty.
    #[cold]
    fn take_of_batch(&self, size: usize, batches: &Mutex<Batches>) -> Option<NonNull<Free>> {
        let mut batch = self.spare.replace(ptr::null_mut());
        if batch.is_null() {
            batch = lock(batches).take(size);
        }
        if batch.is_null() {
            return None;
        }
        self.first.set(batch);
        self.length.set(in_batch(size));
        self.take()
    }

    /// Keeps memory of that size.
    ///
    /// # Safety
    /// It was allocated with that size and an alignment of [`GRAIN`], and the caller gives it up.
    #[inline(always)]
    unsafe fn keep(&self, memory: NonNull<Free>, size: usize, batches: &Mutex<Batches>) {
        if self.length.get() == in_batch(size) {
            self.put_batch_away(size, batches);
        }
        self.length.set(self.length.get() + 1);
        let free = Free { next: self.first.get(), next_batch: ptr::null_mut() };
        // SAFETY: the memory is the caller's, and has room for the links.
        unsafe { memory.write(free) };
        self.first.set(memory.as_ptr());
    }

    /// Makes a full list an empty one.
    #[cold]
    fn put_batch_away(&self, size: usize, batches: &Mutex<Batches>) {
        let batch = self.spare.replace(self.first.replace(ptr::null_mut()));
        self.length.set(0);
        if batch.is_null() {
            return;
        }
        // SAFETY: what was the spare one is a batch of that size, and is nobody's now.
        unsafe {
            if !lock(batches).keep(batch, size) {
                free_all(batch, size);
            }
        }
    }
}

/// (Also where other locks are those of a test's schedules: no thread waits for another with this one.)
fn lock(batches: &Mutex<Batches>) -> MutexGuard<'_, Batches> {
    batches.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives pieces of memory back, each of that size.
///
/// # Safety
/// They are nobody's, linked by `next`, and were allocated with that size and an alignment of [`GRAIN`].
unsafe fn free_all(mut first: *mut Free, size: usize) {
    while let Some(free) = NonNull::new(first) {
        // SAFETY: as the caller says. The link is read before its memory goes.
        unsafe {
            first = free.as_ref().next;
            dealloc(free.as_ptr().cast(), Layout::from_size_align_unchecked(size, GRAIN));
        }
    }
}

impl Batches {
    const fn new(room: usize) -> Self {
        Batches { lists: [ptr::null_mut(); LARGEST / GRAIN + 1], room }
    }

    /// Takes a batch of memory of that size out; or null.
    fn take(&mut self, size: usize) -> *mut Free {
        let list = &mut self.lists[size / GRAIN];
        let batch = *list;
        // SAFETY: what is in the list is the first of a batch.
        if let Some(first) = unsafe { batch.as_ref() } {
            *list = first.next_batch;
            self.room += in_batch(size) * size;
        }
        batch
    }

    /// Keeps a batch, unless there are enough.
    ///
    /// # Safety
    /// It is one of memory of that size, and the caller gives it up if this is true.
    #[must_use]
    unsafe fn keep(&mut self, batch: *mut Free, size: usize) -> bool {
        let Some(room) = self.room.checked_sub(in_batch(size) * size) else { return false };
        self.room = room;
        let list = &mut self.lists[size / GRAIN];
        // SAFETY: the batch is the caller's.
        unsafe { (*batch).next_batch = *list };
        *list = batch;
        true
    }
}

impl Kept {
    const fn new() -> Self {
        Kept { lists: [const { List::new() }; LARGEST / GRAIN + 1] }
    }

    #[inline(always)]
    fn list(&self, size: usize) -> &List {
        &self.lists[size / GRAIN]
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for (index, list) in self.lists.iter().enumerate() {
            for first in [&list.first, &list.spare] {
                // SAFETY: they were allocated with that size and alignment (contract of `keep`), and are in no list now.
                unsafe { free_all(first.replace(ptr::null_mut()), index * GRAIN) };
            }
        }
    }
}

/// Whether memory for a `T` is kept. (Not under Miri, which is to see what uses it after its end.)
const fn is_kept<T>() -> bool {
    align_of::<T>() == GRAIN
        && size_of::<T>() >= size_of::<Free>()
        && size_of::<T>() <= LARGEST
        && !cfg!(miri)
}

/// Memory for a `T`, which has a size.
#[inline(always)]
pub(super) fn allocate<T>() -> NonNull<T> {
    const { assert!(size_of::<T>() != 0) };
    if is_kept::<T>() {
        let take = |kept: &Kept| {
            let list = kept.list(size_of::<T>());
            list.take().or_else(|| list.take_of_batch(size_of::<T>(), &BATCHES))
        };
        // (An error means that the thread ends.)
        if let Ok(Some(free)) = KEPT.try_with(take) {
            return free.cast();
        }
    }
    allocate_new(Layout::new::<T>()).cast()
}

/// Memory with a layout that has a size.
#[cold]
fn allocate_new(layout: Layout) -> NonNull<u8> {
    debug_assert!(layout.size() != 0);
    // SAFETY: the layout has a size.
    match NonNull::new(unsafe { alloc(layout) }) {
        Some(memory) => memory,
        None => handle_alloc_error(layout),
    }
}

/// Frees memory.
///
/// # Safety
/// It is from [`allocate`], for the same `T`, and is not used again.
#[inline(always)]
pub(super) unsafe fn free<T>(memory: NonNull<T>) {
    if is_kept::<T>() {
        let size = size_of::<T>();
        // SAFETY: memory for a `T` that is kept was allocated with its size and that alignment. The caller gives it up.
        let keep = |kept: &Kept| unsafe { kept.list(size).keep(memory.cast(), size, &BATCHES) };
        // (An error means that the thread ends.)
        if KEPT.try_with(keep).is_ok() {
            return;
        }
    }
    // SAFETY: it was allocated with this layout, here or by another thread, and nobody keeps it.
    unsafe { dealloc(memory.as_ptr().cast(), Layout::new::<T>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 128;
    const FULL: usize = in_batch(SIZE);

    fn memory() -> NonNull<Free> {
        allocate_new(Layout::from_size_align(SIZE, GRAIN).unwrap()).cast()
    }

    fn keep(kept: &Kept, memory: NonNull<Free>, batches: &Mutex<Batches>) {
        // SAFETY: it is of that size, and given up.
        unsafe { kept.list(SIZE).keep(memory, SIZE, batches) };
    }

    fn take(kept: &Kept, batches: &Mutex<Batches>) -> Option<NonNull<Free>> {
        let list = kept.list(SIZE);
        list.take().or_else(|| list.take_of_batch(SIZE, batches))
    }

    /// For batches of a test, which nobody frees otherwise.
    fn free_batches(batches: Mutex<Batches>) {
        let mut batches = batches.into_inner().unwrap();
        loop {
            let batch = batches.take(SIZE);
            if batch.is_null() {
                break;
            }
            // SAFETY: it is one of memory of that size, and in the list no more.
            unsafe { free_all(batch, SIZE) };
        }
    }

    #[test]
    fn memory_is_given_to_the_same_size_only_and_last_in_first_out() {
        let (kept, none) = (Kept::new(), Mutex::new(Batches::new(0)));
        let (one, other) = (memory(), memory());
        keep(&kept, one, &none);
        keep(&kept, other, &none);
        assert!(
            kept.list(SIZE - GRAIN).take().is_none() && kept.list(SIZE + GRAIN).take().is_none()
        );
        assert_eq!(take(&kept, &none), Some(other));
        keep(&kept, other, &none);
        assert_eq!([(); 3].map(|()| take(&kept, &none)), [Some(other), Some(one), None]);
        // Freed with what keeps it: a leak otherwise.
        keep(&kept, one, &none);
        keep(&kept, other, &none);
    }

    #[test]
    fn what_one_thread_leaves_another_takes_by_batches() {
        let batches = Mutex::new(Batches::new(MOST_BYTES));
        let left = std::thread::scope(|scope| {
            let leaves = || {
                let kept = Kept::new();
                let all: Vec<_> = (0..4 * FULL).map(|_| memory()).collect();
                all.iter().for_each(|&memory| keep(&kept, memory, &batches));
                // The first two batches. The spare one, and that in the list, are freed with what keeps them.
                all[..2 * FULL].iter().map(|memory| memory.addr()).collect::<Vec<_>>()
            };
            scope.spawn(leaves).join().unwrap()
        });
        let kept = Kept::new();
        let taken: Vec<_> = (0..2 * FULL).map(|_| take(&kept, &batches).unwrap()).collect();
        assert_eq!(take(&kept, &batches), None);
        let mut addresses: Vec<_> = taken.iter().map(|memory| memory.addr()).collect();
        addresses.sort_unstable();
        assert!(left.iter().all(|address| addresses.binary_search(address).is_ok()));
        taken.into_iter().for_each(|memory| keep(&kept, memory, &batches));
        free_batches(batches);
    }

    #[test]
    fn a_thread_that_gives_and_takes_by_turns_exchanges_no_batch() {
        let (kept, batches) = (Kept::new(), Mutex::new(Batches::new(MOST_BYTES)));
        let room = || lock(&batches).room;
        (0..=FULL).for_each(|_| keep(&kept, memory(), &batches));
        for _ in 0..3 {
            let (one, other) = (take(&kept, &batches).unwrap(), take(&kept, &batches).unwrap());
            keep(&kept, one, &batches);
            keep(&kept, other, &batches);
            assert_eq!(room(), MOST_BYTES);
        }
        (0..FULL).for_each(|_| keep(&kept, memory(), &batches));
        assert_eq!(room(), MOST_BYTES - FULL * SIZE);
        free_batches(batches);
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let (kept, batches) = (Kept::new(), Mutex::new(Batches::new(2 * FULL * SIZE)));
        (0..6 * FULL).for_each(|_| keep(&kept, memory(), &batches));
        assert_eq!(lock(&batches).room, 0);
        let taken: Vec<_> = std::iter::from_fn(|| take(&kept, &batches)).collect();
        assert_eq!(taken.len(), 4 * FULL);
        taken.into_iter().for_each(|memory| keep(&kept, memory, &batches));
        free_batches(batches);
    }
}
