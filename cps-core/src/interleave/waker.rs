//! The waker that an interleaver lends to its chains.
//!
//! A chain that only lets others run says so by its step, and looks at no waker. The lent one is for
//! what else a chain may await: a future that wakes itself, as `yield_now` does, is to be resumed in
//! the next round, and one that waits in earnest is to wake the interleaver's own task.
//!
//! ```text
//!   chain ─ wake_by_ref() ──▶ progress = true                the round goes on
//!   chain ─ clone() ────────▶ a clone of the outer waker
//! ```

use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::task::{RawWaker, RawWakerVTable, Waker};

/// What the waker that an interleaver lends to its chains leads to.
#[derive(Debug)]
pub(crate) struct Lender<'a> {
    /// Whether a chain has woken itself since this was last cleared. Atomic because a `&Waker` may be
    /// used from any thread during the poll; relaxed because nothing else is handed over by it, and
    /// a poll that lent the waker to another thread has joined that thread before it returns.
    progress: AtomicBool,
    outer: &'a Waker,
}

/// A waker that is lent and not owned: dropping it does nothing.
pub(crate) struct BorrowedWaker<'a> {
    waker: ManuallyDrop<Waker>,
    _lender: core::marker::PhantomData<&'a Lender<'a>>,
}

impl<'a> Lender<'a> {
    pub(crate) fn new(outer: &'a Waker) -> Self {
        Lender { progress: AtomicBool::new(false), outer }
    }

    /// The waker to poll chains with.
    pub(crate) fn waker(&'a self) -> BorrowedWaker<'a> {
        let data = ptr::from_ref(self).cast();
        // SAFETY: the functions of `LENT` are thread-safe, as `Lender` is `Sync`. The waker is
        // never dropped and owned by nobody else; it is reached through `BorrowedWaker`, which borrows the
        // lender, and its clones are clones of `outer`.
        let waker = ManuallyDrop::new(unsafe { Waker::new(data, &LENT) });
        BorrowedWaker { waker, _lender: core::marker::PhantomData }
    }

    /// Whether there was progress since the last call.
    #[inline(always)]
    pub(crate) fn take_progress(&self) -> bool {
        let progress = self.progress.load(Relaxed);
        self.progress.store(false, Relaxed);
        progress
    }
}

impl BorrowedWaker<'_> {
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

/// The table of lent wakers.
static LENT: RawWakerVTable = {
    /// # Safety
    /// `data` leads to a live `Lender`: the contract of every function of the table.
    unsafe fn lender<'a>(data: *const ()) -> &'a Lender<'a> {
        // SAFETY: by contract.
        unsafe { &*data.cast::<Lender<'a>>() }
    }
    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: only lent wakers have this table, and they do not outlive their lender.
        let waker = ManuallyDrop::new(unsafe { lender(data) }.outer.clone());
        RawWaker::new(waker.data(), waker.vtable())
    }
    unsafe fn wake(data: *const ()) {
        // SAFETY: as in `clone`.
        unsafe { wake_by_ref(data) }
    }
    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: as in `clone`.
        unsafe { lender(data) }.progress.store(true, Relaxed);
    }
    unsafe fn drop(_: *const ()) {}
    RawWakerVTable::new(clone, wake, wake_by_ref, drop)
};
