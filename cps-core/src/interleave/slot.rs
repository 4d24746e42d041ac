//! A place of a group: one chain, its root frame and its driver, started in place.
//!
//! ```text
//!              start: Pending                  run: Ready
//!    vacant ──────────────────▶ suspended ─────────────────▶ returned
//!      ▲  │                         │                        │  ▲  │
//!      │  └─────────────────────────┼────────────────────────┼──┘  │ take
//!      │        start: Ready        │ cancel, panic          │     │
//!      └────────────────────────────┴────────────────────────┴─────┘
//! ```

use core::cell::{Cell, UnsafeCell};
use core::marker::{PhantomData, PhantomPinned};
use core::mem::MaybeUninit;
use core::ptr;
use core::task::Poll;

use super::interleavable::Start;
use crate::backtrace::running::Running;
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::ended;
use crate::chain::host::Host;
use crate::chain::step::Turn;

/// Memory for one chain after another. There is a suspended chain if the driver's leaf is not `ENDED` (invariant I).
#[repr(C)]
pub struct Slot<C: Start> {
    driver: Driver,
    place: UnsafeCell<MaybeUninit<C::Place>>,
    /// The index of the chain's input.
    index: Cell<usize>,
    /// Whether the root frame has returned and its result still lies in it.
    returned: Cell<bool>,
    _coroutine: PhantomData<C>,
    _pinned: PhantomPinned,
}

// SAFETY: a slot owns its chain, and the frames that `C` starts are `Send` if `C` is, as each impl of `Start` says.
// Results are kept in slots between polls, so they must be `Send` as well.
unsafe impl<C: Start<Output: Send> + Send> Send for Slot<C> {}
// SAFETY: a shared reference to a slot gives access to nothing.
unsafe impl<C: Start> Sync for Slot<C> {}

impl<C: Start> Slot<C> {
    pub(super) const fn new() -> Self {
        Slot {
            driver: Driver::vacant(),
            place: UnsafeCell::new(MaybeUninit::uninit()),
            index: Cell::new(0),
            returned: Cell::new(false),
            _coroutine: PhantomData,
            _pinned: PhantomPinned,
        }
    }

    #[inline(always)]
    pub(super) fn index(&self) -> usize {
        self.index.get()
    }

    #[inline(always)]
    pub(super) fn is_suspended(&self) -> bool {
        !ptr::eq(self.driver.leaf.get(), ended())
    }

    #[inline(always)]
    pub(super) fn has_returned(&self) -> bool {
        self.returned.get()
    }

    #[inline(always)]
    fn place(&self) -> *mut C::Place {
        self.place.get().cast()
    }

    /// Starts a chain. If it returns, the caller must take its result.
    ///
    /// # Safety
    /// The slot is vacant and pinned.
    #[inline(always)]
    pub(super) unsafe fn start(&self, coroutine: C, index: usize, host: Host<'_>) -> Turn {
        self.index.set(index);
        self.enter(host);
        let driver = &raw const self.driver;
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: the batch that calls this has found the place vacant, and pinned it (invariant I). The driver was
        // entered above. When the root frame has suspended, its chain is linked (invariants L and C).
        let turn = unsafe {
            match coroutine.start(self.place(), Caller::root(driver)) {
                Poll::Ready(()) => Turn::Returned,
                Poll::Pending => Driver::settle_turn(driver, Driver::pending(driver)),
            }
        };
        self.note(turn)
    }

    /// Prepares for starting a chain, or for resuming it in another poll than before.
    #[inline(always)]
    pub(super) fn enter(&self, host: Host<'_>) {
        // SAFETY: the driver is this slot's, and so valid.
        unsafe { Driver::enter(&raw const self.driver, host) };
    }

    /// Resumes the chain, if there is one. If it returns, the caller must take its result.
    ///
    /// # Safety
    /// If the slot is suspended, it was started or entered in this poll.
    #[inline(always)]
    pub(super) unsafe fn resume(&self) -> Turn {
        let driver = &raw const self.driver;
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: `Batch::rounds` or `start` has entered the place in this poll, if there is a chain (invariant I).
        let turn = unsafe { C::resume(self.place(), Caller::root(driver)) };
        self.note(turn)
    }

    #[inline(always)]
    fn note(&self, turn: Turn) -> Turn {
        if turn == Turn::Returned {
            self.driver.leaf.set(ended());
            self.returned.set(true);
        }
        turn
    }

    /// Moves the result out. The slot is vacant then.
    ///
    /// # Safety
    /// The slot has returned.
    #[inline(always)]
    pub(super) unsafe fn take(&self) -> C::Output {
        self.returned.set(false);
        // SAFETY: the caller has found that the chain has returned; the flag keeps its result from being taken again
        // (invariant I).
        unsafe { C::take_result(self.place()) }
    }

    /// Drops the slot's content: a result, or a chain, innermost frame first, with its part of the frame stack.
    pub(super) fn cancel(&self) {
        // SAFETY: the slot was pinned if a chain was started in it (invariant I). Nothing runs the chain, since the
        // slot is being dropped.
        unsafe {
            if self.has_returned() {
                drop(self.take());
            } else if self.is_suspended() {
                Driver::cancel(&raw const self.driver);
            }
        }
    }
}

impl<C: Start> Drop for Slot<C> {
    #[inline]
    fn drop(&mut self) {
        self.cancel();
    }
}
