//! A global allocator that counts, for each thread. A test binary that includes this file uses it.
#![allow(dead_code, reason = "no test binary uses all of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What one thread has allocated and freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) allocations: usize,
    pub(crate) frees: usize,
    /// Bytes allocated and not freed; less than zero if others allocated what this thread freed.
    pub(crate) live: isize,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, frees: 0, live: 0 }) };
}

struct Counting;

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Counts { allocations, frees, live } = COUNTS.get();
        let live = live + layout.size() as isize;
        COUNTS.set(Counts { allocations: allocations + 1, frees, live });
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let Counts { allocations, frees, live } = COUNTS.get();
        let live = live - layout.size() as isize;
        COUNTS.set(Counts { allocations, frees: frees + 1, live });
        // SAFETY: passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that this thread has allocated and not freed.
pub(crate) fn live() -> isize {
    COUNTS.get().live
}

/// What this thread has allocated and freed during `f`.
pub(crate) fn during<T>(f: impl FnOnce() -> T) -> (T, Counts) {
    let before = COUNTS.get();
    let value = f();
    let after = COUNTS.get();
    let counts = Counts {
        allocations: after.allocations - before.allocations,
        frees: after.frees - before.frees,
        live: after.live - before.live,
    };
    (value, counts)
}
