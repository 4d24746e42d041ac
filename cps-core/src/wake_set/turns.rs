//! The turns of the branches that were woken, in a small set.

use core::hint::assert_unchecked;
use core::marker::PhantomData;

use super::joiner::Wakes;
use super::set::{Set, is_small};
use super::wakers::raw_waker;
use crate::borrowed_waker::BorrowedWaker;

/// The drained branches of a small set. A loop over them keeps in registers what is left.
#[derive(Debug)]
pub struct Turns<'a> {
    /// Null if nothing was drained, perhaps.
    set: *const Set,
    left: usize,
    count: usize,
    /// The joiner's reference keeps the set.
    _joiner: PhantomData<&'a Wakes>,
}

impl<'a> Turns<'a> {
    /// [`Wakes::next`].
    #[allow(clippy::should_implement_trait, reason = "as for the joiner's")]
    #[inline(always)]
    pub fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        let index = self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        // SAFETY: something was drained, so there is a set, to which the joiner owns a reference (invariant R). What was
        // drained from its word are bits of its slots, of which it has `count`.
        unsafe {
            assert_unchecked(index < self.count);
            (*self.set).hear(index);
        }
        Some(index)
    }

    /// [`Wakes::lend_again`] for a branch that was given.
    #[inline(always)]
    pub fn lend(&self, index: usize) -> BorrowedWaker<'a> {
        debug_assert!(index < self.count && !self.set.is_null());
        // SAFETY: `next` has given the branch, so there is a set, with `count` slots, to which the joiner owns a
        // reference (invariant R).
        let slot = unsafe { Set::slot(self.set, index) };
        // SAFETY: the functions of a slot's waker are thread-safe. This lends it as long as the joiner is borrowed,
        // whose reference keeps the slot (invariant R).
        unsafe { BorrowedWaker::new(raw_waker(slot)) }
    }

    /// What is left.
    #[inline(always)]
    pub fn left(self) -> usize {
        self.left
    }
}

impl Wakes {
    /// In a small set: gives the drained branches, and lends their wakers, as [`Wakes::next`] and [`Wakes::lend_again`]
    /// do. What is left then is to be [kept](Wakes::keep).
    #[inline(always)]
    pub fn turns(&self, count: usize) -> Turns<'_> {
        debug_assert!(is_small(count));
        Turns { set: self.set(), left: self.first, count, _joiner: PhantomData }
    }

    /// Takes back what [`Wakes::turns`] has given.
    #[inline(always)]
    pub fn keep(&mut self, left: usize) {
        self.first = left;
    }
}
