//! A waker that is lent and not owned: the branches of a joiner, and the chains of an interleaver, are polled with it.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::task::{RawWaker, Waker};

/// A waker that is lent for `'a` and owns nothing: dropping it does nothing.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "loom-tests includes its users as public modules")]
pub struct BorrowedWaker<'a> {
    waker: ManuallyDrop<Waker>,
    _lender: PhantomData<&'a ()>,
}

impl BorrowedWaker<'_> {
    /// # Safety
    /// For the lifetime, the functions of `raw`'s table keep the contract of a waker with its data.
    #[inline(always)]
    pub(crate) unsafe fn new(raw: RawWaker) -> Self {
        // SAFETY: the caller lends the data for the lifetime, and `deref` gives the waker no longer. It is not dropped.
        let waker = ManuallyDrop::new(unsafe { Waker::from_raw(raw) });
        BorrowedWaker { waker, _lender: PhantomData }
    }
}

impl Deref for BorrowedWaker<'_> {
    type Target = Waker;

    #[inline(always)]
    fn deref(&self) -> &Waker {
        &self.waker
    }
}
