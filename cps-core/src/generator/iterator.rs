//! Synchronous generators: iterators.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::pin::Pin;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::chain::host::Host;
use crate::coroutine::root_memory::RootMemory;
use crate::frame::body::Body;
use crate::generator::advance::{Chain, Progress, Rest, finish, resume};
use crate::generator::channel::Channel;
use crate::generator::ending::Ending;
use crate::generator::methods::unstarted_generator;
#[cfg(feature = "alloc")]
use crate::placement::Heap;
use crate::placement::{Inline, InlineUpTo, Placement, Stack};
use crate::stack::options::{StackOptions, StackUsage};

/// An unstarted, movable generator of `T`, as large as its arguments: what
/// `#[cps(yields = T)]` makes a `fn` return.
///
/// - A `for` loop, or [`into_iter`](IntoIterator::into_iter), runs it as an [`Iterator`], with one
///   allocation for driver, item and frame.
/// - [`into_root`](Self::into_root) runs it as an iterator without any, to be pinned.
/// - [`yield_from`](crate::yield_from) in another generator delegates to it.
///
/// What it may return to be an iterator: see [`Ending`]. `P` is where the frame is placed when it is
/// delegated to: see [`Placement`].
///
/// ```
/// use cps_core::{cps, yield_};
/// use std::num::ParseIntError;
///
/// #[cps(yields = u32)]
/// fn numbers(text: &str) -> Result<(), ParseIntError> {
///     for word in text.split(' ') {
///         yield_(word.parse()?).await;
///     }
///     Ok(())
/// }
///
/// let sum: Result<u32, _> = numbers("1 2 3").into_iter().sum();
/// assert_eq!(sum, Ok(6));
/// let mut broken = numbers("1 two 3").into_iter();
/// assert_eq!(broken.next(), Some(Ok(1)));
/// assert!(matches!(broken.next(), Some(Err(_))));
/// assert_eq!(broken.next(), None);
/// ```
#[must_use = "a generator does nothing until it is iterated over"]
pub struct Generator<T, B: Body, P = Inline> {
    pub(super) body: B,
    types: PhantomData<fn() -> (T, P)>,
}

/// A generator with memory for its frame: an [`Iterator`] once it is pinned.
///
/// ```
/// use cps_core::{cps, yield_};
/// use std::pin::pin;
///
/// #[cps(yields = u64)]
/// fn fibonacci() {
///     let (mut a, mut b) = (0, 1);
///     loop {
///         yield_(a).await;
///         (a, b) = (b, a + b);
///     }
/// }
///
/// let mut numbers = pin!(fibonacci().into_root());
/// assert!(numbers.as_mut().take(5).eq([0, 1, 1, 2, 3]));
/// assert_eq!(numbers.next(), Some(5));
/// ```
///
/// # Items
/// `next` resumes the frame that yielded last, at any depth of delegation. It is fused: after the end
/// it returns `None`.
///
/// What consumes the rest of the items (`fold`, and by it `for_each`, `sum`, `count`, `collect` into
/// some collections) suspends nothing: its closure is called from the `yield_` itself.
///
/// # Panics
/// A panic in a body drops the frames of its callers, innermost first, and reaches the caller of
/// `next`; afterwards there are no more items.
///
/// So does a panic in a closure given to `fold` and its like: to the bodies it is one of their `yield_`.
///
/// `next` panics, and there are no more items, if a body waits: if it awaits a future that is not
/// ready. That does not compile, except in a macro that awaits its argument itself.
///
/// # Cancellation
/// Dropping it drops the frames innermost first, in a loop.
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct GeneratorRoot<T, B: Body, const N: usize = 0> {
    chain: Chain<T, B, N>,
}

unstarted_generator!(Generator, GeneratorRoot);

impl<T, B: Body<Output: Ending<T>>, const N: usize> GeneratorRoot<T, B, N> {
    #[inline(always)]
    fn advance(self: Pin<&mut Self>) -> Option<<B::Output as Ending<T>>::Item> {
        // SAFETY: nothing is moved out of the pinned root.
        let chain = unsafe { &raw mut self.get_unchecked_mut().chain };
        // SAFETY: invariant M: `self` is pinned. It borrows the chain exclusively. A synchronous generator's bodies do
        // not wait: their kind is `Yields`.
        match unsafe { resume(chain, Host::of_nobody()) } {
            Ok(item) => Some(<B::Output as Ending<T>>::item(item)),
            Err(rest) => {
                let mut next = None;
                // SAFETY: invariant M, as for `resume`, which has left this rest.
                unsafe { Self::advance_otherwise(chain, rest, &mut next) };
                next
            }
        }
    }

