//! The engine of every branching point with a fixed number of branches: it starts them, resumes the woken ones, and
//! drops them.
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
//! **One poll resumes a branch at most once**, and only those that were woken before the poll began: branches that wake
//! each other, or themselves, are resumed by way of the executor, as futures that are polled side by side are. A poll
//! of many branches ends early when [`YIELDS`] of them have woken themselves in it: when something makes all futures of
//! a task yield, as tokio's budget does, polling the rest is wasted work, quadratic if repeated.

use core::cell::UnsafeCell;
use core::mem::{self, ManuallyDrop};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::chain::driver::Driver;
use crate::chain::header::BranchVisitor;
use crate::chain::outermost::{Joiner, Outermost, Parent, RunDeferred, Stage};
use crate::concurrent::branch::{Branches, Kinds};
use crate::concurrent::frame::{FutureTag, report};
use crate::wake_set::{SMALL, Wakes};

/// How many branches may wake themselves in one poll before it ends: few beside the 128 operations that tokio's budget
/// allows a task.
const YIELDS: usize = 32;

/// [`YIELDS`], for a group of `count` branches. A small set has no limit: it is drained in the order of the branches'
/// numbers, and the last would starve.
pub(crate) fn most_yields(count: usize) -> usize {
    if count <= SMALL { usize::MAX } else { YIELDS }
}

/// Branches, and which of them were woken.
#[derive(Debug)]
pub(crate) struct BranchSet<S: Branches> {
    /// Live until the group has ended. In a cell, so that a reference to the group is no access to them.
    branches: UnsafeCell<ManuallyDrop<S>>,
    state: State,
    kinds: S::Kinds,
    joiner: Joiner,
}

// SAFETY: a shared reference to a group gives access to its own state, which is written through `&mut` only, and to the
// branches for a walk of the chains only. A walk only reads, and while it has the root borrowed nobody polls it.
unsafe impl<S: Branches> Sync for BranchSet<S> {}

/// The part of a group that does not depend on its branches' types.
#[derive(Debug)]
#[repr(C)]
struct State {
    wakes: Wakes,
    /// How many were polled, in their order.
    started: usize,
    /// How many are not finished.
    live: usize,
    /// The last branch was started when all others had finished, and nobody had a waker: it is polled with the waker of
    /// the group's own poll.
    sole: bool,
    phase: Phase,
    stage: Stage,
}

/// How far a group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It was not polled.
    New,
    /// A poll has to look at everything.
    Any,
    /// All branches were started, and each has a waker of its own; the stage is [`Stage::Fresh`]. So the next poll has
    /// nothing to do but to resume the woken ones.
    Open,
    /// The branches are gone.
    Ended,
}

/// How a group polls a branch.
pub(crate) trait PollBranch<S: Branches> {
    /// The value by which a branch may end the poll.
    type Break;

    /// Whether the branch is pending, finished (`Continue`), or finished and the poll too (`Break`).
    fn poll(
        &mut self,
        branches: Pin<&mut S>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<Self::Break>>;

    /// For a group that was deferred: whether a branch that [`Branches::resume`] has finished ends the poll.
    fn ends(&mut self, branches: Pin<&mut S>, index: usize) -> bool;

    /// The value by which it does.
    fn take(&mut self, branches: Pin<&mut S>, index: usize) -> Self::Break;
}

const POLLED_AGAIN: &str = "branches were polled after they had finished or panicked";

mod deferred;
mod run;
mod usual;

use run::Run;

impl<S: Branches> BranchSet<S> {
    #[inline(always)]
    pub(crate) fn new(branches: S) -> Self {
        // SAFETY: the pointer is to a local, which was not polled.
        let live = unsafe { S::count(&raw const branches) };
        assert!(live < u32::MAX as usize, "too many branches");
        BranchSet {
            branches: UnsafeCell::new(ManuallyDrop::new(branches)),
            state: State {
                wakes: Wakes::new(),
                started: 0,
                live,
                sole: false,
                phase: Phase::New,
                stage: Stage::Fresh,
            },
            kinds: S::Kinds::NONE,
            joiner: Joiner::new(),
        }
    }

