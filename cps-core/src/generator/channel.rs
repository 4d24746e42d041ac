//! The place of an item on its way from the body that yields it to the consumer.

use core::cell::{Cell, UnsafeCell};
use core::ptr;
use core::task::Poll;

use crate::chain::driver::Driver;
use crate::coroutine::root_memory::Head;
use crate::stack::FrameStack;

/// A driver and the slot for an item: the head of a generator's root.
///
/// The slot is full from `yield_`, with which a body suspends the chain, until the poll that ran the body is over: no
/// user code runs in between.
#[repr(C)]
pub(crate) struct Channel<T> {
    driver: Driver,
    /// Null, except during [`Channel::with_sink`].
    sink: Cell<*const Sink<T>>,
    item: UnsafeCell<Option<T>>,
}

/// Takes items where they are yielded, so that the chain need not suspend.
struct Sink<T> {
    take: unsafe fn(*mut (), T),
    data: *mut (),
}

// SAFETY: `repr(C)`, and the driver comes first. The slot is empty outside of a poll.
unsafe impl<T> Head for Channel<T> {
    #[inline(always)]
    fn with_stack(stack: FrameStack) -> Self {
        Channel {
            driver: Driver::with_stack(stack),
            sink: Cell::new(ptr::null()),
            item: UnsafeCell::new(None),
        }
    }
}

impl<T> Channel<T> {
    /// The slot.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`, and is a pointer to the whole of it.
    /// - Nothing refers to the slot while this reference is used.
    #[inline(always)]
    unsafe fn item<'a>(driver: *const Driver) -> &'a mut Option<T> {
        // SAFETY: `is_full`, `put` and `take` have the driver of a chain that heads a `Channel<T>`, and no
        // reference to the slot outlives a function of this file.
        unsafe { &mut *UnsafeCell::raw_get(&raw const (*driver.cast::<Channel<T>>()).item) }
    }

    /// Whether there is an item that was not taken.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - Nothing refers to its slot.
    #[inline(always)]
    pub(crate) unsafe fn is_full(driver: *const Driver) -> bool {
        // SAFETY: `Handed::poll`, which calls this, is in a body that yields `T`: its driver heads a channel of `T`
        // (contract of `MayYield`).
        unsafe { Self::item(driver).is_some() }
    }

    /// Hands the item on: to the sink if there is one; if not, into the slot, and then the chain must suspend.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - Its chain runs (invariant D).
    /// - The slot is empty.
    #[inline(always)]
    pub(crate) unsafe fn put(driver: *const Driver, item: T) -> Poll<()> {
        // SAFETY: `Yield`'s call has the driver of a body that yields `T`, which heads a channel of `T` (contract
        // of `MayYield`). A sink that is set is live (`with_sink` resets it). The slot is empty, so that there is
        // nothing to drop, and `write` spares what an assignment would do for that.
        unsafe {
            let sink = (*driver.cast::<Channel<T>>()).sink.get();
            if !sink.is_null() {
                Self::give(sink, item);
                return Poll::Ready(());
            }
            ptr::write(Self::item(driver), Some(item));
            Poll::Pending
        }
    }

    /// Not inlined, so that sinks cost a body's code no more than one test.
    ///
    /// # Safety
    /// - The sink is live.
    /// - Nothing else uses it during the call.
    #[cold]
    #[inline(never)]
    unsafe fn give(sink: *const Sink<T>, item: T) {
        // SAFETY: `put` has found the sink set, so `with_sink`, which owns it, has not returned, and its closure
        // runs nothing else.
        unsafe { ((*sink).take)((*sink).data, item) }
    }

    /// Calls `take` with each item that is yielded while `run` runs.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - The caller borrows the channel exclusively, but for `run`.
    #[inline(always)]
    pub(crate) unsafe fn with_sink<F: FnMut(T), R>(
        driver: *const Driver,
        take: &mut F,
        run: impl FnOnce() -> R,
    ) -> R {
        struct Reset<T>(*const Channel<T>);
        impl<T> Drop for Reset<T> {
            fn drop(&mut self) {
                // SAFETY: `with_sink` borrows the channel exclusively until this guard is gone.
                unsafe { (*self.0).sink.set(ptr::null()) }
            }
        }
        /// # Safety
        /// `data` is an exclusive reference to an `F`.
        unsafe fn call<F: FnMut(T), T>(data: *mut (), item: T) {
            // SAFETY: `with_sink` has made `data` from an exclusive reference to an `F`, which outlives the sink.
            unsafe { (*data.cast::<F>())(item) }
        }

        let channel = driver.cast::<Channel<T>>();
        let sink = Sink { take: call::<F, T>, data: ptr::from_mut(take).cast() };
        let _reset = Reset(channel);
        // SAFETY: `fold_all`, which calls this, borrows the pinned channel exclusively. The sink outlives the
        // guard, which resets the pointer to it.
        unsafe { (*channel).sink.set(&raw const sink) };
        run()
    }

    /// Empties the slot.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - Its chain does not run.
    #[inline(always)]
    pub(crate) unsafe fn take(driver: *const Driver) -> Option<T> {
        // SAFETY: `advance` and `poll_next`, which call this, have returned from the poll: no body runs that could
        // use the slot.
        unsafe { Self::item(driver).take() }
    }
}
