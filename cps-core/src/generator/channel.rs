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
    sink: Cell<*mut Sink<T>>,
    item: UnsafeCell<Option<T>>,
}

/// Takes items where they are yielded, so that the chain need not suspend. It is the head of a [`Taking`], whose items
/// `take` takes.
#[repr(C)]
struct Sink<T> {
    take: unsafe fn(T, *mut Sink<T>),
}

/// A sink that calls `f`.
#[repr(C)]
struct Taking<T, F> {
    sink: Sink<T>,
    f: F,
}

// SAFETY: `repr(C)`, and the driver comes first. The slot is empty outside of a poll.
unsafe impl<T> Head for Channel<T> {
    #[inline(always)]
    fn with_stack(stack: FrameStack) -> Self {
        Channel {
            driver: Driver::with_stack(stack),
            sink: Cell::new(ptr::null_mut()),
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
                Self::give((*sink).take, sink, item);
                return Poll::Ready(());
            }
            ptr::write(Self::item(driver), Some(item));
            Poll::Pending
        }
    }

    /// Not inlined: so the compiler knows that a sink is rare, and a body saves its registers for it where it calls this.
    ///
    /// # Safety
    /// - The sink is live, and has this `take`.
    /// - Nothing else uses it during the call.
    #[cold]
    #[inline(never)]
    unsafe fn give(take: unsafe fn(T, *mut Sink<T>), sink: *mut Sink<T>, item: T) {
        // SAFETY: `put` has found the sink set, so `with_sink`, which owns it, has not returned, and its closure
        // runs nothing else.
        unsafe { take(item, sink) }
    }

    /// Calls `take` with each item that is yielded while `run` runs.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - The caller borrows the channel exclusively, but for `run`.
    #[inline(always)]
    pub(crate) unsafe fn with_sink<F: FnMut(T), R>(
        driver: *const Driver,
        take: F,
        run: impl FnOnce() -> R,
    ) -> R {
        struct Reset<T>(*const Channel<T>);
        impl<T> Drop for Reset<T> {
            fn drop(&mut self) {
                // SAFETY: `with_sink` borrows the channel exclusively until this guard is gone.
                unsafe { (*self.0).sink.set(ptr::null_mut()) }
            }
        }
        /// # Safety
        /// - `sink` heads a live `Taking<T, F>`.
        /// - It is not used otherwise during the call.
        unsafe fn call<F: FnMut(T), T>(item: T, sink: *mut Sink<T>) {
            // SAFETY: `with_sink` has set this function in a `Taking<T, F>`, which outlives the sink's use.
            unsafe { ((*sink.cast::<Taking<T, F>>()).f)(item) }
        }

        let channel = driver.cast::<Channel<T>>();
        let mut sink = Taking { sink: Sink { take: call::<F, T> }, f: take };
        let _reset = Reset(channel);
        // SAFETY: `fold_all`, which calls this, borrows the pinned channel exclusively. The sink outlives the
        // guard, which resets the pointer to it.
        unsafe { (*channel).sink.set((&raw mut sink).cast()) };
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
