//! [`race`] and [`select`]: the first of several branches, and the one after it.

use alloc::collections::VecDeque;
use core::convert::Infallible;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::marker::{PhantomData, PhantomPinned};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::chain::driver::Driver;
use crate::chain::header::BranchVisitor;
use crate::chain::outermost::{Outermost, Parent};
use crate::concurrent::branch::{Branch, Concurrent, UniformBranches};
use crate::concurrent::engine::{BranchSet, PollBranch};
use crate::concurrent::frame::{BranchingPoint, FutureTag, branching_point, report};

/// Runs `branches` side by side until the first one finishes; evaluates to its output.
///
/// The losers are dropped before the future is ready, in the order of their positions, each innermost frame first.
/// Branches that were not polled yet, since one before them was ready at once, are dropped unstarted. If several were
/// woken before the same poll, the one that is resumed first wins. [`join`](crate::join()) says in which order branches
/// are resumed, and what else holds here too.
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::race;
/// use std::future::{pending, ready};
///
/// assert_eq!(race((pending(), ready(1))).await, 1);
/// assert_eq!(race([ready(1), ready(2)]).await, 1);
/// # });
/// ```
///
/// A race gives its losers up. To keep them, use [`select`], or [`scope`](crate::scope()) and race the handles of the
/// children.
///
/// # Panics
///
/// If there is no branch. The future panics as [`join`](crate::join())'s does.
#[inline]
pub fn race<C>(branches: C) -> Race<C::Branches>
where
    C: Concurrent<Branches: UniformBranches>,
{
    let group = BranchSet::new(branches.into_branches());
    assert!(group.live() > 0, "a race without branches has no winner");
    Race { group }
}

/// Runs `branches` side by side, and hands their outputs out as they come: it keeps the losers of each round.
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::select;
/// use std::future::ready;
/// use std::pin::pin;
///
/// let mut both = pin!(select([ready('a'), ready('b')]));
/// assert_eq!(both.as_mut().next().await, Some((0, 'a')));
/// assert_eq!(both.as_mut().next().await, Some((1, 'b')));
/// assert_eq!(both.as_mut().next().await, None);
/// # });
/// ```
///
/// # Branches that nobody awaits
///
/// Branches run while [`next`](Select::next) or [`during`](Select::during) is awaited. While the caller awaits anything
/// else they stand still, even if they were woken. That can be a deadlock: one of them may hold a lock that the caller
/// waits for, or be the next in the queue for it. So await by `during` what you await between two rounds; or use a
/// [`scope`](crate::scope()), whose children run whatever the body awaits.
///
/// ```
/// # futures::executor::block_on(async {
/// # use cps_core::select;
/// # use std::pin::pin;
/// # async fn step(n: u32) -> u32 { n }
/// # async fn report(n: u32) {}
/// let mut steps = pin!(select([step(1), step(2)]));
/// while let Some((_, n)) = steps.as_mut().next().await {
///     steps.as_mut().during(report(n)).await;
/// }
/// # });
/// ```
///
/// # Panics
///
/// The futures panic as [`join`](crate::join())'s does.
///
/// # Cancellation
///
/// A `next` or `during` that is dropped loses no output: the next `next` hands out what has finished. Dropping the
/// `Select` drops its branches in their order. (If many branching points lie one in another, and a coroutine deep
/// within is dropped while it awaits a `next`, the branches are dropped before the coroutine's other locals.)
#[inline]
pub fn select<C>(branches: C) -> Select<C::Branches>
where
    C: Concurrent<Branches: UniformBranches>,
{
    Select { group: BranchSet::new(branches.into_branches()), finished: VecDeque::new() }
}

/// The future of [`race`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Race<S: UniformBranches> {
    group: BranchSet<S>,
}

/// The first branch that finishes ends the poll.
#[derive(Default)]
struct First;

impl<S: UniformBranches> PollBranch<S> for First {
    type Break = (usize, S::Output);

