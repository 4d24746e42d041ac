//! The polls that most groups have: of a group that is no branch, the first one, and those that find nothing to do but to
//! resume the branches that were woken. What they need is compiled where the group is polled.

use core::mem;
use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::run::Run;
use super::{BranchSet, EndOnUnwind, Phase, PollBranch};
use crate::chain::outermost::{Outermost, Parent};
use crate::concurrent::branch::Branches;
use crate::concurrent::frame::{FutureTag, report};

impl<S: Branches> BranchSet<S> {
    /// Whether the next poll has nothing to do but to resume the branches that were woken.
    #[inline(always)]
    pub(crate) fn is_open(&self, parent: Parent) -> bool {
        self.state.phase == Phase::Open && parent == Parent::NONE
    }

    /// [`BranchSet::poll_by`] of a group that [is open](BranchSet::is_open).
    #[inline(always)]
    pub(crate) fn poll_open<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        by: &mut P,
    ) -> Poll<Option<P::Break>> {
        let own = Outermost::new();
        let _level = own.depth.level();
        match self.turn_open(cx, &own, by) {
            ControlFlow::Continue(poll) => poll,
            // SAFETY: this poll has made `own`, and its turn has ended: no branch is being polled.
            ControlFlow::Break(()) => unsafe { self.run_all_deferred(cx, &own, by) },
        }
    }

    /// [`BranchSet::poll_by`] of a group that is new, and has no parent. `kind` is the tag of the future that it is in.
    #[inline(always)]
    pub(super) fn poll_new<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        by: &mut P,
    ) -> Poll<Option<P::Break>> {
        let own = Outermost::new();
        let _level = own.depth.level();
        match self.turn_new(cx, kind, &own, by) {
            ControlFlow::Continue(poll) => poll,
            // SAFETY: this poll has made `own`, and its turn has ended: no branch is being polled.
            ControlFlow::Break(()) => unsafe { self.run_all_deferred(cx, &own, by) },
        }
    }

    /// The first poll. Breaks if a branching point in a branch was deferred.
    #[inline(always)]
    fn turn_new<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        outermost: &Outermost,
        by: &mut P,
    ) -> ControlFlow<(), Poll<Option<P::Break>>> {
        let guard = EndOnUnwind(self);
        let this = &mut *guard.0;
        this.joiner.polled_by(outermost);
        // SAFETY: the branches are pinned as the group is (invariant A).
        let mut branches = unsafe { Pin::new_unchecked(&mut **this.branches.get_mut()) };
        // SAFETY: the branches are live, since the group has not ended; nothing is moved.
        let count = unsafe { S::count(ptr::from_mut(branches.as_mut().get_unchecked_mut())) };
        let (state, kinds) = (&mut this.state, &mut this.kinds);
        let joiner = &raw const this.joiner;
        let run = Run { state, kinds, joiner, outermost, count, cx, by };
        let outcome = run.start_new(branches);
        let flow = match outcome {
            ControlFlow::Continue(()) => ControlFlow::Continue(Poll::Ready(None)),
            ControlFlow::Break(flow) => {
                this.state.phase = Phase::Any;
                match flow {
                    ControlFlow::Break(Some(value)) => {
                        ControlFlow::Continue(Poll::Ready(Some(value)))
                    }
                    ControlFlow::Break(None) => ControlFlow::Break(()),
                    ControlFlow::Continue(()) => {
                        this.state.wakes.end(count, cx.waker());
                        if !this.state.sole {
                            this.state.phase = Phase::Open;
                        }
                        report(cx.waker(), kind);
                        ControlFlow::Continue(Poll::Pending)
                    }
                }
            }
        };
        mem::forget(guard);
        flow
    }

    /// A poll of an open group. Breaks if one in a branch was deferred.
    #[inline(always)]
    fn turn_open<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        outermost: &Outermost,
        by: &mut P,
    ) -> ControlFlow<(), Poll<Option<P::Break>>> {
        let guard = EndOnUnwind(self);
        let this = &mut *guard.0;
        this.joiner.polled_by(outermost);
        // SAFETY: the branches are pinned as the group is (invariant A).
        let mut branches = unsafe { Pin::new_unchecked(&mut **this.branches.get_mut()) };
        // SAFETY: the branches are live, since the group has not ended; nothing is moved.
        let count = unsafe { S::count(ptr::from_mut(branches.as_mut().get_unchecked_mut())) };
        let (state, kinds) = (&mut this.state, &mut this.kinds);
        let joiner = &raw const this.joiner;
        state.wakes.begin(count, cx.waker());
        let run = Run { state, kinds, joiner, outermost, count, cx, by };
        let outcome = run.resume(branches, ControlFlow::Continue(()));
        let state = &mut this.state;
        let flow = match outcome {
            ControlFlow::Break(Some(value)) => ControlFlow::Continue(Poll::Ready(Some(value))),
            ControlFlow::Continue(()) if state.live == 0 => {
                ControlFlow::Continue(Poll::Ready(None))
            }
            ControlFlow::Continue(()) => {
                state.wakes.end(count, cx.waker());
                ControlFlow::Continue(Poll::Pending)
            }
            ControlFlow::Break(None) => {
                state.phase = Phase::Any;
                ControlFlow::Break(())
            }
        };
        mem::forget(guard);
        flow
    }
}
