//! Asynchronous generators: streams.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::chain::host::Host;
use crate::coroutine::root_memory::RootMemory;
use crate::frame::body::Body;
use crate::generator::advance::{Chain, Progress, Rest, finish, resume};
use crate::generator::ending::Ending;
use crate::generator::methods::unstarted_generator;
#[cfg(feature = "alloc")]
use crate::placement::Heap;
use crate::placement::{Inline, InlineUpTo, Placement, Stack};
use crate::stack::options::{StackOptions, StackUsage};

/// An unstarted, movable generator of `T` that may await anything, as large as its arguments: what
/// `#[cps(yields = T)]` makes an `async fn` return.
///
/// - [`into_root`](Self::into_root) makes a stream of it, to be pinned.
/// - [`yield_from`](crate::yield_from) in another asynchronous generator delegates to it.
///
/// What it may return to be a stream: see [`Ending`]. `P` is where the frame is placed when it is
/// delegated to: see [`Placement`].
#[must_use = "a generator does nothing until it is turned into a stream"]
pub struct AsyncGenerator<T, B: Body, P = Inline> {
    pub(super) body: B,
    types: PhantomData<fn() -> (T, P)>,
}

/// An asynchronous generator with memory for its frame: a stream once it is pinned.
///
/// With the feature `stream` it is a [`Stream`] of the crate `futures-core`; without, it has the same
/// [`poll_next`](Self::poll_next), and [`next`](Self::next).
///
#[cfg_attr(feature = "stream", doc = "[`Stream`]: futures_core::Stream")]
#[cfg_attr(not(feature = "stream"), doc = "[`Stream`]: https://docs.rs/futures-core")]
///
/// ```
/// use cps_core::{cps, yield_};
/// use std::io;
/// use std::pin::pin;
///
/// # mod server { pub async fn list(page: u32) -> std::io::Result<Vec<String>> {
/// #     Ok((page < 2).then(|| format!("page {page}")).into_iter().collect()) } }
/// /// All names of a listing that comes in pages.
/// #[cps(yields = String)]
/// async fn names() -> io::Result<()> {
///     for page in 0.. {
///         let names = server::list(page).await?;
///         if names.is_empty() {
///             break;
///         }
///         for name in names {
///             yield_(name).await;
///         }
///     }
///     Ok(())
/// }
///
/// # futures::executor::block_on(async {
/// let mut names = pin!(names().into_root());
/// while let Some(name) = names.next().await {
///     println!("{}", name?);
/// }
/// # io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Items
/// A poll resumes the frame that yielded or waits, at any depth of delegation. It is fused: after the
/// end there is `None`.
///
/// # Panics
/// A panic in a body drops the frames of its callers, innermost first, and reaches whoever polls;
/// afterwards there are no more items.
///
/// # Cancellation
/// Dropping it drops the frames innermost first, in a loop. To drop a [`NextItem`] loses nothing.
#[must_use = "streams do nothing unless polled"]
pub struct AsyncGeneratorRoot<T, B: Body, const N: usize = 0> {
    chain: Chain<T, B, N>,
}

unstarted_generator!(AsyncGenerator, AsyncGeneratorRoot);

impl<T, B: Body<Output: Ending<T>>, const N: usize> AsyncGeneratorRoot<T, B, N> {
    /// Runs the generator until it yields, waits or ends: an item, `Pending`, or `None`.
    #[inline]
    pub fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<<B::Output as Ending<T>>::Item>> {
        // SAFETY: nothing is moved out of the pinned root.
        let chain = unsafe { &raw mut self.get_unchecked_mut().chain };
        let host = Host::of(cx);
        // SAFETY: invariant M: `self` is pinned. It borrows the chain exclusively.
        match unsafe { resume(chain, host) } {
            Ok(item) => Poll::Ready(Some(<B::Output as Ending<T>>::item(item))),
            // SAFETY: invariant M, as for `resume`, which has left this rest.
            Err(rest) => unsafe { Self::poll_otherwise(chain, host, rest) },
        }
    }

    /// The rest of [`AsyncGeneratorRoot::poll_next`].
    ///
    /// # Safety
    /// As for [`finish`].
    #[cold]
    #[inline(never)]
    unsafe fn poll_otherwise(
        chain: *mut Chain<T, B, N>,
        host: Host<'_>,
        rest: Rest,
    ) -> Poll<Option<<B::Output as Ending<T>>::Item>> {
        // SAFETY: `poll_next`, the caller, has the chain pinned and borrows it exclusively (invariant M).
        match unsafe { finish(chain, host, rest) } {
            Progress::Item(item) => Poll::Ready(Some(<B::Output as Ending<T>>::item(item))),
            Progress::Ended(end) => Poll::Ready(end.last()),
            Progress::Over => Poll::Ready(None),
            Progress::Waits => Poll::Pending,
        }
    }

    /// The next item, or `None` at the end.
    ///
    /// # Cancellation
    /// The future may be dropped at any time: no item is lost.
    pub fn next<'a>(self: &'a mut Pin<&mut Self>) -> NextItem<'a, T, B, N> {
        NextItem { generator: self.as_mut() }
    }
}

/// The future of an asynchronous generator's next item: see [`AsyncGeneratorRoot::next`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextItem<'a, T, B: Body, const N: usize = 0> {
    generator: Pin<&'a mut AsyncGeneratorRoot<T, B, N>>,
}

impl<T, B: Body<Output: Ending<T>>, const N: usize> Future for NextItem<'_, T, B, N> {
    type Output = Option<<B::Output as Ending<T>>::Item>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.generator.as_mut().poll_next(cx)
    }
}

impl<T, B: Body, const N: usize> fmt::Debug for NextItem<'_, T, B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextItem").field(&self.generator).finish()
    }
}

#[cfg(feature = "stream")]
impl<T, B: Body<Output: Ending<T>>, const N: usize> futures_core::Stream
    for AsyncGeneratorRoot<T, B, N>
{
    type Item = <B::Output as Ending<T>>::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        AsyncGeneratorRoot::poll_next(self, cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.chain.is_ended().then_some(0))
    }
}

#[cfg(feature = "stream")]
impl<T, B: Body<Output: Ending<T>>, const N: usize> futures_core::FusedStream
    for AsyncGeneratorRoot<T, B, N>
{
    fn is_terminated(&self) -> bool {
        self.chain.is_ended()
    }
}
