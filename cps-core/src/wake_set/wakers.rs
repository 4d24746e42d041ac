//! The wakers of a set's slots, and those that are lent before there is a set.

use core::any::TypeId;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use core::task::{RawWaker, RawWakerVTable, Waker};

use super::joiner::Wakes;
use super::set::{Set, Slot};

/// More wakers than this are an error: the count must not wrap, as in `Arc`.
const MOST_REFERENCES: usize = usize::MAX / 2;

/// What a lent waker points to before there is a set.
#[derive(Debug)]
pub struct First<'a> {
    pub(super) wakes: &'a Wakes,
    pub(super) index: usize,
    pub(super) count: usize,
    /// Of the joiner's poll.
    pub(super) waker: &'a Waker,
    /// There is and will be no set: the waker stands for `waker`.
    pub(super) sole: bool,
    /// What the branch has reported.
    pub(super) kind: AtomicPtr<()>,
    pub(super) branch: BranchAt,
}

/// Which future it is that a branch's first waker is lent to.
#[derive(Clone, Copy, Debug)]
pub struct BranchAt {
    /// Where the future is.
    pub future: *const (),
    pub type_id: fn() -> TypeId,
    /// What the joiner is known by.
    pub joiner: *const (),
}

impl BranchAt {
    /// Of a poll that is not the first.
    pub(super) const NONE: BranchAt =
        BranchAt { future: ptr::null(), type_id: TypeId::of::<()>, joiner: ptr::null() };
}

/// Which branch `waker` is lent to for its first poll, if it is such a one.
#[inline(always)]
pub fn branch_at(waker: &Waker) -> Option<BranchAt> {
    // SAFETY: a waker with that vtable is lent, and so its data lives.
    ptr::eq(waker.vtable(), &FIRST).then(|| unsafe { (*waker.data().cast::<First<'_>>()).branch })
}

/// Tells the joiner that lends `waker` for the first poll of a branch, if it is such a one, what is in the
/// branch. The last report counts.
#[inline(always)]
pub fn report<K>(waker: &Waker, kind: &'static K) {
    if ptr::eq(waker.vtable(), &FIRST) {
        // SAFETY: a waker with that vtable is lent, and so its data lives.
        let first = unsafe { &*waker.data().cast::<First<'_>>() };
        first.kind.store(ptr::from_ref(kind).cast_mut().cast(), Relaxed);
    }
}

impl First<'_> {
    /// What the branch has reported, if it has.
    ///
    /// # Safety
    /// All reports are of type `K`.
    #[inline(always)]
    pub unsafe fn reported<K>(&self) -> Option<&'static K> {
        // SAFETY: by contract; a report is a reference for ever.
        unsafe { self.kind.load(Relaxed).cast::<K>().as_ref() }
    }
}

/// A waker that owns nothing.
#[derive(Debug)]
pub struct BorrowedWaker<'a> {
    /// Never dropped, so it gives up no reference.
    pub(super) waker: ManuallyDrop<Waker>,
    pub(super) _wakes: PhantomData<First<'a>>,
}

impl Deref for BorrowedWaker<'_> {
    type Target = Waker;

    #[inline(always)]
    fn deref(&self) -> &Waker {
        &self.waker
    }
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
        let first = &*data.cast::<First<'_>>();
        let set = first.wakes.make_set(first.count, first.waker);
        Set::slot(set, first.index)
    }
}

unsafe fn first_clone(data: *const ()) -> RawWaker {
    // SAFETY: a waker with this vtable is lent; the slot is live as long as the joiner.
    unsafe {
        let first = &*data.cast::<First<'_>>();
        if first.sole {
            let waker = ManuallyDrop::new(first.waker.clone());
            return RawWaker::new(waker.data(), waker.vtable());
        }
        clone(first_slot(data).cast())
    }
}

unsafe fn first_wake(data: *const ()) {
    // SAFETY: as above.
    unsafe {
        let first = &*data.cast::<First<'_>>();
        if first.sole {
            return first.waker.wake_by_ref();
        }
        wake_by_ref(first_slot(data).cast());
    }
}

/// A lent waker owns nothing.
unsafe fn no_drop(_: *const ()) {}

/// A static, so that all wakers of a slot are equal to `Waker::will_wake`.
static SLOT: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

#[inline(always)]
pub(super) fn raw_waker(slot: *const Slot) -> RawWaker {
    RawWaker::new(slot.cast(), &SLOT)
}

/// The slot that a waker belongs to, if it is one of a set's.
#[inline(always)]
pub(super) fn slot_of(waker: &Waker) -> Option<*const Slot> {
    ptr::eq(waker.vtable(), &SLOT).then(|| waker.data().cast())
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
    /// Gives the waker's reference up, also if the wake panics.
    struct Owned(*const ());
    impl Drop for Owned {
        #[inline(always)]
        fn drop(&mut self) {
            // SAFETY: the reference is the waker's that `wake` was given, and not given up elsewhere.
            unsafe { drop_waker(self.0) }
        }
    }

    let owned = Owned(data);
    // SAFETY: passed on; the reference outlives the wake.
    unsafe { wake_by_ref(owned.0) }
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
