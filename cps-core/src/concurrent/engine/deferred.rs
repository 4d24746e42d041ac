//! Polls of a group that is deferred: see `chain/outermost/mod.rs`.

use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::{BranchSet, EndOnUnwind, POLLED_AGAIN, Phase, PollBranch, most_yields};
use crate::chain::outermost::{Outermost, Parent, RunDeferred, Stage};
use crate::concurrent::branch::{Branches, Kinds};
use crate::concurrent::frame::{FutureTag, report};
use crate::wake_set::{BranchAt, SMALL};

impl<S: Branches> BranchSet<S> {
    /// A poll of a group with a parent, if the group was deferred or may have to be.
    ///
    /// # Safety
    /// As for [`BranchSet::poll_by`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn poll_deferred<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        (parent, outermost): (Parent, &Outermost),
        by: &mut P,
        at: *mut (),
        run: RunDeferred,
    ) -> Poll<Option<P::Break>> {
        if let Stage::Fresh | Stage::At(_) = self.state.stage {
            if self.state.started == 0 {
                self.joiner.starts_in(parent);
                report(cx.waker(), kind);
            }
            if !outermost.is_idle() {
                return Poll::Pending;
            }
            if outermost.depth.is_deep() {
                // SAFETY: invariant N holds for the group, which has this parent. `poll_by` gave a pointer to it, and
                // its owner, which is told `Pending`, leaves it alone until it polls it again.
                unsafe { outermost.defer(at, run, cx.waker()) };
                return Poll::Pending;
            }
            let _level = outermost.depth.level();
            self.state.stage = self.turn_deferred(cx, outermost, by);
        }
        self.come_to(outermost, by)
    }

    /// Runs the polls that were deferred in branches, and goes on with these branches, until they wait or the poll
    /// ends.
    ///
    /// # Safety
    /// As for [`Outermost::run_deferred`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn run_all_deferred<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        own: &Outermost,
        by: &mut P,
    ) -> Poll<Option<P::Break>> {
        while !own.is_idle() {
            let guard = EndOnUnwind(self);
            // SAFETY: `poll_by`, the caller, has made `own` for this poll, and no branch is being polled.
            unsafe { own.run_deferred() };
            mem::forget(guard);
            self.state.stage = self.turn_deferred(cx, own, by);
        }
        self.come_to(own, by)
    }

    /// The result of a poll by [`BranchSet::turn_deferred`], which leaves outputs in the branches.
    fn come_to<P: PollBranch<S>>(
        &mut self,
        outermost: &Outermost,
        by: &mut P,
    ) -> Poll<Option<P::Break>> {
        let stage = self.state.stage;
        if let Stage::At(_) = stage {
            return Poll::Pending;
        }
        self.state.stage = Stage::Fresh;
        match stage {
            // SAFETY: `run_deferred` has left this stage after a panic, and it was replaced above.
            Stage::Panicked => unsafe { outermost.unwind() },
            Stage::Ended => Poll::Ready(None),
            Stage::EndedBy(index) => {
                // SAFETY: the branches are pinned as the group is (invariant A), and live, since it has not ended.
                let branches = unsafe { Pin::new_unchecked(&mut **self.branches.get_mut()) };
                Poll::Ready(Some(by.take(branches, index as usize)))
            }
            _ => Poll::Pending,
        }
    }

    /// The poll of a group that was deferred: leaves the outputs in the branches, and the result in the stage.
    pub(crate) fn run_deferred<P: PollBranch<S>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        outermost: &Outermost,
        by: &mut P,
    ) {
        // SAFETY: the branches in the group are not moved here.
        let this = unsafe { self.get_unchecked_mut() };
        let mut stage = Stage::Panicked;
        let _level = outermost.depth.level();
        if !outermost.is_calm(|| stage = this.turn_deferred(cx, outermost, by)) {
            stage = Stage::Panicked;
        }
        this.state.stage = stage;
    }

    /// A poll of the branches that leaves outputs in them, and does not inline a poll for each: it is rare.
    fn turn_deferred<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        outermost: &Outermost,
        by: &mut P,
    ) -> Stage {
        assert!(self.state.phase != Phase::Ended, "{POLLED_AGAIN}");
        self.state.phase = Phase::Any;
        let guard = EndOnUnwind(self);
        let this = &mut *guard.0;
        this.joiner.polled_by(outermost);
        // SAFETY: the branches are pinned as the group is (invariant A).
        let mut branches = unsafe { Pin::new_unchecked(&mut **this.branches.get_mut()) };
        // SAFETY: the branches are live, since the group has not ended; nothing is moved.
        let count = unsafe { S::count(ptr::from_mut(branches.as_mut().get_unchecked_mut())) };
        let state = &mut this.state;
        let mut again = match state.stage {
            Stage::At(index) => Some(index as usize),
            _ => None,
        };
        if again.is_none() && !state.sole {
            state.wakes.begin(count, cx.waker());
        }
        // The last branch is polled once, since it has no waker of the set to be woken by.
        let mut sole = again.is_none() && state.started == count && state.sole;
        let mut yields = 0;
        let stage = loop {
            let index = match again.take() {
                Some(index) => index,
                None if state.started < count => state.started,
                None if mem::take(&mut sole) => count - 1,
                None if yields < most_yields(count) => match state.wakes.next(count) {
                    Some(index) => index,
                    None => break None,
                },
                None => break None,
            };
            let poll = if index == state.started {
                // SAFETY: the branch was not polled, and is pinned until it is dropped (invariant A). The pointer is
                // not made of a shared reference, which would be a read of the other branches.
                let branch = unsafe {
                    let branches = branches.as_mut().get_unchecked_mut();
                    S::branch_at(branches, index, &raw const this.joiner)
                };
                state.started = index + 1;
                state.sole = state.live == 1 && state.started == count && state.wakes.is_unused();
                let branch = branch.unwrap_or(BranchAt::NONE);
                let first = state.wakes.first(index, count, cx.waker(), state.sole, branch);
                let poll = branches.as_mut().resume(index, &mut Context::from_waker(&first.lend()));
                // SAFETY: `report`, the only function of this crate that reports, takes a `FutureTag` (invariant A).
                if let Some(kind) = unsafe { first.reported() } {
                    this.kinds.note(index, kind);
                }
                poll
            } else if state.sole {
                branches.as_mut().resume(index, cx)
            } else {
                let mut first = MaybeUninit::uninit();
                let lent = state.wakes.lend(&mut first, index, count, cx.waker());
                branches.as_mut().resume(index, &mut Context::from_waker(&lent))
            };
            if poll.is_ready() {
                state.live -= 1;
                if by.ends(branches.as_mut(), index) {
                    break Some(Stage::EndedBy(index as u32));
                }
            } else if !outermost.is_idle() {
                break Some(Stage::At(index as u32));
            } else if count > SMALL {
                yields += usize::from(state.wakes.is_woken(index, count));
            }
        };
        let stage = stage.unwrap_or_else(|| {
            if state.live == 0 {
                return Stage::Ended;
            }
            state.wakes.end(count, cx.waker());
            Stage::Waits
        });
        mem::forget(guard);
        stage
    }
}
