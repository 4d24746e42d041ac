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

use core::cell::UnsafeCell;
use core::mem::{self, ManuallyDrop, MaybeUninit};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::branch::{Branches, Kinds, Step};
use crate::branching::{Kind, report};
use crate::driver::Look;
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
pub(crate) struct Group<S: Branches> {
    /// Live until `ended`. In a cell, so that a reference to the group is no access to them.
    branches: UnsafeCell<ManuallyDrop<S>>,
    state: State,
    kinds: S::Kinds,
    ended: bool,
}

// SAFETY: a shared reference to a group gives access to its account of itself, which is written through
// `&mut` only, and to no branch but for a walk of the chains.
unsafe impl<S: Branches> Sync for Group<S> {}

/// All of a group but its branches.
#[derive(Debug)]
struct State {
    wakes: Wakes,
    /// How many were polled, in their order.
    started: usize,
    /// How many are not finished.
    live: usize,
    /// The last branch was started when all others had finished, and nobody had a waker: it is
    /// polled with the executor's own.
    sole: bool,
}

/// How a group polls a branch.
pub(crate) trait PollBranch<S> {
    /// What a branch may end the poll with.
    type Break;

    /// Whether the branch is pending, finished (`Continue`), or finished and the poll too (`Break`).
    fn poll(
        &mut self,
        branches: Pin<&mut S>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<Self::Break>>;
}

/// A poll of a group.
struct Run<'a, 'b, 'c, P, K> {
    state: &'a mut State,
    kinds: &'a mut K,
    count: usize,
    cx: &'b mut Context<'c>,
    by: P,
}

impl<P, K: Kinds> Run<'_, '_, '_, P, K> {
    /// Polls a branch for the first time.
    #[inline(always)]
    fn start<S>(&mut self, branches: Pin<&mut S>, index: usize) -> ControlFlow<P::Break>
    where
        P: PollBranch<S>,
    {
        let Run { state, kinds, count, cx, by } = self;
        state.started = index + 1;
        state.sole = state.live == 1 && state.started == *count && state.wakes.is_unused();
        let first = state.wakes.first(index, *count, cx.waker(), state.sole);
        match by.poll(branches, index, &mut Context::from_waker(&first.lend())) {
            Poll::Ready(flow) => {
                state.live -= 1;
                flow
            }
            Poll::Pending => {
                // SAFETY: what is reported are kinds.
                if let Some(kind) = unsafe { first.reported() } {
                    kinds.note(index, kind);
                }
                ControlFlow::Continue(())
            }
        }
    }

    /// Polls a branch that was woken.
    #[inline(always)]
    fn poll<S>(&mut self, branches: Pin<&mut S>, index: usize) -> ControlFlow<P::Break>
    where
        P: PollBranch<S>,
    {
        let Run { state, count, cx, by, .. } = self;
        let mut first = MaybeUninit::uninit();
        let lent = state.wakes.lend(&mut first, index, *count, cx.waker());
        let poll = by.poll(branches, index, &mut Context::from_waker(&lent));
        self.finish(poll)
    }

    /// Polls the last branch, with the executor's own waker.
    #[inline(always)]
    fn poll_sole<S>(&mut self, branches: Pin<&mut S>) -> ControlFlow<P::Break>
    where
        P: PollBranch<S>,
    {
        let poll = self.by.poll(branches, self.count - 1, self.cx);
        self.finish(poll)
    }

    #[inline(always)]
    fn finish<R>(&mut self, poll: Poll<ControlFlow<R>>) -> ControlFlow<R> {
        match poll {
            Poll::Ready(flow) => {
                self.state.live -= 1;
                flow
            }
            Poll::Pending => ControlFlow::Continue(()),
        }
    }
}

/// Polls branches for the first time.
struct Start<'a, R>(&'a mut R);

impl<S, P: PollBranch<S>, K: Kinds> Step<S> for Start<'_, Run<'_, '_, '_, P, K>> {
    type Break = P::Break;

    #[inline(always)]
    fn step(&mut self, branches: Pin<&mut S>, index: usize) -> ControlFlow<P::Break> {
        self.0.start(branches, index)
    }
}

