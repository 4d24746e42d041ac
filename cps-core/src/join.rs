//! [`join`] and [`try_join`]: all branches, side by side.

use core::fmt;
use core::future::Future;
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::branch::{Branches, Concurrent, TryBranches};
use crate::group::Group;

/// Runs `branches` side by side, in this task, and evaluates to all their outputs, in their order.
///
/// ```
/// # #[cps_core::coroutine]
/// # async fn fetch(id: u32) -> String { format!("item {id}") }
/// use cps_core::join;
///
/// #[cps_core::coroutine]
/// async fn both() -> (String, String) {
///     join((fetch(1), fetch(2))).await
/// }
///
/// #[cps_core::coroutine]
/// async fn all(ids: &[u32]) -> Vec<String> {
///     join(ids.iter().map(|&id| fetch(id)).collect::<Vec<_>>()).await
/// }
/// # futures::executor::block_on(async {
/// assert_eq!(both().await, ("item 1".to_owned(), "item 2".to_owned()));
/// assert_eq!(all(&[1, 2, 3]).await.len(), 3);
/// # });
/// ```
///
/// Each branch is a chain of its own, with a waker of its own. A wake-up resumes the innermost frames
/// of the branches that were woken, and looks at nothing else, be there 2 branches or 100 000. What
/// holds for all branching points:
///
/// - The first poll polls each branch once, in order. Later polls resume the branches that were woken before
///   the poll began, in the order in which they were (up to 63 branches on a 64-bit target: in the
///   order of their positions), each once. Branches that are woken meanwhile come with the next poll,
///   which the future asks for. A poll of more than 63
///   branches ends early when 32 have woken themselves in it.
/// - Nothing is allocated until a branch suspends, and then one block for all wakers: 40
///   bytes, and 24 for each branch (on a 64-bit target). None is if only the last branch suspends, or there is only one.
///   (A `Vec` of branches is moved to a box.)
/// - A branch's wakers may be kept, sent, cloned and woken anywhere, at any time. They keep that block,
///   not the branches; the task's own waker is dropped with the future.
///
/// # Panics
///
/// With the panic of a branch, after all other branches have been dropped. When polled again
/// after it was ready or panicked.
///
/// # Cancellation
///
/// Dropping the future drops the branches in their order, each innermost frame first.
#[inline]
pub fn join<C: Concurrent>(branches: C) -> Join<C::Branches> {
    Join { group: Group::new(branches.into_branches()) }
}

/// Runs `branches` side by side until one of them fails: evaluates to the values of all, or to the first
/// error.
///
/// Otherwise as [`join`].
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::try_join;
/// use std::num::ParseIntError;
///
/// #[cps_core::coroutine]
/// async fn parse(text: &str) -> Result<u32, ParseIntError> {
///     text.parse()
/// }
///
/// assert_eq!(try_join((parse("1"), parse("2"))).await, Ok((1, 2)));
/// assert!(try_join([parse("1"), parse("two"), parse("3")]).await.is_err());
/// # });
/// ```
///
/// # Cancellation
///
/// When a branch fails, the values of the finished branches and the other branches are dropped,
/// in the order of the branches, before the future is ready.
#[inline]
pub fn try_join<C>(branches: C) -> TryJoin<C::Branches>
where
    C: Concurrent<Branches: TryBranches>,
{
    TryJoin { group: Group::new(branches.into_branches()) }
}

/// The future of [`join`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Join<S: Branches> {
    group: Group<S>,
}

/// The future of [`try_join`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct TryJoin<S: TryBranches> {
    group: Group<S>,
}

impl<S: Branches> Future for Join<S> {
    type Output = S::Outputs;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Outputs> {
        // SAFETY: the group is pinned as this is.
        let mut group = unsafe { self.map_unchecked_mut(|this| &mut this.group) };
        let poll = group.as_mut().poll(cx, |branches, index, cx| {
            branches.resume(index, cx).map(ControlFlow::<()>::Continue)
        });
        poll.map(|_| {
            let outputs = group.as_mut().branches().outputs();
            group.end();
            outputs
        })
    }
}

impl<S: TryBranches> Future for TryJoin<S> {
    type Output = Result<S::Values, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the group is pinned as this is.
        let mut group = unsafe { self.map_unchecked_mut(|this| &mut this.group) };
        let poll = group.as_mut().poll(cx, |branches, index, cx| {
            branches.try_resume(index, cx).map(|result| match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            })
        });
        poll.map(|error| {
            let result = match error {
                Some(error) => Err(error),
                None => Ok(group.as_mut().branches().values()),
            };
            group.end();
            result
        })
    }
}

impl<S: Branches> fmt::Debug for Join<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("unfinished", &self.group.live()).finish()
    }
}

impl<S: TryBranches> fmt::Debug for TryJoin<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryJoin").field("unfinished", &self.group.live()).finish()
    }
}
