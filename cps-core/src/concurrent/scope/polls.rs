//! The polls of a scope.

use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::future::Future;
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use super::children::{Chunk, Shared};
use super::{
    BODY, CHUNKS, CancelOnUnwind, ChildBound, Progress, SPAWNED, Scoped, Spawner, Stage, TOP,
};
use crate::chain::outermost::{Outermost, Parent};
use crate::concurrent::branch::Branch;
use crate::concurrent::frame::report;
use crate::wake_set::BranchAt;

/// The rounds of a scope's poll, in this order.
#[derive(Clone, Copy)]
pub(super) enum Round {
    /// Resumes all that was woken before the poll.
    Woken,
    /// Starts the children that were spawned meanwhile, and resumes the body if a child has woken it. (Children that
    /// these children spawn start in the next poll.)
    Spawned { is_idle: bool },
    /// Resumes the body again if one of the new children has woken it.
    Body,
}

impl Round {
    /// The number, in the set at the top, of the first branch that the round leaves out.
    fn end(self) -> usize {
        match self {
            Round::Woken => TOP,
            Round::Spawned { .. } => BODY + 1,
            Round::Body => BODY + 1,
        }
    }

    /// Notes that a branch was polled in this round.
    fn note(&mut self) {
        if let Round::Spawned { is_idle } = self {
            *is_idle = false;
        }
    }

    /// Goes on to the next round; whether there is one.
    fn goes_on(&mut self) -> bool {
        *self = match self {
            Round::Woken => Round::Spawned { is_idle: true },
            Round::Spawned { is_idle: false } => Round::Body,
            _ => return false,
        };
        true
    }
}

