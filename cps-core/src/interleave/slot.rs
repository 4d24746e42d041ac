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
use crate::chain::driver::{Driver, Host};
use crate::chain::header::ended;
use crate::chain::step::Turn;

/// Memory for one chain after another. The chain is suspended unless the driver's has ended.
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

// SAFETY: a slot owns its chain, and the frames that `C` starts are `Send` if `C` is (contract of
// `Start`). Results are kept in slots between polls, so they must be `Send` as well.
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

    /// Starts a chain. When it has returned, its result is to be taken.
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
        // SAFETY: the place is ours, vacant and pinned by contract; the driver was entered and its
        // chain has ended. When the root frame has suspended, the chain is as `settle_turn` requires it.
        let turn = unsafe {
            match coroutine.start(self.place(), Caller::root(driver)) {
                Poll::Ready(()) => Turn::Returned,
                Poll::Pending => Driver::settle_turn(driver, (*driver).pending()),
            }
        };
        self.note(turn)
    }

    /// Prepares a chain for being started, or resumed in another poll than before.
    #[inline(always)]
    pub(super) fn enter(&self, host: Host<'_>) {
        // SAFETY: the driver is this slot's.
        unsafe { Driver::enter(&raw const self.driver, host) };
    }

    /// Resumes the chain, if there is one. When it has returned, its result is to be taken.
    ///
    /// # Safety
    /// If the slot is suspended, it was started or entered in this poll.
    #[inline(always)]
    pub(super) unsafe fn resume(&self) -> Turn {
        let driver = &raw const self.driver;
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: passed on.
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
        // SAFETY: by contract; the flag keeps it from being taken again.
        unsafe { C::take_result(self.place()) }
    }

    /// Drops what is in the slot: a chain, innermost frame first, or a result. The memory of its
    /// frame stack too, if frames were left there.
    pub(super) fn cancel(&self) {
        // SAFETY: the slot is pinned if a chain was started in it. Nothing runs the chain:
        // whoever polls the group does not call this in between.
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
