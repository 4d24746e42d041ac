//! What one poll of a group does with its branches.

use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::{PollBranch, State, most_yields};
use crate::chain::outermost::{Joiner, Outermost, Stage};
use crate::concurrent::branch::{Branches, EachBranch, Kinds};
use crate::wake_set::{Firsts, SMALL, Wakes};

/// A poll of a group.
pub(super) struct Run<'a, 'b, 'c, P, K> {
    pub(super) state: &'a mut State,
    pub(super) kinds: &'a mut K,
    pub(super) joiner: *const Joiner,
    pub(super) outermost: &'a Outermost,
    pub(super) count: usize,
    pub(super) cx: &'b mut Context<'c>,
    pub(super) by: &'a mut P,
}

/// The end of a poll before all branches had their turn: by a branch's value, or (`None`) since one in a branch was
/// deferred.
pub(super) type Stop<P, S> = Option<<P as PollBranch<S>>::Break>;

impl<P, K: Kinds> Run<'_, '_, '_, P, K> {
    /// Polls a branch that [`Wakes::next`] has given.
    #[inline(always)]
    fn poll<S: Branches>(&mut self, branches: Pin<&mut S>, index: usize) -> ControlFlow<Stop<P, S>>
    where
        P: PollBranch<S>,
    {
        let Run { state, count, by, .. } = self;
        let lent = state.wakes.lend_again(index, *count);
        let poll = by.poll(branches, index, &mut Context::from_waker(&lent));
        self.finish(index, poll)
    }

    /// Polls the last branch, with the waker of the group's own poll.
    #[inline(always)]
    pub(super) fn poll_sole<S: Branches>(mut self, branches: Pin<&mut S>) -> ControlFlow<Stop<P, S>>
    where
        P: PollBranch<S>,
    {
        let poll = self.by.poll(branches, self.count - 1, self.cx);
        self.finish(self.count - 1, poll)
    }

    /// Polls the branches for the first time that were not polled yet.
    #[inline(always)]
    pub(super) fn start<S: Branches<Kinds = K>>(
        self,
        branches: Pin<&mut S>,
        from: usize,
    ) -> ControlFlow<Stop<P, S>>
    where
        P: PollBranch<S>,
    {
        let Run { state, kinds, joiner, outermost, count, cx, by } = self;
        let State { wakes, started, live, sole, stage, .. } = state;
        let wakes = &*wakes;
        let mut start = Start {
            firsts: &mut Firsts::new(wakes, count, cx.waker(), joiner.cast()),
            wakes,
            started: from,
            live: *live,
            sole: false,
            stage,
            kinds,
            joiner,
            outermost,
            count,
            by,
        };
        let flow = branches.each(from, &mut start);
        (*started, *live, *sole) = (start.started, start.live, start.sole);
        flow
    }

    /// [`Run::start`] of a new group. Notes how far it has come only if it has not ended: breaks if it has not.
    #[inline(always)]
    pub(super) fn start_new<S: Branches<Kinds = K>>(
        self,
        branches: Pin<&mut S>,
    ) -> ControlFlow<ControlFlow<Stop<P, S>>>
    where
        P: PollBranch<S>,
    {
        let Run { state, kinds, joiner, outermost, count, cx, by } = self;
        let State { wakes, started, live, sole, stage, .. } = state;
        let wakes = &*wakes;
        let mut start = Start {
            firsts: &mut Firsts::new(wakes, count, cx.waker(), joiner.cast()),
            wakes,
            started: 0,
            live: count,
            sole: false,
            stage,
            kinds,
            joiner,
            outermost,
            count,
            by,
        };
        let flow = branches.each(0, &mut start);
        if flow.is_continue() && start.live == 0 {
            return ControlFlow::Continue(());
        }
        (*started, *live, *sole) = (start.started, start.live, start.sole);
        ControlFlow::Break(flow)
    }

    /// Polls the branches that were woken.
    #[inline(always)]
    pub(super) fn resume<S: Branches<Kinds = K>>(
        mut self,
        mut branches: Pin<&mut S>,
        mut outcome: ControlFlow<Stop<P, S>>,
    ) -> ControlFlow<Stop<P, S>>
    where
        P: PollBranch<S>,
    {
        let count = self.count;
        if count <= SMALL {
            return self.resume_small(branches, outcome);
        }
        let mut yields = 0;
        while outcome.is_continue() && yields < most_yields(count) {
            let Some(index) = self.state.wakes.next(count) else { break };
            outcome = self.poll(branches.as_mut(), index);
            yields += usize::from(self.state.wakes.is_woken(index, count));
        }
        outcome
    }

    /// [`Run::resume`] of a small set, of which it keeps in registers what is left.
    #[inline(always)]
    fn resume_small<S: Branches<Kinds = K>>(
        self,
        mut branches: Pin<&mut S>,
        mut outcome: ControlFlow<Stop<P, S>>,
    ) -> ControlFlow<Stop<P, S>>
    where
        P: PollBranch<S>,
    {
        let Run { state, outermost, count, by, .. } = self;
        let State { wakes, live, stage, .. } = state;
        let mut turns = wakes.turns(count);
        while outcome.is_continue() {
            let Some(index) = turns.next() else { break };
            let lent = turns.lend(index);
            let poll = by.poll(branches.as_mut(), index, &mut Context::from_waker(&lent));
            outcome = finish(live, stage, outermost, index, poll);
        }
        let left = turns.left();
        wakes.keep(left);
        outcome
    }

    /// [`Run::start`] where few polls come.
    #[cold]
    #[inline(never)]
    pub(super) fn start_rest<S: Branches<Kinds = K>>(
        self,
        branches: Pin<&mut S>,
    ) -> ControlFlow<Stop<P, S>>
    where
        P: PollBranch<S>,
    {
        let from = self.state.started;
        self.start(branches, from)
    }

    #[inline(always)]
    fn finish<R>(&mut self, index: usize, poll: Poll<ControlFlow<R>>) -> ControlFlow<Option<R>> {
        let State { live, stage, .. } = self.state;
        finish(live, stage, self.outermost, index, poll)
    }
}

