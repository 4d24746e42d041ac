//! Synchronous generators: iterators.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::coroutine::root_memory::RootMemory;
use crate::frame::body::Body;
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
    chain: RootMemory<Channel<T>, B, N>,
}

unstarted_generator!(Generator, GeneratorRoot);

impl<T, B: Body<Output: Ending<T>>, const N: usize> GeneratorRoot<T, B, N> {
    #[inline(always)]
    fn advance(self: Pin<&mut Self>) -> Option<<B::Output as Ending<T>>::Item> {
        // SAFETY: nothing is moved out of the pinned root.
        let chain = unsafe { &raw mut self.get_unchecked_mut().chain };
        // SAFETY: the chain is live: `self` borrows it.
        if unsafe { RootMemory::has_ended(chain) } {
            return None;
        }
        // SAFETY: invariant M: `self` is pinned. It borrows the chain exclusively.
        match unsafe { RootMemory::poll::<()>(chain, &mut Context::from_waker(Waker::noop())) } {
            // SAFETY: the chain's head is a channel of `T`, by its type, and the poll has returned.
            Poll::Pending => match unsafe { Channel::take(RootMemory::driver(chain)) } {
                Some(item) => Some(<B::Output as Ending<T>>::item(item)),
                None => {
                    // SAFETY: invariant M, as for the poll, which has returned.
                    unsafe { RootMemory::cancel(chain) };
                    waited()
                }
            },
            Poll::Ready(end) => end.last(),
        }
    }

    /// Runs the generator to its end. Nothing is suspended: `f` is called where the items are
    /// yielded, and if it panics, that is a panic of the body there.
    #[inline(always)]
    fn fold_all<A>(
        self: Pin<&mut Self>,
        init: A,
        mut f: impl FnMut(A, <B::Output as Ending<T>>::Item) -> A,
    ) -> A {
        let mut accumulated = Some(init);
        let mut take = |item| accumulated = accumulated.take().map(|all| f(all, item));
        // SAFETY: nothing is moved out of the pinned root.
        let chain = unsafe { &raw mut self.get_unchecked_mut().chain };
        // SAFETY: the chain is live: `self` borrows it.
        if !unsafe { RootMemory::has_ended(chain) } {
            let yielded = |item| take(<B::Output as Ending<T>>::item(item));
            let run = || {
                // SAFETY: invariant M: `self` is pinned. It borrows the chain exclusively.
                unsafe { RootMemory::poll::<()>(chain, &mut Context::from_waker(Waker::noop())) }
            };
            // SAFETY: the chain's head is a channel of `T`, by its type, and `self` borrows it exclusively.
            match unsafe { Channel::with_sink(RootMemory::driver(chain), yielded, run) } {
                Poll::Ready(end) => end.last().into_iter().for_each(take),
                Poll::Pending => {
                    // SAFETY: invariant M, as for the poll, which has returned.
                    unsafe { RootMemory::cancel(chain) };
                    waited()
                }
            }
        }
        match accumulated {
            Some(all) => all,
            None => unreachable!("`f` returns or unwinds"),
        }
    }

    fn hint(&self) -> (usize, Option<usize>) {
        (0, self.chain.is_ended().then_some(0))
    }
}

#[cold]
#[inline(never)]
fn waited() -> ! {
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
