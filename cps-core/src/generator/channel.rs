//! Where an item lies on its way from the body that yields it to whoever asked for it.

use core::cell::{Cell, UnsafeCell};
use core::ptr;
use core::task::Poll;

use crate::chain::driver::Driver;
use crate::coroutine::root_memory::Head;
use crate::stack::FrameStack;

/// A driver and the slot for an item: what stands before the root frame of a generator.
///
/// The slot is full from `yield_`, which is what a body does last before the chain suspends, until
/// the poll that ran the body is over: nothing of the user's runs in between.
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
    /// # Safety
    /// `driver` heads a live channel, by a pointer to the whole of it, and nothing refers to its
    /// slot.
    #[inline(always)]
    unsafe fn item<'a>(driver: *const Driver) -> &'a mut Option<T> {
        // SAFETY: by contract.
        unsafe { &mut *UnsafeCell::raw_get(&raw const (*driver.cast::<Channel<T>>()).item) }
    }

    /// Whether there is an item that was not taken.
    ///
    /// # Safety
    /// `driver` heads a live channel of `T`, and nothing refers to its slot.
    #[inline(always)]
    pub(crate) unsafe fn is_full(driver: *const Driver) -> bool {
        // SAFETY: passed on.
        unsafe { Self::item(driver).is_some() }
    }

    /// Hands the item on: to the sink if there is one, and then this is all; or into the slot, and
    /// then the chain must suspend.
    ///
    /// # Safety
    /// `driver` heads a live channel of `T`, its chain runs, and the slot is empty.
    #[inline(always)]
    pub(crate) unsafe fn put(driver: *const Driver, item: T) -> Poll<()> {
        // SAFETY: by contract. A sink that is set is live. The slot is empty: there is nothing to drop,
        // and what an assignment would do for it is left out.
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

    /// Not inlined, so that a body's code is as without sinks but for one test.
    ///
    /// # Safety
    /// The sink is live, and nothing else uses it.
    #[cold]
    #[inline(never)]
    unsafe fn give(sink: *const Sink<T>, item: T) {
        // SAFETY: by contract.
        unsafe { ((*sink).take)((*sink).data, item) }
    }

    /// Has `take` take all items that are yielded while `run` runs.
    ///
    /// # Safety
    /// `driver` heads a live channel of `T`, which is borrowed exclusively.
    #[inline(always)]
    pub(crate) unsafe fn with_sink<F: FnMut(T), R>(
        driver: *const Driver,
        take: &mut F,
        run: impl FnOnce() -> R,
    ) -> R {
        struct Reset<T>(*const Channel<T>);
        impl<T> Drop for Reset<T> {
            fn drop(&mut self) {
                // SAFETY: the channel outlives the guard, by the contract of `with_sink`.
                unsafe { (*self.0).sink.set(ptr::null()) }
            }
        }
        /// # Safety
        /// `data` is an exclusive reference to an `F`.
        unsafe fn call<F: FnMut(T), T>(data: *mut (), item: T) {
            // SAFETY: by contract.
            unsafe { (*data.cast::<F>())(item) }
        }

        let channel = driver.cast::<Channel<T>>();
        let sink = Sink { take: call::<F, T>, data: ptr::from_mut(take).cast() };
        let _reset = Reset(channel);
        // SAFETY: by contract. The sink outlives the guard.
        unsafe { (*channel).sink.set(&raw const sink) };
        run()
    }

    /// Empties the slot.
    ///
    /// # Safety
    /// `driver` heads a live channel of `T`, whose chain does not run.
    #[inline(always)]
    pub(crate) unsafe fn take(driver: *const Driver) -> Option<T> {
        // SAFETY: passed on.
        unsafe { Self::item(driver).take() }
    }
}
