//! The wakers of a set's slots, and those that are lent before there is a set.

use core::marker::PhantomData;
use core::ptr;
use core::task::{RawWaker, RawWakerVTable};

use super::{MOST_REFERENCES, Set, Slot, Wakes};
use crate::sync::{atomic::Ordering::Relaxed, order};

/// What a lent waker points to before there is a set. It lies on the host stack.
pub(super) struct First<'a> {
    pub(super) wakes: *const Wakes,
    pub(super) index: usize,
    pub(super) count: usize,
    pub(super) _wakes: PhantomData<&'a Wakes>,
}

pub(super) static FIRST: RawWakerVTable =
    RawWakerVTable::new(first_clone, first_wake, first_wake, no_drop);

/// The slot that a lent waker stands for; makes the set if nobody has.
///
/// # Safety
/// `data` is from `Wakes::lend`, which is still under way.
#[cold]
unsafe fn first_slot(data: *const ()) -> *const Slot {
    // SAFETY: by contract. A set that was made here is not freed before the joiner is dropped.
    unsafe {
        let First { wakes, index, count, .. } = *data.cast::<First<'_>>();
        let mut set = (*wakes).set();
        if set.is_null() {
            let fresh = Set::allocate(count);
            // "Two first clones": only one set is kept. Releases it; acquires another thread's.
            let (release, acquire) = (order::release("set/first"), order::acquire("set/lost"));
            set = match (*wakes).set.compare_exchange(ptr::null_mut(), fresh, release, acquire) {
                Ok(_) => fresh,
                Err(other) => {
                    Set::free(fresh);
                    other
                }
            };
        }
        Set::slot(set, index)
    }
}

unsafe fn first_clone(data: *const ()) -> RawWaker {
    // SAFETY: passed on; the slot is live as long as the joiner.
    unsafe { clone(first_slot(data).cast()) }
}

unsafe fn first_wake(data: *const ()) {
    // SAFETY: passed on.
    unsafe { wake_by_ref(first_slot(data).cast()) }
}

/// A lent waker owns nothing.
unsafe fn no_drop(_: *const ()) {}

/// A static, so that all wakers of a slot are equal to `Waker::will_wake`.
static SLOT: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

#[inline(always)]
pub(super) fn raw_waker(slot: *const Slot) -> RawWaker {
    RawWaker::new(slot.cast(), &SLOT)
}

unsafe fn clone(data: *const ()) -> RawWaker {
    let slot = data.cast::<Slot>();
    // SAFETY: a waker's data is its slot, and the reference it owns or borrows keeps the set. Relaxed: whoever
    // makes a reference from another has been given that one.
    unsafe {
        if (*(*slot).set).references.fetch_add(1, Relaxed) > MOST_REFERENCES {
            abort();
        }
    }
    raw_waker(slot)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: passed on; the reference outlives the wake.
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: as in `clone`.
    unsafe {
        let slot = &*data.cast::<Slot>();
        (*slot.set).note(slot);
    }
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: as in `clone`; the waker gives its reference up.
    unsafe { Set::release((*data.cast::<Slot>()).set) }
}

/// Ends the process, without an operating system: a panic while one unwinds.
#[cold]
fn abort() -> ! {
    struct Twice;
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("too many wakers");
        }
    }
    let _twice = Twice;
    panic!("too many wakers");
}