    #[inline(always)]
    fn poll(
        &mut self,
        branches: Pin<&mut S>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<(usize, S::Output)>> {
        branches.poll_one(index, cx).map(|output| ControlFlow::Break((index, output)))
    }

    fn ends(&mut self, _: Pin<&mut S>, _: usize) -> bool {
        true
    }

    fn take(&mut self, branches: Pin<&mut S>, index: usize) -> (usize, S::Output) {
        (index, branches.take_one(index))
    }
}

/// Keeps all outputs, and notes the numbers of their branches.
struct Keep<'a>(&'a mut VecDeque<usize>);

impl<S: UniformBranches> PollBranch<S> for Keep<'_> {
    type Break = Infallible;

    #[inline(always)]
    fn poll(
        &mut self,
        branches: Pin<&mut S>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<Infallible>> {
        branches.resume(index, cx).map(|()| {
            self.0.push_back(index);
            ControlFlow::Continue(())
        })
    }

    fn ends(&mut self, _: Pin<&mut S>, index: usize) -> bool {
        self.0.push_back(index);
        false
    }

    fn take(&mut self, _: Pin<&mut S>, _: usize) -> Infallible {
        unreachable!("no branch ends the poll")
    }
}

branching_point! { (S: UniformBranches) Race<S> => S::Output, by First, of S }

impl<S: UniformBranches> Race<S> {
    #[inline(always)]
    fn output(_: Pin<&mut BranchSet<S>>, first: Option<(usize, S::Output)>) -> S::Output {
        first.expect("the poll in which a branch finishes is the last").1
    }
}

/// Branches whose outputs are handed out as they come. Made by [`select`].
pub struct Select<S: UniformBranches> {
    group: BranchSet<S>,
    /// Branches that have finished in a `during`, and keep their outputs, in that order.
    finished: VecDeque<usize>,
}