    /// The branches.
    ///
    /// # Panics
    /// If the group has ended.
    #[inline(always)]
    pub(crate) fn branches(self: Pin<&mut Self>) -> Pin<&mut S> {
        assert!(self.state.phase != Phase::Ended, "the branches are gone");
        // SAFETY: the branches are pinned as the group is, which never moves them and drops them in place (invariant
        // A).
        unsafe { self.map_unchecked_mut(|this| &mut **this.branches.get_mut()) }
    }

    /// Notes the parent in a poll, which is not always the one of the first poll.
    pub(crate) fn has_parent(&self, parent: Parent) {
        self.joiner.has_parent(parent);
    }

    /// Ends the group by `take`, which takes all that the branches have: then there is nothing to drop.
    #[inline(always)]
    pub(crate) fn end_by<R>(mut self: Pin<&mut Self>, take: impl FnOnce(Pin<&mut S>) -> R) -> R {
        let taken = take(self.as_mut().branches());
        // SAFETY: the branches in the group are not moved here.
        unsafe { self.get_unchecked_mut() }.state.phase = Phase::Ended;
        taken
    }

    /// How many branches are not finished.
    pub(crate) fn live(&self) -> usize {
        if self.state.phase == Phase::Ended { 0 } else { self.state.live }
    }

    /// The parent of `future`, which the group is in and which is polled with `waker`.
    ///
    /// # Safety
    /// A poll of `future` with that waker is under way, and the group is in it for good.
    #[inline(always)]
    pub(crate) unsafe fn parent_of<F>(&mut self, future: *const F, waker: &Waker) -> Parent {
        if self.state.started != 0 || self.joiner.parent() != Parent::NONE {
            return self.joiner.parent();
        }
        // SAFETY: the `poll` of `future` calls this, with its own waker.
        unsafe { Parent::of_branch(waker, future) }
    }

    /// Polls branches by a `P`. Ready without a value when no branch is left. `kind` is the tag of the future that the
    /// group is in, and `parent` its parent.
    ///
    /// # Panics
    /// If the group has ended; and with the panic of a branch, when all others have been dropped.
    ///
    /// # Safety
    /// Invariant N holds for the future, if it has a parent, and for the group in it.
    #[inline(always)]
    pub(crate) unsafe fn poll<P: PollBranch<S> + Default>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        parent: Parent,
    ) -> Poll<Option<P::Break>> {
        /// # Safety
        /// `group` is a group that was deferred.
        unsafe fn run<S: Branches, P: PollBranch<S> + Default>(
            group: *mut (),
            cx: &mut Context<'_>,
            outermost: &Outermost,
        ) {
            // SAFETY: `Outermost::run_deferred` calls this with the pointer that was deferred, to a group that is
            // pinned, and that nobody else uses until then (invariant N).
            let group = unsafe { Pin::new_unchecked(&mut *group.cast::<BranchSet<S>>()) };
            group.run_deferred(cx, outermost, &mut P::default());
        }

        // SAFETY: the reference is turned into a pointer, by which `run` does not move the group.
        let at = ptr::from_mut(unsafe { self.as_mut().get_unchecked_mut() }).cast();
        // SAFETY: the future that the group is in polls it, and gives its own parent (invariant N). `at` is what `run`
        // asks for.
        unsafe { self.poll_by(cx, kind, parent, P::default(), at, run::<S, P>) }
    }

