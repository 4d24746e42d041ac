//! The waker that an interleaver lends to its chains.
//!
//! A chain that only lets others run says so by its step, and uses no waker. The lent waker is for other futures that a
//! chain may await: one that wakes itself, as `yield_now` does, must be resumed in the next round; one that waits for
//! an event must wake the interleaver's own task.
//!
//! ```text
//!   chain ─ wake_by_ref() ──▶ progress = true                the round goes on
//!   chain ─ clone() ────────▶ a clone of the outer waker
//! ```

use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::task::{RawWaker, RawWakerVTable, Waker};

use crate::borrowed_waker::BorrowedWaker;

/// The data of the waker that an interleaver lends to its chains.
#[derive(Debug)]
pub(crate) struct Lender<'a> {
    /// Whether a chain has woken itself since this was last cleared. Atomic, since any thread may use a `&Waker` during
    /// the poll. Relaxed, since it hands nothing else over, and a poll that lends the waker to another thread joins
    /// that thread before it returns.
    progress: AtomicBool,
    outer: &'a Waker,
}

impl<'a> Lender<'a> {
    pub(crate) fn new(outer: &'a Waker) -> Self {
        Lender { progress: AtomicBool::new(false), outer }
    }

    /// The waker to poll chains with.
    pub(crate) fn waker(&'a self) -> BorrowedWaker<'a> {
        // SAFETY: the functions of `LENT` are thread-safe, as `Lender` is `Sync`. The waker is lent as long as this is
        // borrowed; its clones are clones of `outer`.
        unsafe { BorrowedWaker::new(RawWaker::new(ptr::from_ref(self).cast(), &LENT)) }
    }

    /// Whether there was progress since the last call.
    #[inline(always)]
    pub(crate) fn take_progress(&self) -> bool {
        let progress = self.progress.load(Relaxed);
        self.progress.store(false, Relaxed);
        progress
    }
}

/// The table of lent wakers.
static LENT: RawWakerVTable = {
    /// # Safety
    /// `data` leads to a live `Lender`: the contract of every function of the table.
    unsafe fn lender<'a>(data: *const ()) -> &'a Lender<'a> {
        // SAFETY: `clone` and `wake_by_ref`, the callers, are functions of a lent waker, whose data is a `Lender` that
        // it borrows.
        unsafe { &*data.cast::<Lender<'a>>() }
    }
    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: only lent wakers have this table, and they borrow their lender.
        let waker = ManuallyDrop::new(unsafe { lender(data) }.outer.clone());
        RawWaker::new(waker.data(), waker.vtable())
    }
    unsafe fn wake(data: *const ()) {
        // SAFETY: only lent wakers have this table, and they borrow their lender.
        unsafe { wake_by_ref(data) }
    }
    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: only lent wakers have this table, and they borrow their lender.
        unsafe { lender(data) }.progress.store(true, Relaxed);
    }
    unsafe fn drop(_: *const ()) {}
    RawWakerVTable::new(clone, wake, wake_by_ref, drop)
};
