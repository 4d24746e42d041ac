//! [`join`] and [`try_join`]: all branches, side by side.

use core::convert::Infallible;
use core::fmt;
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::concurrent::branch::{Branches, Concurrent, TryBranches};
use crate::concurrent::engine::{BranchSet, PollBranch};
use crate::concurrent::frame::branching_point;

/// Runs `branches` side by side, in this task, and evaluates to all their outputs, in their order.
///
/// ```
/// # #[cps]
/// # async fn fetch(id: u32) -> String { format!("item {id}") }
/// use cps_core::{cps, join};
///
/// #[cps]
/// async fn both() -> (String, String) {
///     join((fetch(1), fetch(2))).await
/// }
///
/// #[cps]
/// async fn all(ids: &[u32]) -> Vec<String> {
///     join(ids.iter().map(|&id| fetch(id)).collect::<Vec<_>>()).await
/// }
/// # futures::executor::block_on(async {
/// assert_eq!(both().await, ("item 1".to_owned(), "item 2".to_owned()));
/// assert_eq!(all(&[1, 2, 3]).await.len(), 3);
/// # });
/// ```
///
/// Each branch is a chain of its own, with a waker of its own. A wake-up resumes the innermost frames of the branches
/// that were woken, and looks at nothing else, whether there are 2 branches or 100 000. For all branching points:
///
/// - The first poll polls each branch once, in order. A later poll resumes the branches that were woken before it
///   began, each once, in the order of their wake-ups (up to 60 branches on a 64-bit target: in the order of their
///   positions). Branches that are woken during a poll wait for the next one, which the future asks for. A poll of more
///   than 60 branches ends early when 32 have woken themselves in it.
/// - Nothing is allocated until a branch suspends. Then one block is, for all wakers: 72 bytes, and 16 for each branch
///   (on a 64-bit target). It is not needed if only the last branch suspends, or if there is only one. (A `Vec` of
///   branches is moved to a box.)
/// - A recursion through branching points may be of any depth: starting, resuming and dropping it takes no more host
///   stack than 33 KiB and a few levels. For that, each branching point must be awaited by a coroutine, or be a branch
///   itself, and the coroutine must be the branch. If a plain `async` block stands between them, polls nest there.
/// - [`Root::backtrace`](crate::Root::backtrace) shows the chains of the branches below the coroutine that awaits them.
/// - A branch's wakers may be kept, sent, cloned and woken anywhere, at any time. They keep that block, not the
///   branches. The task's own waker is cloned once and dropped with the future (or with that block, if another thread
///   is waking the task at that moment).
///
/// # Beside other combinators
///
/// `futures::join!` and the like run coroutines too, each as a chain of its own, but poll all of them at each wake-up.
/// The time of a wake-up grows with the number of branches there, and does not here. (`docs/results` in the
/// repository has the figures, also for `FuturesUnordered` and tokio's tasks.)
///
/// - A wake-up through a join takes two atomic read-modify-writes more than one without.
/// - With up to about eight short branches, polling all is as fast or faster.
/// - A join of coroutines that are ready at once is slower than a `futures::join!` of plain `async fn`s, which the
///   compiler sees through.
///
/// # Frame stacks
///
/// Branches are suspended at the same time and end in any order. So each branch that places frames on the
/// [stack](crate::Coroutine::on_stack) has a stack of its own: it allocates a first chunk, of a kilobyte, when it first
/// needs one, and frees it when it finishes. For many branches with few frames that is too much: choose a smaller size
/// by [`StackOptions::first_chunk`](crate::placement::StackOptions::first_chunk), or make the first chunk a part of the
/// branch by [`StackOptions::inside`](crate::placement::StackOptions::inside), so that those of a `Vec` lie side by
/// side in its one box.
///
/// ```
/// use cps_core::{cps, join, placement::StackOptions};
///
/// #[cps]
/// async fn height(n: u32) -> u32 {
///     if n == 0 { 0 } else { height(n - 1).on_stack().await + 1 }
/// }
///
/// # futures::executor::block_on(async {
/// let options = StackOptions::new().inside::<512>();
/// let branches = (0..100).map(|n| height(n % 4).into_root_with(options));
/// assert_eq!(join(branches.collect::<Vec<_>>()).await.len(), 100);
/// # });
/// ```
///
/// # Panics
///
/// With the panic of a branch, after all other branches have been dropped. When polled again after it was ready or
/// panicked.
///
/// # Cancellation
///
/// Dropping the future drops the branches in their order, each innermost frame first.
#[inline]
pub fn join<C: Concurrent>(branches: C) -> Join<C::Branches> {
    Join { group: BranchSet::new(branches.into_branches()) }
}

/// Runs `branches` side by side until one of them fails; evaluates to the values of all, or to the first error.
///
/// Otherwise as [`join`].
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::{cps, try_join};
/// use std::num::ParseIntError;
///
/// #[cps]
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
/// When a branch fails, the values of the finished branches and the other branches are dropped, in the order of the
/// branches, before the future is ready.
#[inline]
pub fn try_join<C>(branches: C) -> TryJoin<C::Branches>
where
    C: Concurrent<Branches: TryBranches>,
{
    TryJoin { group: BranchSet::new(branches.into_branches()) }
}

/// The future of [`join`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Join<S: Branches> {
    group: BranchSet<S>,
}

/// The future of [`try_join`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct TryJoin<S: TryBranches> {
    group: BranchSet<S>,
}

/// Keeps all outputs.
#[derive(Default)]
struct All;

impl<S: Branches> PollBranch<S> for All {
    type Break = Infallible;

    #[inline(always)]
    fn poll(
        &mut self,
        branches: Pin<&mut S>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<Infallible>> {
        branches.resume(index, cx).map(ControlFlow::Continue)
    }

    fn ends(&mut self, _: Pin<&mut S>, _: usize) -> bool {
        false
    }

    fn take(&mut self, _: Pin<&mut S>, _: usize) -> Infallible {
        unreachable!("no branch ends the poll")
    }
}

/// Keeps all values; an error ends the poll.
#[derive(Default)]
struct UntilError;

impl<S: TryBranches> PollBranch<S> for UntilError {
    type Break = S::Error;

    #[inline(always)]
    fn poll(
        &mut self,
        branches: Pin<&mut S>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<S::Error>> {
        branches.try_resume(index, cx).map(|result| match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        })
    }

    fn ends(&mut self, branches: Pin<&mut S>, index: usize) -> bool {
        branches.has_failed(index)
    }

    fn take(&mut self, branches: Pin<&mut S>, index: usize) -> S::Error {
        branches.take_error(index)
    }
}

branching_point! { (S: Branches) Join<S> => S::Outputs, by All, of S }

impl<S: Branches> Join<S> {
    #[inline(always)]
    fn output(group: Pin<&mut BranchSet<S>>, _: Option<Infallible>) -> S::Outputs {
        // SAFETY: `All` ends no poll, so that all branches are finished, which it has polled by `resume`. The group has
        // ended by this: it neither uses nor drops them.
        group.end_by(|branches| unsafe { branches.outputs() })
    }
}

branching_point! { (S: TryBranches) TryJoin<S> => Result<S::Values, S::Error>, by UntilError, of S }

impl<S: TryBranches> TryJoin<S> {
    #[inline(always)]
    fn output(
        group: Pin<&mut BranchSet<S>>,
        error: Option<S::Error>,
    ) -> Result<S::Values, S::Error> {
        match error {
            Some(error) => Err(error),
            None => Ok(group.end_by(S::values)),
        }
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