impl<S: UniformBranches> Select<S> {
    /// Waits for the next branch to finish: its position and its output, or `None` when all were
    /// handed out.
    pub fn next(self: Pin<&mut Self>) -> Next<'_, S> {
        Next { select: self }
    }

    /// Awaits `other` while the branches run side by side with it; evaluates to its output.
    pub fn during<F: IntoFuture>(self: Pin<&mut Self>, other: F) -> During<'_, S, F::IntoFuture> {
        During {
            race: race((
                other,
                Running {
                    select: self,
                    parent: Parent::NONE,
                    _pinned: PhantomPinned,
                    _output: PhantomData,
                },
            )),
        }
    }

    /// How many branches' outputs are yet to be handed out.
    pub fn len(&self) -> usize {
        self.group.live() + self.finished.len()
    }

    /// Whether all outputs were handed out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Polls for the next output: [`next`](Select::next) is a future of this.
    pub fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, S::Output)>> {
        // SAFETY: without a parent it is an outermost one, of which nothing is asked (invariant N).
        unsafe { self.poll_next_in(Parent::NONE, cx) }
    }

    /// [`Select::poll_next`] of a [`Next`] with that parent.
    ///
    /// # Safety
    /// As for [`BranchSet::poll`].
    unsafe fn poll_next_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, S::Output)>> {
        let (group, finished) = self.parts();
        if let Some(index) = finished.pop_front() {
            return Poll::Ready(Some((index, group.branches().take_one(index))));
        }
        group.has_parent(parent);
        // SAFETY: a `Next`, which borrows the `Select` exclusively, polls it, and gives its own parent (invariant N).
        unsafe { group.poll::<First>(cx, Next::<S>::KIND, parent) }
    }

    /// Runs the branches, and keeps their outputs.
    ///
    /// # Safety
    /// As for [`BranchSet::poll`], of a [`Running`].
    unsafe fn run<T>(mut self: Pin<&mut Self>, parent: Parent, cx: &mut Context<'_>) {
        /// # Safety
        /// `select` is a `Select` that was deferred.
        unsafe fn run_deferred<S: UniformBranches>(
            select: *mut (),
            cx: &mut Context<'_>,
            outermost: &Outermost,
        ) {
            // SAFETY: `Outermost::run_deferred` calls this with the pointer that was deferred, to a `Select` that is
            // pinned, and that nobody else uses until then (invariant N).
            let select = unsafe { Pin::new_unchecked(&mut *select.cast::<Select<S>>()) };
            let (group, finished) = select.parts();
            group.run_deferred(cx, outermost, &mut Keep(finished));
        }

        // SAFETY: the reference is turned into a pointer, by which `run_deferred` does not move the `Select`.
        let at = ptr::from_mut(unsafe { self.as_mut().get_unchecked_mut() });
        let (group, finished) = self.parts();
        let (keep, kind) = (Keep(finished), Running::<S, T>::KIND);
        group.has_parent(parent);
        // SAFETY: a `Running`, which borrows the `Select` exclusively, polls it, and gives its own parent (invariant
        // N). `at` is what `run_deferred` asks for.
        let _ = unsafe { group.poll_by(cx, kind, parent, keep, at.cast(), run_deferred::<S>) };
    }

    /// The branches belong to the body that has the `Select`, and are dropped with its locals. But if that drop would
    /// be nested too deep, they are dropped now, with the future that awaits them.
    ///
    /// # Safety
    /// The body will be dropped, with the `Select`, and nobody polls it.
    unsafe fn drop_if_deep(self: Pin<&mut Self>) -> *const Driver {
        // SAFETY: the group is not moved here.
        let group = &raw mut unsafe { self.get_unchecked_mut() }.group;
        // SAFETY: the group is in the `Select`, which is borrowed exclusively and pinned. `Next` or `Running`, which
        // calls this, is dropped with the body that has the `Select`: nobody polls the branches (invariant A).
        unsafe {
            if BranchSet::is_deep(group) { BranchSet::drop_to_frames(group) } else { ptr::null() }
        }
    }

    fn parts(self: Pin<&mut Self>) -> (Pin<&mut BranchSet<S>>, &mut VecDeque<usize>) {
        // SAFETY: the group is pinned as this is (invariant A); the queue is not pinned.
        unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.group), &mut this.finished)
        }
    }
}

/// The future of [`Select::next`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Next<'a, S: UniformBranches> {
    select: Pin<&'a mut Select<S>>,
}

branching_point! { ('a, S: UniformBranches) Next<'a, S> }

impl<S: UniformBranches> BranchingPoint for Next<'_, S> {
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: the walk of the chains, which calls this, leads to a future that nobody polls, and which borrows the
        // `Select` (invariant A).
        unsafe {
            let select: &Select<S> = &(*this).select;
            BranchSet::look(&raw const select.group, look);
        }
    }

    #[inline]
    unsafe fn poll_in(
        mut self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, S::Output)>> {
        // SAFETY: this borrows the `Select` exclusively. The chain in whose leaf this is, or the future that holds
        // this, gives its own parent (invariant N).
        unsafe { self.select.as_mut().poll_next_in(parent, cx) }
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: the owner of this future calls this when it drops it, and nobody polls it (invariant A). The body
        // that has the `Select` is dropped with it.
        unsafe { Select::drop_if_deep((*this).select.as_mut()) }
    }
}

impl<S: UniformBranches> Future for Next<'_, S> {
    type Output = Option<(usize, S::Output)>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.select.as_mut().poll_next(cx)
    }
}

/// The future of [`Select::during`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct During<'a, S: UniformBranches, F: Future> {
    race: Race<Beside<'a, S, F>>,
}

type Beside<'a, S, F> = (Branch<F>, Branch<Running<'a, S, <F as Future>::Output>>);

