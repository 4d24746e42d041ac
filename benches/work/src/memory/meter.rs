//! The requests of a piece of work to the allocator, counted by the allocator itself.
//!
//! The crates that count (`stats_alloc`, `peak_alloc`, `cap`, `dhat`) do so at every allocation of
//! the whole program, and this one also measures time. Here counting is a switch of the thread. Off,
//! it is not slower than the standard library's default, rather faster where it is inlined: 194 instead
//! of 205 instructions for a call of `fib` with its frame on the heap (callgrind).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a meter for each thread.
#[derive(Debug)]
pub struct Metered;

// That of the lab is in the package of the strategies, which it is inlined into.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: Metered = Metered;

/// The counts between two points of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes asked for and not given back. Negative if older memory was freed.
    pub live: isize,
    /// The most that `live` was.
    pub peak: isize,
    /// How often memory was asked for; a block that grows in place or moves counts again.
    pub allocations: u64,
}

struct Meter {
    on: Cell<bool>,
    usage: Cell<Usage>,
}

thread_local! {
    // No destructor and no lazy initialisation: it can be used within the allocator.
    static METER: Meter = const {
        Meter { on: Cell::new(false), usage: Cell::new(Usage { live: 0, peak: 0, allocations: 0 }) }
    };
}

impl Meter {
    #[cold]
    fn count(&self, taken: usize, given: usize) {
        let mut usage = self.usage.get();
        // A layout is never larger than `isize::MAX`.
        usage.live += taken as isize - given as isize;
        usage.peak = usage.peak.max(usage.live);
        usage.allocations += u64::from(taken != 0);
        self.usage.set(usage);
    }
}

#[inline(always)]
fn note(taken: usize, given: usize) {
    METER.with(|meter| {
        if meter.on.get() {
            meter.count(taken, given);
        }
    });
}

// SAFETY: every method calls the same method of `System` with the same arguments, and returns its result; counting
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Metered {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the layout has a size, which the caller of `alloc` upholds.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the layout has a size, which the caller of `alloc_zeroed` upholds.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: the caller of `realloc` has the memory from this allocator, that is from `System`, with this
        // layout; `size` is not zero.
        unsafe { System.realloc(memory, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the caller of `dealloc` has the memory from this allocator, that is from `System`, with this
        // layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Counts this thread's requests to the allocator until it is dropped.
#[derive(Debug)]
pub struct Counting(());

impl Counting {
    /// Starts from zero.
    ///
    /// # Panics
    /// If this thread is counting already.
    #[must_use]
    pub fn start() -> Self {
        METER.with(|meter| {
            assert!(!meter.on.replace(true), "the thread is counting already");
            meter.usage.set(Usage::default());
        });
        Self(())
    }

    /// The counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        METER.with(|meter| meter.usage.get())
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        METER.with(|meter| meter.on.set(false));
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn the_peak_is_the_most_that_was_live_at_once() {
        let counting = Counting::start();
        drop(black_box(vec![0u8; 1000]));
        let two = black_box((vec![1u8; 300], vec![1u8; 400]));
        let both = counting.usage();
        drop(two);
        assert_eq!(both, Usage { live: 700, peak: 1000, allocations: 3 });
        assert_eq!(counting.usage(), Usage { live: 0, ..both });
    }

    #[test]
    fn a_block_that_grows_counts_its_difference() {
        let counting = Counting::start();
        let mut block = black_box(Vec::<u8>::with_capacity(10));
        block.reserve_exact(100);
        let usage = counting.usage();
        assert_eq!((usage.live, usage.allocations), (100, 2));
    }

    #[test]
    fn another_thread_is_not_counted_nor_is_anything_when_off() {
        drop(Counting::start());
        drop(black_box(vec![0u8; 10]));
        let counting = Counting::start();
        let before = counting.usage();
        assert_eq!(before, Usage::default());
        let (tell, told) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        let usage = std::thread::scope(|scope| {
            scope.spawn(|| {
                tell.wait();
                drop(black_box(vec![0u8; 1 << 20]));
                told.wait();
            });
            let before = counting.usage();
            tell.wait();
            told.wait();
            (before, counting.usage())
        });
        assert_eq!(usage.0, usage.1);
    }
}
