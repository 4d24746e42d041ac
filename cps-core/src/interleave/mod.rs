//! Many lookups at a time in one thread, so that their cache misses overlap.
//!
//! A core can have ten to twenty misses under way at a time, but a chain of dependent accesses, such as a search in a
//! tree, has one. An interleaver keeps a **group** of coroutines, started in place. Each runs until it has asked for
//! memory ([`prefetch`](crate::prefetch)); then the next one has its turn. When a coroutine returns, its place is
//! filled with the next input at once.
//!
//! A switch resumes the innermost frame directly, however many calls are above it.
//!
//! ```
//! use cps_core::cps;
//! use cps_core::interleave::Interleave;
//! use cps_core::prefetch::{Interleaved, Policy};
//!
//! struct Node {
//!     key: u64,
//!     next: Option<Box<Node>>,
//! }
//!
//! #[cps]
//! async fn visit<P: Policy>(node: &Node, policy: P) -> u64 {
//!     policy.prefetch_read(node).await;
//!     node.key
//! }
//!
//! #[cps]
//! async fn contains<P: Policy>(mut list: Option<&Node>, key: u64, policy: P) -> bool {
//!     while let Some(node) = list {
//!         if visit(node, policy).await == key {
//!             return true;
//!         }
//!         list = node.next.as_deref();
//!     }
//!     false
//! }
//!
//! let list = (0..9).fold(None, |next, key| Some(Box::new(Node { key, next })));
//! let mut found = [false; 3];
//! Interleave::<8>::run(
//!     [4, 11, 0],
//!     |key| contains(list.as_deref(), key, Interleaved),
//!     |index, value| found[index] = value,
//! );
//! assert_eq!(found, [true, false, true]);
//! ```
//!
//! # Forms
//!
//! | | group | memory |
//! |---|---|---|
//! | [`Interleave::<N>::run`](Interleave::run) | constant | on the host stack |
//! | [`Interleave::<N>::batch`](Interleave::batch) | constant | in the future |
//! | [`Group::run`], [`Group::batch`] | chosen at run time | allocated once, reused for later batches |
//!
//! Each has an `_in_order` form, which delivers results in the order of the inputs. It keeps a result in its place
//! until the result is due, so lookups of uneven length leave places idle. If the sink can store a result by its index,
//! prefer the other form.
//!
//! `run` works on the spot. `batch` is a future, for use in a task: it lets the executor run after some thousand
//! resumptions.
//!
//! # What a coroutine may await
//!
//! - Prefetches, and coroutines.
//! - In a `batch`, anything. A coroutine that waits for another future is polled in every round, also without a
//!   wake-up. When all of them wait, the batch is pending, and a wake-up of any of them wakes the task.
//! - Under `run`, nothing else for long: it panics when all coroutines of the group wait.
//!
//! # When not to
//!
//! Do not interleave if the data is in the cache, or if a lookup misses only once: the processor overlaps independent
//! lookups by itself, and the switches only cost. [`sequential()`] is the same loop without a group, for lookups under
//! the policy [`Sequential`](crate::prefetch::Sequential). [`complete`] is one such lookup, for a loop of your own; it
//! compiles to what a function of the same text compiles to, if the small steps of the lookup are `#[inline(always)]`.
//! [`Adaptive`] chooses between the two forms.
//!
//! # The size of the group
//!
//! As many coroutines as the core can have misses under way: [`DEFAULT_GROUP`] if you do not know how many. If it
//! matters, [`Calibration`] measures it in some milliseconds.

mod adaptive;
mod batch;
mod calibrate;
#[cfg(feature = "alloc")]
mod group;
mod interleavable;
mod sequential;
mod slot;
pub(crate) mod turn;
pub(crate) mod waker;

use core::pin::pin;
use core::ptr::NonNull;

pub use adaptive::Adaptive;
pub use batch::{Batch, Borrowed, Slots};
#[cfg(feature = "std")]
pub use calibrate::clock;
pub use calibrate::{Calibration, DEFAULT_GROUP, private_cache};
#[cfg(feature = "alloc")]
pub use group::Group;
pub use interleavable::Start;
pub use sequential::{complete, sequential};
pub use slot::Slot;

/// Interleaves in a group whose size is known to the compiler, and allocates nothing.
///
/// `GROUP` is how many coroutines are under way at a time; see [`DEFAULT_GROUP`].
#[derive(Clone, Copy, Debug)]
pub struct Interleave<const GROUP: usize>;

/// A batch that contains its group.
type InPlace<I, M, K, C, const GROUP: usize, const ORDERED: bool> =
    Batch<I, M, K, [Slot<C>; GROUP], ORDERED>;

impl<const GROUP: usize> Interleave<GROUP> {
    /// Runs `make(input)` for each input, and gives the results to `sink` as they come, each with
    /// the index of its input.
    ///
    /// # Panics
    /// If `inputs`, `make`, `sink` or a coroutine does: the other coroutines are dropped while the panic unwinds. And
    /// if all coroutines of the group wait for something else than a prefetch.
    #[inline]
    pub fn run<I, C, M, K>(inputs: I, make: M, sink: K)
    where
        I: IntoIterator,
        C: Start,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        Self::run_as::<_, _, _, _, false>(inputs, make, sink);
    }

    /// [`Interleave::run`] with the results in the order of the inputs.
    ///
    /// # Panics
    /// As [`Interleave::run`].
    #[inline]
    pub fn run_in_order<I, C, M, K>(inputs: I, make: M, mut sink: K)
    where
        I: IntoIterator,
        C: Start,
        M: FnMut(I::Item) -> C,
        K: FnMut(C::Output),
    {
        Self::run_as::<_, _, _, _, true>(inputs, make, |_, value| sink(value));
    }

    #[inline(always)]
    fn run_as<I, C, M, K, const ORDERED: bool>(inputs: I, make: M, sink: K)
    where
        I: IntoIterator,
        C: Start,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        let mut slots = Self::slots();
        let slots = NonNull::from(&mut slots[..]);
        // SAFETY: the slots are a local that is not moved or used any more. The batch is a later local, which is
        // dropped first, and `Interleave` asserts that there is one slot at least.
        let slots = unsafe { Borrowed::new(slots) };
        pin!(Batch::<_, _, _, _, ORDERED>::new(inputs.into_iter(), make, sink, slots)).run();
    }

    /// [`Interleave::run`] as a future.
    #[inline]
    pub fn batch<I, C, M, K>(
        inputs: I,
        make: M,
        sink: K,
    ) -> InPlace<I::IntoIter, M, K, C, GROUP, false>
    where
        I: IntoIterator,
        C: Start,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        Batch::new(inputs.into_iter(), make, sink, Self::slots())
    }

    /// [`Interleave::batch`] with the results in the order of the inputs.
    #[inline]
    pub fn batch_in_order<I, C, M, K>(
        inputs: I,
        make: M,
        sink: K,
    ) -> InPlace<I::IntoIter, M, K, C, GROUP, true>
    where
        I: IntoIterator,
        C: Start,
        M: FnMut(I::Item) -> C,
        K: FnMut(usize, C::Output),
    {
        Batch::new(inputs.into_iter(), make, sink, Self::slots())
    }

    #[inline(always)]
    fn slots<C: Start>() -> [Slot<C>; GROUP] {
        const { assert!(GROUP > 0, "a group has at least one place") };
        [const { Slot::new() }; GROUP]
    }
}