    /// [`BranchSet::poll`], with the function to run, and its argument, if the group is deferred.
    ///
    /// # Safety
    /// - Invariant N holds for the future that the group is in, if it has a parent.
    /// - `run` calls [`BranchSet::run_deferred`] of this group, which it finds by `at`.
    #[inline(always)]
    pub(crate) unsafe fn poll_by<P: PollBranch<S>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        parent: Parent,
        mut by: P,
        at: *mut (),
        run: RunDeferred,
    ) -> Poll<Option<P::Break>> {
        // SAFETY: the branches in the group are not moved here.
        let this = unsafe { self.get_unchecked_mut() };
        if parent == Parent::NONE {
            match this.state.phase {
                Phase::New => return this.poll_new(cx, kind, &mut by),
                Phase::Open => return this.poll_open(cx, &mut by),
                Phase::Any | Phase::Ended => {}
            }
        }
        // SAFETY: as for this function.
        unsafe { this.poll_any(cx, kind, parent, by, at, run) }
    }

    /// [`BranchSet::poll_by`] of a group that is not open, or has a parent.
    ///
    /// # Safety
    /// As for that.
    #[inline]
    unsafe fn poll_any<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        parent: Parent,
        mut by: P,
        at: *mut (),
        run: RunDeferred,
    ) -> Poll<Option<P::Break>> {
        let this = self;
        let own = Outermost::new();
        // SAFETY: if the future that the group is in has a parent, that is polling it (invariant N).
        let outermost = match unsafe { parent.outermost() } {
            None => &own,
            Some(outermost) => {
                if this.state.stage != Stage::Fresh
                    || outermost.depth.is_deep()
                    || !outermost.is_idle()
                {
                    // SAFETY: invariant N holds for the future that the group is in; `at` and `run` are those of this
                    // group.
                    let poll = unsafe {
                        this.poll_deferred(cx, kind, (parent, outermost), &mut by, at, run)
                    };
                    return poll;
                }
                if this.state.started == 0 {
                    this.joiner.starts_in(parent);
                }
                outermost
            }
        };
        let _level = outermost.depth.level();
        match this.turn(cx, kind, outermost, &mut by) {
            ControlFlow::Continue(poll) => poll,
            ControlFlow::Break(()) if ptr::eq(outermost, &raw const own) => {
                // SAFETY: this poll has made `own`, and its turn has ended: no branch is being polled.
                unsafe { this.run_all_deferred(cx, &own, &mut by) }
            }
            // The poll goes on when the deferred one has been polled.
            ControlFlow::Break(()) => {
                report(cx.waker(), kind);
                Poll::Pending
            }
        }
    }

    /// A poll of the branches. Breaks if one in a branch was deferred.
    #[inline(always)]
    fn turn<P: PollBranch<S>>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static FutureTag,
        outermost: &Outermost,
        by: &mut P,
    ) -> ControlFlow<(), Poll<Option<P::Break>>> {
        assert!(self.state.phase != Phase::Ended, "{POLLED_AGAIN}");
        let guard = EndOnUnwind(self);
        let this = &mut *guard.0;
        this.joiner.polled_by(outermost);
        // SAFETY: the branches are pinned as the group is (invariant A).
        let mut branches = unsafe { Pin::new_unchecked(&mut **this.branches.get_mut()) };
        // SAFETY: the branches are live, since the group has not ended; nothing is moved.
        let count = unsafe { S::count(ptr::from_mut(branches.as_mut().get_unchecked_mut())) };
        let (state, kinds) = (&mut this.state, &mut this.kinds);
        let joiner = &raw const this.joiner;
        let is_first = state.started == 0;
        let outcome = if is_first {
            // Nobody has a waker yet: no branch was woken.
            Run { state, kinds, joiner, outermost, count, cx, by }.start_rest(branches)
        } else if state.sole {
            Run { state, kinds, joiner, outermost, count, cx, by }.poll_sole(branches)
        } else {
            state.wakes.begin(count, cx.waker());
            let outcome = if state.started < count {
                // One has ended an earlier poll before these had their turn.
                let run = Run { state, kinds, joiner, outermost, count, cx, by };
                run.start_rest(branches.as_mut())
            } else {
                ControlFlow::Continue(())
            };
            Run { state, kinds, joiner, outermost, count, cx, by }.resume(branches, outcome)
        };
        let state = &mut this.state;
        if is_first {
            state.phase = Phase::Any;
        }
        let poll = match outcome {
            ControlFlow::Break(Some(value)) => Poll::Ready(Some(value)),
            ControlFlow::Continue(()) if state.live == 0 => Poll::Ready(None),
            ControlFlow::Break(None) => {
                state.phase = Phase::Any;
                mem::forget(guard);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(()) => {
                state.wakes.end(count, cx.waker());
                if state.started == count && !state.sole && state.stage == Stage::Fresh {
                    state.phase = Phase::Open;
                }
                if is_first {
                    report(cx.waker(), kind);
                }
                Poll::Pending
            }
        };
        mem::forget(guard);
        ControlFlow::Continue(poll)
    }

    /// Drops the branches that are left, in their order.
    #[inline(always)]
    pub(crate) fn end(self: Pin<&mut Self>) {
        // SAFETY: `drop_branches` does not move the branches, but drops them in place.
        unsafe { self.get_unchecked_mut().drop_branches() }
    }
}

