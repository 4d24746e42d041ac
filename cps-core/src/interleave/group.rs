//! A group whose size is chosen at run time.

use alloc::vec::Vec;
use core::fmt;
use core::pin::pin;
use core::ptr::{self, NonNull};

use super::batch::{Batch, Borrowed, reset};
use super::interleavable::Start;
use super::slot::Slot;

/// A group of places for coroutines of one type, allocated once and used for any number of
/// batches.
///
/// ```
/// use cps_core::cps;
/// use cps_core::interleave::Group;
/// use cps_core::prefetch::prefetch_read;
///
/// #[cps]
/// async fn get(table: &[u32], index: usize) -> u32 {
///     prefetch_read(&table[index]).await;
///     table[index]
/// }
///
/// let table: Vec<u32> = (0..100).collect();
/// let mut group = Group::new(12);
/// let mut values = Vec::new();
/// for batch in [[1, 2, 3], [97, 98, 99]] {
///     group.run_in_order(batch, |index| get(&table, index), |value| values.push(value));
/// }
/// assert_eq!(values, [1, 2, 3, 97, 98, 99]);
/// ```
///
/// For coroutines of several types, box them: see [`BoxCoroutine`](crate::BoxCoroutine).
///
/// ```
/// use cps_core::interleave::Group;
/// use cps_core::{BoxCoroutine, coroutine_block};
///
/// let mut sum = 0;
/// let make = |n: u32| -> BoxCoroutine<'static, u32> {
///     if n % 2 == 0 { coroutine_block! { n }.boxed() } else { coroutine_block! { 10 * n }.boxed() }
/// };
/// Group::new(2).run(1..4, make, |_, value| sum += value);
/// assert_eq!(sum, 10 + 2 + 30);
/// ```
pub struct Group<C: Start> {
    /// A `Vec`, because moving a `Box` asserts that nobody points into it, and after a batch was
    /// leaked its chains do.
    slots: Vec<Slot<C>>,
}

impl<C: Start> Group<C> {
    /// A group of so many places.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "a group has at least one place");
        Group { slots: (0..size).map(|_| Slot::new()).collect() }
    }

    /// How many coroutines are under way at a time.
    pub fn size(&self) -> usize {
        self.slots.len()
    }

    /// [`Interleave::run`](super::Interleave::run) in this group.
    ///
    /// # Panics
    /// As the function named.
    pub fn run<I, M, K>(&mut self, inputs: I, make: M, sink: K)
    where
        I: IntoIterator,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        pin!(self.batch(inputs, make, sink)).run();
    }

    /// [`Interleave::run_in_order`](super::Interleave::run_in_order) in this group.
    ///
    /// # Panics
    /// As the function named.
    pub fn run_in_order<I, M, K>(&mut self, inputs: I, make: M, mut sink: K)
    where
        I: IntoIterator,
        M: FnMut(I::Item) -> C,
        K: FnMut(C::Output),
    {
        pin!(self.batch_in_order(inputs, make, |_, value| sink(value))).run();
    }

    /// [`Interleave::batch`](super::Interleave::batch) in this group.
    pub fn batch<I, M, K>(
        &mut self,
        inputs: I,
        make: M,
        sink: K,
    ) -> Batch<I::IntoIter, M, K, Borrowed<'_, C>, false>
    where
        I: IntoIterator,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        Batch::new(inputs.into_iter(), make, sink, self.vacant())
    }

    /// [`Interleave::batch_in_order`](super::Interleave::batch_in_order) in this group.
    pub fn batch_in_order<I, M, K>(
        &mut self,
        inputs: I,
        make: M,
        sink: K,
    ) -> Batch<I::IntoIter, M, K, Borrowed<'_, C>, true>
    where
        I: IntoIterator,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        Batch::new(inputs.into_iter(), make, sink, self.vacant())
    }

    /// The places, all vacant: chains and results that a leaked batch has left in them are dropped.
    fn vacant(&mut self) -> Borrowed<'_, C> {
        let slots = ptr::slice_from_raw_parts_mut(self.slots.as_mut_ptr(), self.slots.len());
        if self.slots.iter().any(|slot| slot.is_suspended() || slot.has_returned()) {
            // SAFETY: the batch that ran the chains is gone, since it had borrowed the group: nothing runs them
            // (invariant I).
            unsafe { reset(slots) };
        }
        // SAFETY: the vector is neither changed nor dropped while it is borrowed, and `new` has made one place at
        // least.
        unsafe { Borrowed::new(NonNull::new_unchecked(slots)) }
    }
}

impl<C: Start> fmt::Debug for Group<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("size", &self.size()).finish_non_exhaustive()
    }
}
