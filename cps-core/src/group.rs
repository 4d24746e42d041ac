//! The engine of every branching point of a fixed number of branches: starts them, resumes the woken ones,
//! and drops them.
//!
//! ```text
//!            poll: each branch once          poll: the woken branches
//!   new ────────────────────────▶ open ─────────────┐
//!    │                             │ ▲              │
//!    │ end                         │ └──────────────┘  (Break: a branch ends the poll, not the group)
//!    │                             │ end, or a branch panics in poll
//!    └────────▶ ended ◀────────────┘
//! ```
//!
//! **One poll resumes a branch at most once**, and only those that were woken before the poll began:
//! branches that wake each other, or themselves, do so through the executor, as futures that
//! are polled side by side do. A poll of many branches in which [`YIELDS`] of them woke themselves leaves the
//! rest to the next one: when something makes all futures of a task yield (tokio's budget does), polling
//! the rest is a waste, and as often as that happens a quadratic one.

use core::mem::{self, ManuallyDrop};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::branch::Branches;
use crate::wake_set::{SMALL, Wakes};

/// How many branches may wake themselves in one poll before it ends: few beside the 128 operations
/// that tokio's budget allows a task.
const YIELDS: usize = 32;

/// As [`YIELDS`], for so many branches. A small set has no limit: it is drained in the order of the
/// branches' numbers, and the last would starve.
pub(crate) fn most_yields(count: usize) -> usize {
    if count <= SMALL { usize::MAX } else { YIELDS }
}

/// Branches, and which of them were woken.
#[derive(Debug)]
pub(crate) struct Group<S> {
    /// Live until `ended`.
    branches: ManuallyDrop<S>,
    wakes: Wakes,
    /// How many were polled, in their order.
    started: usize,
    /// How many are not finished.
    live: usize,
    /// The last branch was started when all others had finished, and nobody had a waker: it is
    /// polled with the executor's own.
    sole: bool,
    ended: bool,
}

impl<S: Branches> Group<S> {
    #[inline(always)]
    pub(crate) fn new(branches: S) -> Self {
        let live = branches.count();
        Group {
            branches: ManuallyDrop::new(branches),
            wakes: Wakes::new(),
            started: 0,
            live,
            sole: false,
            ended: false,
        }
    }

    /// The branches.
    ///
    /// # Panics
    /// If the group has ended.
    #[inline(always)]
    pub(crate) fn branches(self: Pin<&mut Self>) -> Pin<&mut S> {
        assert!(!self.ended, "the branches are gone");
        // SAFETY: the branches are pinned as the group is: they are moved never, and dropped in place.
        unsafe { self.map_unchecked_mut(|this| &mut *this.branches) }
    }

    /// How many branches are not finished.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Polls branches by `resume`, which says whether the branch is pending, finished (`Continue`), or
    /// finished and the poll too (`Break`). Ready without a value when no branch is left.
    ///
    /// # Panics
    /// If the group has ended; and with the panic of a branch, when all others have been dropped.
    #[inline(always)]
    pub(crate) fn poll<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut resume: impl FnMut(Pin<&mut S>, usize, &mut Context<'_>) -> Poll<ControlFlow<R>>,
    ) -> Poll<Option<R>> {
        // SAFETY: the branches are pinned again below, and are dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(!this.ended, "branches were polled after they had finished or panicked");
        let guard = EndOnUnwind(this);
        let this = &mut *guard.0;
        let count = this.branches.count();
        let mut outcome = ControlFlow::Continue(());

        this.wakes.begin();
        let mut sole = this.sole.then(|| count - 1);
        while this.started < count && outcome.is_continue() {
            let index = this.started;
            this.started += 1;
            this.sole = this.live == 1 && this.started == count && this.wakes.is_unused();
            if let Poll::Ready(flow) = this.resume(index, count, cx, &mut resume) {
                this.live -= 1;
                outcome = flow;
            }
        }
        let mut yields = 0;
        while outcome.is_continue() && yields < most_yields(count) {
            let Some(index) = sole.take().or_else(|| this.wakes.next()) else { break };
            match this.resume(index, count, cx, &mut resume) {
                Poll::Ready(flow) => {
                    this.live -= 1;
                    outcome = flow;
                }
                Poll::Pending => yields += usize::from(this.wakes.is_woken(index)),
            }
        }
        let poll = match outcome {
            ControlFlow::Break(value) => Poll::Ready(Some(value)),
            ControlFlow::Continue(()) if this.live == 0 => Poll::Ready(None),
            ControlFlow::Continue(()) => {
                this.wakes.arm(cx.waker());
                Poll::Pending
            }
        };
        mem::forget(guard);
        poll
    }

    #[inline(always)]
    fn resume<R>(
        &mut self,
        index: usize,
        count: usize,
        cx: &mut Context<'_>,
        resume: &mut impl FnMut(Pin<&mut S>, usize, &mut Context<'_>) -> Poll<ControlFlow<R>>,
    ) -> Poll<ControlFlow<R>> {
        // SAFETY: only `poll` calls this, whose group is pinned, and so are its branches.
        let branches = unsafe { Pin::new_unchecked(&mut *self.branches) };
        let instead = if self.sole { Some(cx.waker()) } else { None };
        self.wakes.lend(index, count, instead, |cx| resume(branches, index, cx))
    }

    /// Drops what is left of the branches, in their order.
    #[inline(always)]
    pub(crate) fn end(self: Pin<&mut Self>) {
        // SAFETY: the branches are dropped in place.
        unsafe { self.get_unchecked_mut().drop_branches() }
    }
}

impl<S> Group<S> {
    #[inline(always)]
    fn drop_branches(&mut self) {
        if !mem::replace(&mut self.ended, true) {
            // SAFETY: they were not dropped before, and nobody uses them any more: `ended` is looked at
            // in `poll`, and what takes outputs does so before it ends the group.
            unsafe { ManuallyDrop::drop(&mut self.branches) }
        }
    }
}

impl<S> Drop for Group<S> {
    #[inline]
    fn drop(&mut self) {
        self.drop_branches();
    }
}

/// Drops the siblings of a branch that panics, before the panic reaches whoever polled the group.
struct EndOnUnwind<'a, S>(&'a mut Group<S>);

impl<S> Drop for EndOnUnwind<'_, S> {
    fn drop(&mut self) {
        self.0.drop_branches();
    }
}