impl<S: Branches> BranchSet<S> {
    /// Shows the branches that were started and are not finished.
    ///
    /// # Safety
    /// As for [`BranchingPoint::look`](crate::concurrent::frame::BranchingPoint::look).
    pub(crate) unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: the walk of the chains, which calls this, leads to a group that nobody polls. Its branches are live
        // until it has ended, and no reference to them is formed here (invariant A).
        unsafe {
            if (*this).state.phase != Phase::Ended {
                let branches = UnsafeCell::raw_get(&raw const (*this).branches).cast::<S>();
                S::look(branches, &(*this).kinds, (*this).state.started, look);
            }
        }
    }

    /// Whether the group lies in so many others that their drops must not nest.
    ///
    /// # Safety
    /// `this` is valid.
    pub(crate) unsafe fn is_deep(this: *const Self) -> bool {
        // SAFETY: the `Select` that asks has the group in itself.
        unsafe { (*this).joiner.is_deep() }
    }

    /// Drops branches in their order, up to the first one with frames. Gives the driver of these, or null: the drop of
    /// the group drops what is left, which nests only as deep as it may.
    ///
    /// # Safety
    /// The group is valid and pinned, nobody polls it, and it will be dropped.
    #[inline]
    pub(crate) unsafe fn drop_to_frames(this: *mut Self) -> *const Driver {
        // SAFETY: the owner of the future that the group is in drops it: it is valid, and nobody polls it (invariant
        // A).
        unsafe { if (*this).joiner.has_deep() { Self::drop_deep(this) } else { ptr::null() } }
    }

    /// [`BranchSet::drop_to_frames`] where drops would nest too deep.
    ///
    /// # Safety
    /// As for that.
    #[cold]
    #[inline(never)]
    unsafe fn drop_deep(this: *mut Self) -> *const Driver {
        // SAFETY: the owner of the future that the group is in drops it: it is valid, and nobody polls it (invariant
        // A).
        if unsafe { (*this).state.phase == Phase::Ended } {
            return ptr::null();
        }
        // SAFETY: the group is valid, as its owner has it; no reference to the branches is formed.
        let branches = unsafe { UnsafeCell::raw_get(&raw const (*this).branches) }.cast::<S>();
        // SAFETY: the group has not ended, so its branches are there.
        let count = unsafe { S::count(branches) };
        loop {
            // SAFETY: the group is valid; nobody else writes its stage meanwhile (invariant A).
            let index = match unsafe { (*this).state.stage } {
                Stage::Drops(index) => index as usize,
                _ => 0,
            };
            if index == count {
                return ptr::null();
            }
            // SAFETY: the branch is pinned, nobody polls it (invariant A), and it is dropped next.
            let driver = unsafe { S::frames(branches, &(*this).kinds, index) };
            if !driver.is_null() {
                return driver;
            }
            // SAFETY: the branches are pinned as the group is (invariant A). The stage is written first, so that the
            // branch is dropped once, even if its drop panics.
            unsafe {
                (*this).state.stage = Stage::Drops(index as u32 + 1);
                Pin::new_unchecked(&mut *branches).drop_one(index);
            }
        }
    }

    #[inline(always)]
    fn drop_branches(&mut self) {
        if mem::replace(&mut self.state.phase, Phase::Ended) != Phase::Ended {
            // SAFETY: it had not ended, so they were not dropped before. Nobody uses them any more: `poll` and
            // `branches` ask for the phase, and outputs are taken before the group ends.
            unsafe { ManuallyDrop::drop(self.branches.get_mut()) }
        }
    }
}

impl<S: Branches> Drop for BranchSet<S> {
    #[inline]
    fn drop(&mut self) {
        self.drop_branches();
    }
}

/// Drops the siblings of a branch that panics, before the panic leaves the group's poll.
struct EndOnUnwind<'a, S: Branches>(&'a mut BranchSet<S>);

impl<S: Branches> Drop for EndOnUnwind<'_, S> {
    fn drop(&mut self) {
        self.0.drop_branches();
    }
}
