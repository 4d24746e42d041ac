//! Wakers that count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// What has been done to a waker and its clones.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    clones: AtomicUsize,
    drops: AtomicUsize,
    wakes: AtomicUsize,
}

impl Counts {
    pub(crate) fn clones(&self) -> usize {
        self.clones.load(SeqCst)
    }

    /// How many wakers there are now, the first one included.
    pub(crate) fn live(&self) -> usize {
        1 + self.clones.load(SeqCst) - self.drops.load(SeqCst)
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(SeqCst)
    }
}

/// A waker, and what is done to it.
pub(crate) fn counting() -> (Waker, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    // SAFETY: the vtable keeps the contract of `RawWaker`, for a pointer from `Arc::into_raw`.
    let waker = unsafe { Waker::from_raw(raw(counts.clone())) };
    (waker, counts)
}

fn raw(counts: Arc<Counts>) -> RawWaker {
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);
    RawWaker::new(Arc::into_raw(counts).cast(), &VTABLE)
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: `data` comes from `Arc::into_raw`, and this waker owns one reference.
    let counts = unsafe {
        Arc::increment_strong_count(data.cast::<Counts>());
        Arc::from_raw(data.cast::<Counts>())
    };
    counts.clones.fetch_add(1, SeqCst);
    raw(counts)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: passed on.
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: as in `clone`.
    unsafe { (*data.cast::<Counts>()).wakes.fetch_add(1, SeqCst) };
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: as in `clone`; the waker ends here, and with it its reference.
    let counts = unsafe { Arc::from_raw(data.cast::<Counts>()) };
    counts.drops.fetch_add(1, SeqCst);
}