    /// The rest of [`GeneratorRoot::advance`]. (By reference: a loop over items would test a returned one once more than
    /// one that was yielded, and so both twice.)
    ///
    /// # Safety
    /// As for [`finish`].
    #[cold]
    #[inline(never)]
    unsafe fn advance_otherwise(
        chain: *mut Chain<T, B, N>,
        rest: Rest,
        next: &mut Option<<B::Output as Ending<T>>::Item>,
    ) {
        // SAFETY: `advance`, the caller, has the chain pinned and borrows it exclusively (invariant M). Its bodies do not
        // wait: their kind is `Yields`.
        *next = match unsafe { finish(chain, Host::of_nobody(), rest) } {
            Progress::Item(item) => Some(<B::Output as Ending<T>>::item(item)),
            Progress::Ended(end) => end.last(),
            Progress::Over => None,
            // SAFETY: invariant M, as for the poll, which has returned.
            Progress::Waits => unsafe { waited(chain) },
        };
    }

    /// Runs the generator to its end. Nothing is suspended: `f` is called where the items are
    /// yielded, and if it panics, that is a panic of the body there.
    #[inline(always)]
    fn fold_all<A>(
        self: Pin<&mut Self>,
        init: A,
        mut f: impl FnMut(A, <B::Output as Ending<T>>::Item) -> A,
    ) -> A {
        // SAFETY: nothing is moved out of the pinned root.
        let chain = unsafe { &raw mut self.get_unchecked_mut().chain };
        let run = || {
            // SAFETY: invariant M: `self` is pinned. It borrows the chain exclusively. A synchronous generator's bodies
            // do not wait: their kind is `Yields`.
            unsafe {
                match resume(chain, Host::of_nobody()) {
                    Ok(item) => Progress::Item(item),
                    Err(rest) => finish(chain, Host::of_nobody(), rest),
                }
            }
        };
        let folded = |all, item| f(all, <B::Output as Ending<T>>::item(item));
        // SAFETY: the chain's head is a channel of `T`, by its type, and `self` borrows it exclusively.
        let (all, progress) =
            unsafe { Channel::with_sink(RootMemory::driver(chain), init, folded, run) };
        match progress {
            Progress::Ended(end) => end.last().into_iter().fold(all, f),
            Progress::Over => all,
            Progress::Item(_) => unreachable!("the sink takes all items"),
            // SAFETY: invariant M, as for the poll, which has returned.
            Progress::Waits => unsafe { waited(chain) },
        }
    }

    fn hint(&self) -> (usize, Option<usize>) {
        (0, self.chain.is_ended().then_some(0))
    }
}

/// # Safety
/// `chain` is pinned and borrowed exclusively.
#[cold]
#[inline(never)]
unsafe fn waited<T, B: Body, const N: usize>(chain: *mut Chain<T, B, N>) -> ! {
    // SAFETY: the generator's root, which calls this, has it pinned and borrows it exclusively (invariant M).
    unsafe { RootMemory::cancel(chain) };
    panic!("a synchronous generator awaited a future that is not ready")
}

impl<T, B: Body<Output: Ending<T>>, const N: usize> Iterator for Pin<&mut GeneratorRoot<T, B, N>> {
    type Item = <B::Output as Ending<T>>::Item;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.as_mut().advance()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }

    #[inline]
    fn fold<A, F: FnMut(A, Self::Item) -> A>(mut self, init: A, f: F) -> A {
        self.as_mut().fold_all(init, f)
    }
}

impl<T, B: Body<Output: Ending<T>>, const N: usize> FusedIterator
    for Pin<&mut GeneratorRoot<T, B, N>>
{
}

#[cfg(feature = "alloc")]
impl<T, B: Body<Output: Ending<T>>, const N: usize> Iterator for Pin<Box<GeneratorRoot<T, B, N>>> {
    type Item = <B::Output as Ending<T>>::Item;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.as_mut().advance()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }

    #[inline]
    fn fold<A, F: FnMut(A, Self::Item) -> A>(mut self, init: A, f: F) -> A {
        self.as_mut().fold_all(init, f)
    }
}

#[cfg(feature = "alloc")]
impl<T, B: Body<Output: Ending<T>>, const N: usize> FusedIterator
    for Pin<Box<GeneratorRoot<T, B, N>>>
{
}

#[cfg(feature = "alloc")]
impl<T, B: Body<Output: Ending<T>>, P> IntoIterator for Generator<T, B, P> {
    type Item = <B::Output as Ending<T>>::Item;
    type IntoIter = Pin<Box<GeneratorRoot<T, B>>>;

    fn into_iter(self) -> Self::IntoIter {
        Box::pin(self.into_root())
    }
}
