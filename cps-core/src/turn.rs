//! Suspending without waiting: a chain that lets others run, and could go on at once.
//!
//! A suspension usually ends with a wake-up. One that only hides a cache miss ends when whoever
//! polls the chain gets round to it, and a wake-up for each would cost more than the miss. So an
//! interleaver polls its chains with a waker of its own kind, by which the suspension knows that it
//! is resumed anyway; under any other waker it wakes, as `yield_now` does, so that it is never lost.
//!
//! ```text
//!   chain ─ Turn::poll ─┬─ lent waker ──▶ progress = true       the round goes on
//!                       └─ any other ───▶ wake_by_ref()         the executor polls again
//!   chain ─ foreign future ─ clone() ──▶ a clone of the outer waker
//! ```

use core::future::Future;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// What the waker that an interleaver lends to its chains leads to.
#[derive(Debug)]
pub(crate) struct Lender<'a> {
    /// Whether a chain has suspended in a [`Turn`], or has woken itself, since this was last
    /// cleared. Atomic because a `&Waker` may be used from any thread during the poll; relaxed
    /// because nothing else is handed over by it, and a poll that lent the waker to another thread
    /// has joined that thread before it returns.
    progress: AtomicBool,
    outer: &'a Waker,
}

/// A waker that is lent and not owned: dropping it does nothing.
pub(crate) struct Lent<'a> {
    waker: ManuallyDrop<Waker>,
    _lender: core::marker::PhantomData<&'a Lender<'a>>,
}

impl<'a> Lender<'a> {
    pub(crate) fn new(outer: &'a Waker) -> Self {
        Lender { progress: AtomicBool::new(false), outer }
    }

    /// The waker to poll chains with.
    pub(crate) fn waker(&'a self) -> Lent<'a> {
        let data = ptr::from_ref(self).cast();
        // SAFETY: the functions of `LENT` are thread-safe, as `Lender` is `Sync`. The waker is
        // never dropped and owned by nobody else; it is reached through `Lent`, which borrows the
        // lender, and its clones are clones of `outer`.
        let waker = ManuallyDrop::new(unsafe { Waker::new(data, &LENT) });
        Lent { waker, _lender: core::marker::PhantomData }
    }

    /// Whether there was progress since the last call.
    #[inline(always)]
    pub(crate) fn take_progress(&self) -> bool {
        let progress = self.progress.load(Relaxed);
        self.progress.store(false, Relaxed);
        progress
    }
}

impl Lent<'_> {
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

/// The table of lent wakers. A `static`, whose address is its own: by it they are known.
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

/// Pending once: the others' turn.
#[derive(Debug, Default)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(crate) struct Turn {
    yielded: bool,
}

impl Turn {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Turn { yielded: false }
    }
}

impl Future for Turn {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        let waker = cx.waker();
        if ptr::eq(waker.vtable(), &raw const LENT) {
            // SAFETY: the waker is a lent one, by its table, so its lender is live.
            let lender = unsafe { &*waker.data().cast::<Lender<'_>>() };
            lender.progress.store(true, Relaxed);
        } else {
            wake(waker);
        }
        Poll::Pending
    }
}

#[cold]
#[inline(never)]
fn wake(waker: &Waker) {
    waker.wake_by_ref();
}