impl<K, F, B> Scoped<K, F, B>
where
    K: ChildBound,
    B: Future,
{
    /// # Safety
    /// As for [`BranchSet::poll`](crate::concurrent::engine::BranchSet::poll).
    pub(super) unsafe fn poll_scope(
        &mut self,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<B::Output> {
        let is_first = matches!(self.stage, Stage::Unstarted(..));
        if is_first {
            self.joiner.starts_in(parent);
        }
        let own = Outermost::new();
        // SAFETY: if the scope has a parent, that is polling it (invariant N), as `poll_in`, which calls this, has it.
        let outermost = match unsafe { parent.outermost() } {
            None => &own,
            Some(outermost) => {
                // SAFETY: invariant N holds for the scope, which has a parent.
                if let Some(poll) = unsafe { self.poll_deferred(cx, outermost) } {
                    return poll;
                }
                outermost
            }
        };
        let _level = outermost.depth.level();
        loop {
            self.progress = self.turn(cx.waker(), outermost);
            if own.is_idle() {
                break;
            }
            let guard = CancelOnUnwind(self);
            // SAFETY: this poll has made `own`, and its turn has ended: no branch is being polled.
            unsafe { own.run_deferred() };
            mem::forget(guard);
        }
        if let Progress::Ended = self.progress {
            return Poll::Ready(self.output());
        }
        if self.progress == Progress::Waits {
            self.progress = Progress::Fresh;
        }
        if is_first {
            report(cx.waker(), Self::KIND);
        }
        Poll::Pending
    }

    /// A poll of a scope with a parent, if it was deferred or must be: else `None`.
    ///
    /// # Safety
    /// As for [`Scoped::poll_scope`].
    unsafe fn poll_deferred(
        &mut self,
        cx: &mut Context<'_>,
        outermost: &Outermost,
    ) -> Option<Poll<B::Output>> {
        /// # Safety
        /// `scoped` is a scope that was deferred.
        unsafe fn run<K: ChildBound, F, B: Future>(
            scoped: *mut (),
            cx: &mut Context<'_>,
            outermost: &Outermost,
        ) {
            // SAFETY: `Outermost::run_deferred` calls this with the pointer that was deferred, to a scope that is
            // pinned, and that nobody else uses until then (invariant N).
            let this = unsafe { &mut *scoped.cast::<Scoped<K, F, B>>() };
            let mut progress = Progress::Panicked;
            let _level = outermost.depth.level();
            if !outermost.is_calm(|| progress = this.turn(cx.waker(), outermost)) {
                progress = Progress::Panicked;
            }
            this.progress = progress;
        }

        match self.progress {
            Progress::Fresh | Progress::At(_) => {
                if outermost.is_idle() {
                    if !outermost.depth.is_deep() {
                        return None;
                    }
                    let at = ptr::from_mut(self).cast();
                    // SAFETY: invariant N holds for the scope, which has a parent. Its owner, which is told `Pending`,
                    // leaves it alone until it polls it again.
                    unsafe { outermost.defer(at, run::<K, F, B>, cx.waker()) };
                    if matches!(self.stage, Stage::Unstarted(..)) {
                        report(cx.waker(), Self::KIND);
                    }
                }
                return Some(Poll::Pending);
            }
            Progress::Panicked => {
                self.progress = Progress::Fresh;
                // SAFETY: `run` has left this stage after a panic, and it was replaced above.
                unsafe { outermost.unwind() }
            }
            Progress::Ended => return Some(Poll::Ready(self.output())),
            Progress::Waits | Progress::EndedBy(_) | Progress::Drops(_) => {}
        }
        self.progress = Progress::Fresh;
        Some(Poll::Pending)
    }

    /// A poll of the body and the children.
    fn turn(&mut self, waker: &Waker, outermost: &Outermost) -> Progress {
        let guard = CancelOnUnwind(self);
        let progress = guard.0.run(waker, outermost);
        mem::forget(guard);
        progress
    }

    fn run(&mut self, waker: &Waker, outermost: &Outermost) -> Progress {
        self.joiner.polled_by(outermost);
        let mut next = None;
        if let Progress::At(index) = self.progress {
            next = Some(index as usize);
        } else {
            (self.starts, self.round) = (false, Round::Woken);
            self.top.begin_disarmed(TOP);
            if matches!(self.stage, Stage::Unstarted(..)) {
                self.start(waker);
                if !outermost.is_idle() {
                    return Progress::At(BODY as u32);
                }
            }
            assert!(self.shared.is_some(), "a scope was polled after it had finished or panicked");
        }
        loop {
            if next.is_none() && self.starts {
                next = self.chunks.iter().position(Chunk::has_fresh).map(|index| CHUNKS + index);
                self.starts = next.is_some();
            }
            if next.is_none() && self.top.peek().is_some_and(|index| index < self.round.end()) {
                next = self.top.next(TOP);
            }
            let Some(index) = next.take() else {
                if !self.round.goes_on() {
                    break;
                }
                self.top.begin_disarmed(TOP);
                continue;
            };
            self.round.note();
            match index {
                SPAWNED => {
                    self.place_spawned();
                    self.starts = true;
                }
                BODY => self.run_body(waker),
                _ => self.run_chunk(index - CHUNKS, waker, outermost),
            }
            if !outermost.is_idle() {
                return Progress::At(index as u32);
            }
        }
        if self.close() {
            return Progress::Ended;
        }
        self.top.end(TOP, waker);
        Progress::Waits
    }

    /// Makes the body and polls it for the first time.
    fn start(&mut self, waker: &Waker) {
        let spawned = self.top.lend(&mut MaybeUninit::uninit(), SPAWNED, TOP, waker).clone();
        self.top.begin_disarmed(TOP); // The set is new, and born armed.
        let shared = Arc::new(Shared::new(spawned));
        self.shared = Some(shared.clone());
        if let Stage::Unstarted(body, make) = mem::replace(&mut self.stage, Stage::Ended) {
            let body = make(body, Spawner::new(shared));
            self.stage = Stage::Started(UnsafeCell::new(Branch::Running(body)));
        }
        let Stage::Started(body) = &mut self.stage else { return };
        // SAFETY: the body was not polled, and stays in the scope, pinned, until it is dropped (invariant A).
        let branch = unsafe { Branch::branch_at(body.get(), &raw const self.joiner) };
        // SAFETY: the body is pinned as the scope is, which drops it in place (invariant A).
        let body = unsafe { Pin::new_unchecked(body.get_mut()) };
        let branch = branch.unwrap_or(BranchAt::NONE);
        let first = self.top.first(BODY, TOP, waker, false, branch);
        let _ = body.resume(&mut Context::from_waker(&first.lend()));
        // SAFETY: `report`, the only function of this crate that reports, takes a `FutureTag` (invariant A).
        self.body_kind = unsafe { first.reported() };
    }
}