/// Whether the poll of branches goes on after that of one.
#[inline(always)]
fn finish<R>(
    live: &mut usize,
    stage: &mut Stage,
    outermost: &Outermost,
    index: usize,
    poll: Poll<ControlFlow<R>>,
) -> ControlFlow<Option<R>> {
    match poll {
        Poll::Ready(flow) => {
            *live -= 1;
            match flow {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(value) => ControlFlow::Break(Some(value)),
            }
        }
        Poll::Pending if outermost.is_idle() => ControlFlow::Continue(()),
        Poll::Pending => {
            *stage = Stage::At(index as u32);
            ControlFlow::Break(None)
        }
    }
}

/// Polls branches for the first time.
struct Start<'a, 'f, P, K> {
    /// One for all of them. (By reference, so that the rest of this can be in registers.)
    firsts: &'a mut Firsts<'f>,
    wakes: &'f Wakes,
    /// As in [`State`], where they are written at the end.
    started: usize,
    live: usize,
    sole: bool,
    stage: &'a mut Stage,
    kinds: &'a mut K,
    joiner: *const Joiner,
    outermost: &'a Outermost,
    count: usize,
    by: &'a mut P,
}

impl<S: Branches, P: PollBranch<S>, K: Kinds> EachBranch<S> for Start<'_, '_, P, K> {
    type Break = Stop<P, S>;

    #[inline(always)]
    fn step(&mut self, mut branches: Pin<&mut S>, index: usize) -> ControlFlow<Stop<P, S>> {
        // SAFETY: the branch was not polled, and is pinned until it is dropped (invariant A). The pointer is not made
        // of a shared reference, which would be a read of the other branches.
        let branch = unsafe {
            let branches = ptr::from_mut(branches.as_mut().get_unchecked_mut());
            S::branch_at(branches, index, self.joiner)
        };
        self.started = index + 1;
        let Some(branch) = branch else { return ControlFlow::Continue(()) };
        self.sole = self.started == self.count && self.live == 1 && self.wakes.is_unused();
        let first = self.firsts.turn_to(index, self.sole, branch);
        let poll = self.by.poll(branches, index, &mut Context::from_waker(&first.lend()));
        if poll.is_pending() {
            // SAFETY: `report`, the only function of this crate that reports, takes a `FutureTag` (invariant A).
            if let Some(kind) = unsafe { first.take_report() } {
                self.kinds.note(index, kind);
            }
        }
        finish(&mut self.live, self.stage, self.outermost, index, poll)
    }
}