branching_point! { ('a, S: UniformBranches, F: Future) During<'a, S, F> }

impl<S: UniformBranches, F: Future> BranchingPoint for During<'_, S, F> {
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: the walk of the chains, which calls this, leads to a future that nobody polls, in which the race is
        // (invariant A).
        unsafe { Race::look(&raw const (*this).race, look) }
    }

    #[inline]
    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        // SAFETY: the race is pinned as this is. The chain in whose leaf this is gives its own parent (invariant N).
        unsafe { self.map_unchecked_mut(|this| &mut this.race).poll_in(parent, cx) }
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: the owner of this future calls this when it drops it, and nobody polls it (invariant A).
        unsafe { Race::drop_branches(&raw mut (*this).race) }
    }
}

impl<S: UniformBranches, F: Future> Future for During<'_, S, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the race is pinned as this is, and is not moved here.
        let this = unsafe { self.get_unchecked_mut() };
        let future = ptr::from_ref(this);
        // SAFETY: the race's group is in this future for good, which is polled with that waker.
        let parent = unsafe { this.race.group.parent_of(future, cx.waker()) };
        // SAFETY: the race is pinned as this is. If there is a parent, this is the future in one of its branches
        // (invariant N), as `Parent::of_branch` has found.
        unsafe { Pin::new_unchecked(&mut this.race).poll_in(parent, cx) }
    }
}

/// Runs a [`Select`], and never finishes.
struct Running<'a, S: UniformBranches, T> {
    select: Pin<&'a mut Select<S>>,
    parent: Parent,
    /// A deferred poll reaches the `Select` through this: so it must not be moved.
    _pinned: PhantomPinned,
    _output: PhantomData<fn() -> T>,
}

impl<S: UniformBranches, T> Running<'_, S, T> {
    const KIND: &'static FutureTag = &FutureTag::of_branching_point::<Self>();
}

impl<S: UniformBranches, T> BranchingPoint for Running<'_, S, T> {
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: the walk of the chains, which calls this, leads to a future that nobody polls, and which borrows the
        // `Select` (invariant A).
        unsafe {
            let select: &Select<S> = &(*this).select;
            BranchSet::look(&raw const select.group, look);
        }
    }

    unsafe fn poll_in(self: Pin<&mut Self>, parent: Parent, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: a pinned reference to the `Select` is used, and not moved.
        let select = unsafe { self.get_unchecked_mut() }.select.as_mut();
        // SAFETY: this borrows the `Select` exclusively, and `poll` gives this future's parent (invariant N).
        unsafe { select.run::<T>(parent, cx) };
        report(cx.waker(), Self::KIND);
        Poll::Pending
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: the owner of this future calls this when it drops it, and nobody polls it (invariant A). The body
        // that has the `Select` is dropped with it.
        unsafe { Select::drop_if_deep((*this).select.as_mut()) }
    }
}

impl<S: UniformBranches, T> Future for Running<'_, S, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: this is not moved here.
        let this = unsafe { self.get_unchecked_mut() };
        if this.parent == Parent::NONE {
            // SAFETY: this is the future that is polled with that waker.
            this.parent = unsafe { Parent::of_branch(cx.waker(), ptr::from_ref(this)) };
        }
        let parent = this.parent;
        // SAFETY: this is pinned. If there is a parent, this is the future in one of its branches (invariant N), as
        // `Parent::of_branch` has found.
        unsafe { Pin::new_unchecked(this).poll_in(parent, cx) }
    }
}

impl<S: UniformBranches> fmt::Debug for Race<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").field("unfinished", &self.group.live()).finish()
    }
}

impl<S: UniformBranches> fmt::Debug for Select<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Select");
        debug.field("unfinished", &self.group.live()).field("finished", &self.finished).finish()
    }
}

impl<S: UniformBranches> fmt::Debug for Next<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(&*self.select).finish()
    }
}

impl<S: UniformBranches, F: Future> fmt::Debug for During<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("During")
    }
}
