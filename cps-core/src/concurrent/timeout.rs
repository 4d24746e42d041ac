//! [`timeout`]: a race against time, or anything else that ends.

use core::fmt;
use core::future::{Future, IntoFuture};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::concurrent::branch::{Branch, Concurrent};
use crate::concurrent::engine::{BranchSet, PollBranch};
use crate::concurrent::frame::branching_point;

/// Runs `body` until it finishes or `deadline` does.
///
/// `deadline` is any future: a timer of your runtime, the end of a channel, a signal. `body` is polled first, and wins
/// if both were woken before the same poll. The loser is dropped before the future is ready.
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::{cps, timeout};
/// use std::future::{pending, ready};
///
/// #[cps]
/// async fn answer() -> u32 {
///     42
/// }
///
/// assert_eq!(timeout(pending::<()>(), answer()).await, Ok(42));
/// assert!(timeout(ready(()), pending::<u32>()).await.is_err());
/// # });
/// ```
///
/// Otherwise as [`join`](crate::join()): a wake-up by the deadline does not poll the body, and one by the body does not
/// poll the deadline. The body lies in the future once: a stack of timeouts does not multiply its size.
///
/// # Errors
///
/// [`Elapsed`] if `deadline` comes first, whose output is dropped.
///
/// # Panics
///
/// As [`join`](crate::join()).
#[inline]
pub fn timeout<D: IntoFuture, F: IntoFuture>(
    deadline: D,
    body: F,
) -> Timeout<D::IntoFuture, F::IntoFuture> {
    Timeout { group: BranchSet::new((body, deadline).into_branches()) }
}

/// The deadline came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl core::error::Error for Elapsed {}

/// The future of [`timeout`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Timeout<D: Future, F: Future> {
    group: BranchSet<(Branch<F>, Branch<D>)>,
}

/// The body or the deadline ends the poll.
#[derive(Default)]
struct InTime;

impl<D: Future, F: Future> PollBranch<(Branch<F>, Branch<D>)> for InTime {
    type Break = Result<F::Output, Elapsed>;

    #[inline(always)]
    fn poll(
        &mut self,
        branches: Pin<&mut (Branch<F>, Branch<D>)>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<Self::Break>> {
        // SAFETY: the branches are pinned as the pair is (invariant A).
        let (body, deadline) = unsafe {
            let (body, deadline) = branches.get_unchecked_mut();
            (Pin::new_unchecked(body), Pin::new_unchecked(deadline))
        };
        match index {
            0 => body.poll(cx).map(Ok),
            _ => deadline.poll(cx).map(|_| Err(Elapsed(()))),
        }
        .map(ControlFlow::Break)
    }

    fn ends(&mut self, _: Pin<&mut (Branch<F>, Branch<D>)>, _: usize) -> bool {
        true
    }

    fn take(&mut self, branches: Pin<&mut (Branch<F>, Branch<D>)>, index: usize) -> Self::Break {
        // SAFETY: the branches are pinned as the pair is (invariant A).
        let (body, deadline) = unsafe {
            let (body, deadline) = branches.get_unchecked_mut();
            (Pin::new_unchecked(body), Pin::new_unchecked(deadline))
        };
        if index == 0 {
            return Ok(body.take());
        }
        drop(deadline.take());
        Err(Elapsed(()))
    }
}

branching_point! {
    (D: Future, F: Future) Timeout<D, F> => Result<F::Output, Elapsed>, by InTime, of (Branch<F>, Branch<D>)
}

impl<D: Future, F: Future> Timeout<D, F> {
    #[inline(always)]
    fn output(
        _: Pin<&mut BranchSet<(Branch<F>, Branch<D>)>>,
        result: Option<Result<F::Output, Elapsed>>,
    ) -> Result<F::Output, Elapsed> {
        result.expect("the poll in which a branch finishes is the last")
    }
}

impl<D: Future, F: Future> fmt::Debug for Timeout<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timeout")
    }
}
