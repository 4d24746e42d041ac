//! The wakers of a set's slots, and those that are lent before there is a set.

use core::any::TypeId;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use core::task::{RawWaker, RawWakerVTable, Waker};

use super::joiner::Wakes;
use super::set::{Set, Slot};

/// More wakers than this are an error: the count must not wrap, as in `Arc`.
const MOST_REFERENCES: usize = usize::MAX / 2;

/// The data of a waker that is lent before there is a set.
#[derive(Debug)]
pub struct First<'a> {
    pub(super) wakes: &'a Wakes,
    pub(super) index: usize,
    pub(super) count: usize,
    /// The waker of the joiner's poll.
    pub(super) waker: &'a Waker,
    /// There is no set, and there will be none: the lent waker stands for `waker`.
    pub(super) sole: bool,
    /// The kind that the branch has reported, or null.
    pub(super) kind: AtomicPtr<()>,
    pub(super) branch: BranchAt,
}

/// The future that a branch's first waker is lent to.
#[derive(Clone, Copy, Debug)]
pub struct BranchAt {
    /// The future's address.
    pub future: *const (),
    pub type_id: fn() -> TypeId,
    /// The joiner's address.
    pub joiner: *const (),
}

impl BranchAt {
    /// For a poll that is not the first.
    pub const NONE: BranchAt =
        BranchAt { future: ptr::null(), type_id: TypeId::of::<()>, joiner: ptr::null() };
}

/// Whether `waker` is lent for the first poll of a branch.
#[inline(always)]
pub fn is_first(waker: &Waker) -> bool {
    ptr::eq(waker.vtable(), &FIRST)
}

/// The branch that `waker` is lent to for its first poll, if it is.
#[inline(always)]
pub fn branch_at(waker: &Waker) -> Option<BranchAt> {
    // SAFETY: only `First::lend` makes a waker with that vtable, which borrows its data; its clones have another
    // vtable.
    is_first(waker).then(|| unsafe { (*waker.data().cast::<First<'_>>()).branch })
}

/// If a joiner lends `waker` for the first poll of a branch, tells it the kind of the future in the branch. The last
/// report counts.
#[inline(always)]
pub fn report<K>(waker: &Waker, kind: &'static K) {
    if is_first(waker) {
        // SAFETY: only `First::lend` makes a waker with that vtable, which borrows its data; its clones have another
        // vtable.
        let first = unsafe { &*waker.data().cast::<First<'_>>() };
        first.kind.store(ptr::from_ref(kind).cast_mut().cast(), Relaxed);
    }
}

impl First<'_> {
    /// [`First::reported`], once.
    ///
    /// # Safety
    /// As for that.
    #[inline(always)]
    pub unsafe fn take_report<K>(&mut self) -> Option<&'static K> {
        // SAFETY: the joiner that asks knows the one type that its branches report.
        let kind = unsafe { self.reported() };
        if kind.is_some() {
            *self.kind.get_mut() = ptr::null_mut();
        }
        kind
    }

    /// The kind that the branch has reported, if it has.
    ///
    /// # Safety
    /// All reports are of type `K`.
    #[inline(always)]
    pub unsafe fn reported<K>(&self) -> Option<&'static K> {
        // SAFETY: the joiner that asks knows the one type that its branches report; a report is a `'static` reference.
        unsafe { self.kind.load(Relaxed).cast::<K>().as_ref() }
    }
}

pub(super) static FIRST: RawWakerVTable =
    RawWakerVTable::new(first_clone, first_wake, first_wake, no_drop);

/// The slot that a lent waker stands for; makes the set if nobody has.
#[cold]
fn first_slot(first: &First<'_>) -> *const Slot {
    let set = first.wakes.make_set(first.count, first.waker);
    // SAFETY: the joiner, which `first` borrows, owns a reference to the set (invariant R), which has `count` slots.
    unsafe { Set::slot(set, first.index) }
}

unsafe fn first_clone(data: *const ()) -> RawWaker {
    // SAFETY: only `First::lend` makes a waker with this vtable, which borrows its data.
    let first = unsafe { &*data.cast::<First<'_>>() };
    if first.sole {
        let waker = ManuallyDrop::new(first.waker.clone());
        return RawWaker::new(waker.data(), waker.vtable());
    }
    // SAFETY: the slot is kept by the joiner's reference, which outlives the lent waker (invariant R).
    unsafe { clone(first_slot(first).cast()) }
}

unsafe fn first_wake(data: *const ()) {
    // SAFETY: only `First::lend` makes a waker with this vtable, which borrows its data.
    let first = unsafe { &*data.cast::<First<'_>>() };
    if first.sole {
        return first.waker.wake_by_ref();
    }
    // SAFETY: the slot is kept by the joiner's reference, which outlives the lent waker (invariant R).
    unsafe { wake_by_ref(first_slot(first).cast()) }
}

/// A lent waker owns nothing.
unsafe fn no_drop(_: *const ()) {}

/// A static, so that `Waker::will_wake` is true of all wakers of a slot.
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
    // Relaxed: the thread that makes a reference from another has been given that one.
    // SAFETY: a waker's data is its slot, and the reference that the waker owns or borrows keeps the set (invariant R).
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
            // SAFETY: `wake` consumes the waker: its reference is given up here only (invariant R).
            unsafe { drop_waker(self.0) }
        }
    }

    let owned = Owned(data);
    // SAFETY: `wake` consumes a waker of this vtable, whose reference keeps the set until the wake has ended (invariant
    // R).
    unsafe { wake_by_ref(owned.0) }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: a waker's data is its slot, and the reference that the waker owns or borrows keeps the set (invariant R).
    unsafe {
        let slot = &*data.cast::<Slot>();
        (*slot.set).note(slot);
    }
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: a waker's data is its slot. The waker is dropped, and gives its reference up (invariant R).
    unsafe { Set::release((*data.cast::<Slot>()).set) }
}

/// Ends the process without the standard library: by a panic while another unwinds.
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
