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
/// The losers are dropped before the future is ready, in the order of their positions, each innermost
/// frame first. Branches that were not polled yet, since one before them was ready at once, are dropped
/// unstarted. Of branches that are woken before the same poll the one that is resumed first
/// wins: see [`join`](crate::join()) for that order, and for all else that holds here too.
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
/// A race gives its losers up. Where they are to live on, use [`select`], or
/// [`scope`](crate::scope()) and race the handles of the children.
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

/// Runs `branches` side by side, and hands their outputs out as they come: the losers of each round are
/// kept.
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
/// Branches run while [`next`](Select::next) is awaited, and while [`during`](Select::during) is. While the
/// caller awaits anything else they stand still, also if they were woken: one of them may hold a lock, or be
/// the next in the queue for one, that the caller waits for. So what is awaited between two rounds belongs
/// into `during`; or all of it into a [`scope`](crate::scope()), whose children run whatever is awaited.
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
/// A `next` or `during` that is dropped loses no output: what has finished is handed out by the next `next`. Dropping
/// the `Select` drops its branches in their order. (Where many are nested one in another, and a coroutine is dropped
/// that awaits one of the inner ones, its branches are dropped before the coroutine's other locals.)
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

/// Keeps all outputs, and notes whose they are.
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

branching_point! { (S: UniformBranches) Race<S> => S::Output, by group }

impl<S: UniformBranches> Race<S> {
    /// # Safety
    /// As for [`BranchSet::poll`].
    #[inline(always)]
    unsafe fn poll_group(
        mut group: Pin<&mut BranchSet<S>>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<S::Output> {
        // SAFETY: passed on.
        unsafe { group.as_mut().poll::<First>(cx, Self::KIND, parent) }.map(|first| {
            group.end();
            first.expect("the poll in which a branch finishes is the last").1
        })
    }
}

/// Branches whose outputs are handed out as they come. Made by [`select`].
pub struct Select<S: UniformBranches> {
    group: BranchSet<S>,
    /// Branches that have finished during something else, with their outputs, in that order.
    finished: VecDeque<usize>,
}

impl<S: UniformBranches> Select<S> {
    /// Waits for the next branch to finish: its position and its output, or `None` when all were
    /// handed out.
    pub fn next(self: Pin<&mut Self>) -> Next<'_, S> {
        Next { select: self }
    }

    /// Awaits `other`, with the branches running side by side to it; evaluates to its output.
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

    /// What [`next`](Select::next) polls.
    pub fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, S::Output)>> {
        // SAFETY: it has no parent.
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
        // SAFETY: passed on.
        unsafe { group.poll::<First>(cx, Next::<S>::KIND, parent) }
    }

    /// Runs the branches, and keeps what they evaluate to.
    ///
    /// # Safety
    /// As for [`BranchSet::poll`], of a [`Running`].
    unsafe fn run<T>(mut self: Pin<&mut Self>, parent: Parent, cx: &mut Context<'_>) {
        /// # Safety
        /// `select` is one that was deferred.
        unsafe fn run_deferred<S: UniformBranches>(
            select: *mut (),
            cx: &mut Context<'_>,
            outermost: &Outermost,
        ) {
            // SAFETY: contract of `Outermost::defer`.
            let select = unsafe { Pin::new_unchecked(&mut *select.cast::<Select<S>>()) };
            let (group, finished) = select.parts();
            group.run_deferred(cx, outermost, &mut Keep(finished));
        }

        // SAFETY: nothing is moved.
        let at = ptr::from_mut(unsafe { self.as_mut().get_unchecked_mut() });
        let (group, finished) = self.parts();
        let (keep, kind) = (Keep(finished), Running::<S, T>::KIND);
        // SAFETY: passed on.
        let _ = unsafe { group.poll_by(cx, kind, parent, keep, at.cast(), run_deferred::<S>) };
    }

    /// The branches belong to the body that has the `Select`, and are dropped with its locals. But where that would be
    /// a drop within a drop within a drop they are dropped now, with what awaits them.
    ///
    /// # Safety
    /// The body will be dropped, with the `Select`.
    unsafe fn drop_if_deep(self: Pin<&mut Self>) -> *const Driver {
        // SAFETY: nothing is moved; by contract.
        unsafe {
            let group = &raw mut self.get_unchecked_mut().group;
            if BranchSet::is_deep(group) { BranchSet::drop_to_frames(group) } else { ptr::null() }
        }
    }

    fn parts(self: Pin<&mut Self>) -> (Pin<&mut BranchSet<S>>, &mut VecDeque<usize>) {
        // SAFETY: the group is pinned as this is; the queue is not.
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
        // SAFETY: passed on.
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
        // SAFETY: passed on; the `Select` is borrowed by this.
        unsafe { self.select.as_mut().poll_next_in(parent, cx) }
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: passed on.
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
        // SAFETY: passed on.
        unsafe { Race::look(&raw const (*this).race, look) }
    }

    #[inline]
    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        // SAFETY: the race is pinned as this is; the rest is passed on.
        unsafe { self.map_unchecked_mut(|this| &mut this.race).poll_in(parent, cx) }
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: passed on.
        unsafe { Race::drop_branches(&raw mut (*this).race) }
    }
}

impl<S: UniformBranches, F: Future> Future for During<'_, S, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: as in the macro `branching_point`: the race, and its group, are in this future for good.
        unsafe {
            let this = self.get_unchecked_mut();
            let future = ptr::from_ref(this);
            let parent = this.race.group.parent_of(future, cx.waker());
            Pin::new_unchecked(&mut this.race).poll_in(parent, cx)
        }
    }
}

/// Runs a [`Select`], and never finishes.
struct Running<'a, S: UniformBranches, T> {
    select: Pin<&'a mut Select<S>>,
    parent: Parent,
    /// What runs is pinned by it.
    _pinned: PhantomPinned,
    _output: PhantomData<fn() -> T>,
}

impl<S: UniformBranches, T> Running<'_, S, T> {
    const KIND: &'static FutureTag = &FutureTag::of_branching_point::<Self>();
}

impl<S: UniformBranches, T> BranchingPoint for Running<'_, S, T> {
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: passed on.
        unsafe {
            let select: &Select<S> = &(*this).select;
            BranchSet::look(&raw const select.group, look);
        }
    }

    unsafe fn poll_in(self: Pin<&mut Self>, parent: Parent, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: passed on; the `Select` is borrowed by this.
        unsafe {
            self.get_unchecked_mut().select.as_mut().run::<T>(parent, cx);
        }
        report(cx.waker(), Self::KIND);
        Poll::Pending
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: passed on.
        unsafe { Select::drop_if_deep((*this).select.as_mut()) }
    }
}

impl<S: UniformBranches, T> Future for Running<'_, S, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: nothing is moved; as in the macro `branching_point`.
        unsafe {
            let this = self.get_unchecked_mut();
            if this.parent == Parent::NONE {
                this.parent = Parent::of_branch(cx.waker(), ptr::from_ref(this));
            }
            let parent = this.parent;
            Pin::new_unchecked(this).poll_in(parent, cx)
        }
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