impl<S: Branches> Group<S> {
    #[inline(always)]
    pub(crate) fn new(branches: S) -> Self {
        // SAFETY: the branches are here.
        let live = unsafe { S::count(&raw const branches) };
        Group {
            branches: UnsafeCell::new(ManuallyDrop::new(branches)),
            state: State { wakes: Wakes::new(), started: 0, live, sole: false },
            kinds: S::Kinds::NONE,
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
        unsafe { self.map_unchecked_mut(|this| &mut **this.branches.get_mut()) }
    }

    /// How many branches are not finished.
    pub(crate) fn live(&self) -> usize {
        self.state.live
    }

    /// Polls branches by `by`. Ready without a value when no branch is left. `kind` is that of the future that
    /// the group is in.
    ///
    /// # Panics
    /// If the group has ended; and with the panic of a branch, when all others have been dropped.
    #[inline(always)]
    pub(crate) fn poll<P: PollBranch<S>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        kind: &'static Kind,
        by: P,
    ) -> Poll<Option<P::Break>> {
        // SAFETY: the branches are pinned again below, and are dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(!this.ended, "branches were polled after they had finished or panicked");
        let guard = EndOnUnwind(this);
        let this = &mut *guard.0;
        // SAFETY: the group is pinned, and so are its branches.
        let mut branches = unsafe { Pin::new_unchecked(&mut **this.branches.get_mut()) };
        // SAFETY: nothing is moved, and the branches are live.
        let count = unsafe { S::count(ptr::from_mut(branches.as_mut().get_unchecked_mut())) };
        let mut run = Run { state: &mut this.state, kinds: &mut this.kinds, count, cx, by };
        let is_first = run.state.started == 0;

        if !run.state.sole {
            run.state.wakes.begin(count, run.cx.waker());
        }
        let mut outcome = match (run.state.started < count, run.state.sole) {
            (true, _) => branches.as_mut().each(run.state.started, &mut Start(&mut run)),
            (false, true) => run.poll_sole(branches.as_mut()),
            (false, false) => ControlFlow::Continue(()),
        };
        let mut yields = 0;
        while outcome.is_continue() && yields < most_yields(count) {
            let Some(index) = run.state.wakes.next(count) else { break };
            outcome = run.poll(branches.as_mut(), index);
            if count > SMALL {
                yields += usize::from(run.state.wakes.is_woken(index, count));
            }
        }
        let poll = match outcome {
            ControlFlow::Break(value) => Poll::Ready(Some(value)),
            ControlFlow::Continue(()) if run.state.live == 0 => Poll::Ready(None),
            ControlFlow::Continue(()) => {
                run.state.wakes.end(run.cx.waker());
                if is_first {
                    report(run.cx.waker(), kind);
                }
                Poll::Pending
            }
        };
        mem::forget(guard);
        poll
    }

    /// Drops what is left of the branches, in their order.
    #[inline(always)]
    pub(crate) fn end(self: Pin<&mut Self>) {
        // SAFETY: the branches are dropped in place.
        unsafe { self.get_unchecked_mut().drop_branches() }
    }
}

impl<S: Branches> Group<S> {
    /// Shows the branches that were started and are not finished.
    ///
    /// # Safety
    /// As for [`BranchingPoint::look`](crate::branching::BranchingPoint::look).
    pub(crate) unsafe fn look(this: *const Self, look: &mut Look<'_>) {
        // SAFETY: by contract.
        unsafe {
            if !(*this).ended {
                let branches = UnsafeCell::raw_get(&raw const (*this).branches).cast::<S>();
                S::look(branches, &(*this).kinds, (*this).state.started, look);
            }
        }
    }

    #[inline(always)]
    fn drop_branches(&mut self) {
        if !mem::replace(&mut self.ended, true) {
            // SAFETY: they were not dropped before, and nobody uses them any more: `ended` is looked at
            // in `poll`, and what takes outputs does so before it ends the group.
            unsafe { ManuallyDrop::drop(self.branches.get_mut()) }
        }
    }
}

impl<S: Branches> Drop for Group<S> {
    #[inline]
    fn drop(&mut self) {
        self.drop_branches();
    }
}

/// Drops the siblings of a branch that panics, before the panic reaches whoever polled the group.
struct EndOnUnwind<'a, S: Branches>(&'a mut Group<S>);

impl<S: Branches> Drop for EndOnUnwind<'_, S> {
    fn drop(&mut self) {
        self.0.drop_branches();
    }
}
