//! Memory for tasks. A thread keeps some of what its tasks leave, for later tasks of the same size.
//!
//! ```text
//!   spawn ◀── take: by size ── Kept: lists of free memory, one for each size ◀── keep ── the last reference to a task
//!     │ none                   (of this thread)                                    │ it is full
//!     ▼                                                                            ▼
//!   alloc                                                                       dealloc
//! ```
//!
//! To allocate and to free takes as long as all else that a spawn does, and a program has few kinds of tasks, of which
//! many come and go. What one thread frees it may have from another: memory that is free has no owner.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// What is kept has this alignment, and sizes that are multiples of it.
const GRAIN: usize = align_of::<*const ()>();

/// The largest size that is kept.
const LARGEST: usize = 1024;

/// The most bytes that a thread keeps.
const MOST_BYTES: usize = 1 << 20;

thread_local! {
    static KEPT: Kept = const { Kept::new() };
}

/// Free memory, which begins with a link.
struct Free {
    next: *mut Free,
}

/// Free memory, in lists by size.
struct Kept {
    lists: [Cell<*mut Free>; LARGEST / GRAIN + 1],
    bytes: Cell<usize>,
}

impl Kept {
    const fn new() -> Self {
        Kept {
            lists: [const { Cell::new(ptr::null_mut()) }; LARGEST / GRAIN + 1],
            bytes: Cell::new(0),
        }
    }

    /// Takes memory of that size out.
    #[inline(always)]
    fn take(&self, size: usize) -> Option<NonNull<Free>> {
        let list = &self.lists[size / GRAIN];
        let free = NonNull::new(list.get())?;
        // SAFETY: what is in a list is free memory that begins with a link (contract of `keep`).
        list.set(unsafe { free.as_ref().next });
        self.bytes.set(self.bytes.get() - size);
        Some(free)
    }

    /// Keeps memory of that size, unless there is enough.
    ///
    /// # Safety
    /// It was allocated with that size and an alignment of [`GRAIN`], and the caller gives it up if this is true.
    #[inline(always)]
    unsafe fn keep(&self, memory: NonNull<Free>, size: usize) -> bool {
        let bytes = self.bytes.get() + size;
        if bytes > MOST_BYTES {
            return false;
        }
        self.bytes.set(bytes);
        let list = &self.lists[size / GRAIN];
        // SAFETY: the memory is the caller's, and has room for a link.
        unsafe { memory.write(Free { next: list.get() }) };
        list.set(memory.as_ptr());
        true
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for index in 1..self.lists.len() {
            let size = index * GRAIN;
            while let Some(free) = self.take(size) {
                // SAFETY: it was allocated with that size and alignment (contract of `keep`).
                unsafe {
                    dealloc(free.as_ptr().cast(), Layout::from_size_align_unchecked(size, GRAIN))
                };
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
        // (An error means that the thread ends.)
        if let Ok(Some(free)) = KEPT.try_with(|kept| kept.take(size_of::<T>())) {
            return free.cast();
        }
    }
    let layout = Layout::new::<T>();
    // SAFETY: a `T` has a size.
    match NonNull::new(unsafe { alloc(layout) }) {
        Some(memory) => memory.cast(),
        None => handle_alloc_error(layout),
    }
}

/// Frees memory.
///
/// # Safety
/// It is from [`allocate`], for the same `T`, and is not used again.
#[inline(always)]
pub(super) unsafe fn free<T>(memory: NonNull<T>) {
    // SAFETY: memory for a `T` that is kept was allocated with its size and that alignment. The caller gives it up.
    let keep = |kept: &Kept| unsafe { kept.keep(memory.cast(), size_of::<T>()) };
    if is_kept::<T>() && KEPT.try_with(keep).unwrap_or(false) {
        return;
    }
    // SAFETY: it was allocated with this layout, here or by another thread, and nobody keeps it.
    unsafe { dealloc(memory.as_ptr().cast(), Layout::new::<T>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(size: usize) -> NonNull<Free> {
        let layout = Layout::from_size_align(size, GRAIN).unwrap();
        // SAFETY: the layout has a size.
        NonNull::new(unsafe { alloc(layout) }).unwrap().cast()
    }

    #[test]
    fn memory_is_given_to_the_same_size_only_and_last_in_first_out() {
        let kept = Kept::new();
        let (one, other) = (memory(128), memory(128));
        // SAFETY: both are of that size, and given up.
        assert!(unsafe { kept.keep(one, 128) && kept.keep(other, 128) });
        assert!(kept.take(120).is_none() && kept.take(136).is_none());
        assert_eq!(kept.take(128), Some(other));
        // SAFETY: both are of that size, and given up.
        assert!(unsafe { kept.keep(other, 128) });
        assert_eq!(
            (kept.take(128), kept.take(128), kept.take(128)),
            (Some(other), Some(one), None)
        );
        assert_eq!(kept.bytes.get(), 0);
        // Freed with what keeps it: a leak otherwise.
        // SAFETY: both are of that size, and given up.
        assert!(unsafe { kept.keep(one, 128) && kept.keep(other, 128) });
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let kept = Kept::new();
        let most = MOST_BYTES / LARGEST;
        // SAFETY: all are of that size, and given up.
        (0..most).for_each(|_| assert!(unsafe { kept.keep(memory(LARGEST), LARGEST) }));
        let small = memory(GRAIN);
        // SAFETY: it is of that size, and given up if it is kept.
        assert!(unsafe { !kept.keep(small, GRAIN) });
        let free = kept.take(LARGEST).unwrap();
        // SAFETY: both are of these sizes, and given up.
        assert!(unsafe { kept.keep(small, GRAIN) && !kept.keep(free, LARGEST) });
        // SAFETY: it was not kept, and was allocated with this layout.
        unsafe { dealloc(free.as_ptr().cast(), Layout::from_size_align(LARGEST, GRAIN).unwrap()) };
    }
}
