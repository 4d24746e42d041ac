//! The place of an item on its way from the body that yields it to the consumer.

use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;
use core::ptr;
use core::task::Poll;

use crate::chain::driver::Driver;
use crate::coroutine::root_memory::Head;
use crate::stack::FrameStack;

/// A driver and the slot for an item: the head of a generator's root.
///
/// The slot is full from `yield_`, with which a body suspends the chain, until the poll that ran the body is over: no
/// user code runs in between. The driver's step says that it is ([`Step::ITEM`](crate::chain::step::Step::ITEM)).
#[repr(C)]
pub(crate) struct Channel<T> {
    driver: Driver,
    /// Null, except during [`Channel::with_sink`].
    sink: Cell<*mut Sink<T>>,
    item: UnsafeCell<MaybeUninit<T>>,
}

/// Takes items where they are yielded, so that the chain need not suspend. It is the head of a [`Folding`].
#[repr(C)]
struct Sink<T> {
    take: unsafe fn(T, *mut Sink<T>),
}

/// A sink that folds the items by `f`.
#[repr(C)]
struct Folding<T, A, F> {
    sink: Sink<T>,
    /// Moved out while `f` runs, and for good if `f` panics.
    all: MaybeUninit<A>,
    is_lost: bool,
    f: F,
}

impl<T, A, F: FnMut(A, T) -> A> Folding<T, A, F> {
    fn new(init: A, f: F) -> Self {
        let sink = Sink { take: Self::take };
        Folding { sink, all: MaybeUninit::new(init), is_lost: false, f }
    }

    /// [`Sink::take`].
    ///
    /// # Safety
    /// - `sink` heads a live one of this type.
    /// - It is not used otherwise during the call.
    /// - No call has panicked.
    unsafe fn take(item: T, sink: *mut Sink<T>) {
        struct LoseOnUnwind<'a>(&'a mut bool);
        impl Drop for LoseOnUnwind<'_> {
            fn drop(&mut self) {
                *self.0 = true;
            }
        }

        // SAFETY: `new` has set this function in a sink that `with_sink` owns, and that outlives its use. If `f` has
        // panicked, so has the chain: no body of it calls this again.
        unsafe {
            let Folding { all, is_lost, f, .. } = &mut *sink.cast::<Self>();
            let unwinding = LoseOnUnwind(is_lost);
            all.write(f(all.assume_init_read(), item));
            core::mem::forget(unwinding);
        }
    }

    /// What the items were folded to. `f` has not panicked.
    fn into_all(mut self) -> A {
        assert!(!core::mem::replace(&mut self.is_lost, true), "`f` returns or unwinds");
        // SAFETY: `f` has not panicked, so it is there, and `take` is not running: `self` is borrowed by nobody. It is
        // moved out once.
        unsafe { self.all.assume_init_read() }
    }
}

impl<T, A, F> Drop for Folding<T, A, F> {
    fn drop(&mut self) {
        if !self.is_lost {
            // SAFETY: neither `take` nor `into_all` has moved it out for good.
            unsafe { self.all.assume_init_drop() }
        }
    }
}

// SAFETY: `repr(C)`, and the driver comes first. The slot is empty outside of a poll.
unsafe impl<T> Head for Channel<T> {
    #[inline(always)]
    fn with_stack(stack: FrameStack) -> Self {
        Channel {
            driver: Driver::with_stack(stack),
            sink: Cell::new(ptr::null_mut()),
            item: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

impl<T> Channel<T> {
    /// Hands the item on: to the sink if there is one; if not, into the slot, and then the chain must suspend.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - Its chain runs (invariant D).
    /// - The slot is empty.
    #[inline(always)]
    pub(crate) unsafe fn put(driver: *const Driver, item: T) -> Poll<()> {
        // SAFETY: `Yield`'s call has the driver of a body that yields `T`, which heads a channel of `T` (contract
        // of `MayYield`). A sink that is set is live (`with_sink` resets it). The slot is empty: nothing is to be
        // dropped.
        unsafe {
            let channel = driver.cast::<Channel<T>>();
            let sink = (*channel).sink.get();
            if !sink.is_null() {
                Self::give((*sink).take, sink, item);
                return Poll::Ready(());
            }
            UnsafeCell::raw_get(&raw const (*channel).item).cast::<T>().write(item);
            (*driver).yield_item();
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

    /// Folds the items that are yielded while `run` runs.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - The caller borrows the channel exclusively, but for `run`.
    #[inline(always)]
    pub(crate) unsafe fn with_sink<A, F: FnMut(A, T) -> A, R>(
        driver: *const Driver,
        init: A,
        f: F,
        run: impl FnOnce() -> R,
    ) -> (A, R) {
        /// Takes the sink away before it is gone.
        struct Reset<T>(*const Channel<T>);
        impl<T> Drop for Reset<T> {
            fn drop(&mut self) {
                // SAFETY: `with_sink` borrows the channel exclusively until this guard is gone.
                unsafe { (*self.0).sink.set(ptr::null_mut()) }
            }
        }
        let channel = driver.cast::<Channel<T>>();
        let folding = UnsafeCell::new(Folding::new(init, f));
        let reset = Reset(channel);
        // SAFETY: `fold_all`, which calls this, borrows the pinned channel exclusively. The sink outlives the
        // guard, which resets the pointer to it.
        unsafe { (*channel).sink.set(folding.get().cast()) };
        let ran = run();
        drop(reset);
        (folding.into_inner().into_all(), ran)
    }

    /// Empties the slot.
    ///
    /// # Safety
    /// - `driver` heads a live channel of `T`.
    /// - Its chain has suspended with an item ([`Driver::has_item`]), and was not resumed since.
    /// - This is called once for it.
    #[inline(always)]
    pub(crate) unsafe fn take(driver: *const Driver) -> T {
        // SAFETY: `advance::resume` or `finish`, the callers, have found the step by which `put` says that it has filled the
        // slot, in the poll that has just ended: no body runs that could use the slot, and the next poll begins with
        // another step.
        unsafe {
            UnsafeCell::raw_get(&raw const (*driver.cast::<Channel<T>>()).item).cast::<T>().read()
        }
    }
}
