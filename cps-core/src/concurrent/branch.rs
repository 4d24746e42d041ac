//! The branches of a branching point, in the memory of the future that joins them.
//!
//! A user hands over a [`Concurrent`]: a tuple, an array or a `Vec` of things that can be awaited. It turns into
//! [`Branches`]: as many [`Branch`]es, in place (a `Vec`'s in one box). So a coroutine becomes a chain of its own, a
//! [`Root`](crate::Root), whose leaf a wake-up of the branch resumes directly.

use core::fmt;
use core::future::Future;
use core::hint::{assert_unchecked, unreachable_unchecked};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::chain::driver::Driver;
use crate::chain::header::{BranchContent, BranchVisitor};
use crate::chain::outermost::{Joiner, Parent};
use crate::concurrent::frame::{FutureTag, TagOf};
use crate::wake_set::BranchAt;

/// One branch: its future, then its output, then nothing.
pub enum Branch<F: Future> {
    /// Not finished. Pinned from the first poll on.
    Running(F),
    /// Finished; kept until the others are.
    Done(F::Output),
    /// Its output was given away.
    Gone,
}

impl<F: Future> Branch<F> {
    /// Polls a running branch. Any other branch is pending, since a wake-up may come late.
    #[inline(always)]
    fn poll_running(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future in the branch is not moved out of it here.
        match unsafe { self.get_unchecked_mut() } {
            // SAFETY: the future is pinned as the branch is, which drops it in place (invariant A).
            Branch::Running(future) => unsafe { Pin::new_unchecked(future) }.poll(cx),
            _ => Poll::Pending,
        }
    }

    /// Shows the future in a branch that is not finished.
    ///
    /// # Safety
    /// As for [`BranchingPoint::look`](crate::concurrent::frame::BranchingPoint::look).
    pub(crate) unsafe fn look(
        this: *const Self,
        kind: TagOf,
        number: usize,
        look: &mut BranchVisitor<'_>,
    ) {
        // SAFETY: the branching point that shows its branches leads to this one, and nobody polls it (invariant A).
        if unsafe { !matches!(*this, Branch::Running(_)) } {
            return;
        }
        match kind {
            // SAFETY: the tag is the one of the future in this branch (invariant A): a future of this crate, which
            // keeps what it lends out in cells, so that a reference to it may be made.
            Some(kind) if kind.is_of::<F>() => unsafe {
                let Branch::Running(ref future) = *this else { return };
                kind.show(ptr::from_ref(future).cast(), number, look);
            },
            _ => (look.0)(number, BranchContent::Future),
        }
    }

    /// What a branch's first waker tells; nothing of one that was dropped.
    ///
    /// # Safety
    /// The branch is valid, and was not polled; the rest is as for [`Parent::branch_at`].
    #[inline(always)]
    pub(crate) unsafe fn branch_at(this: *const Self, joiner: *const Joiner) -> Option<BranchAt> {
        // SAFETY: the branching point that starts this branch leads to it (invariant A). The future was not polled, and
        // so has lent nothing out yet.
        match unsafe { &*this } {
            Branch::Running(future) => Some(Parent::branch_at(ptr::from_ref(future), joiner)),
            _ => None,
        }
    }

    /// The driver of the first frames that a drop of the branch would drop, or null. If the branch is a branching point
    /// itself, those of its own branches that come before these frames are dropped.
    ///
    /// # Safety
    /// The branch is valid, pinned, and nobody polls it; it will be dropped.
    pub(crate) unsafe fn frames(this: *mut Self, kind: TagOf) -> *const Driver {
        // SAFETY: the branching point that drops this branch leads to it, and nobody polls it (invariant A).
        match (unsafe { &mut *this }, kind) {
            (Branch::Running(future), Some(kind)) if kind.is_of::<F>() => {
                // SAFETY: the tag is the one of this future (invariant A), which the branching point drops next.
                unsafe { kind.frames(ptr::from_mut(future).cast()) }
            }
            _ => ptr::null(),
        }
    }

    /// Polls a running branch; drops its future when it is ready, and gives the output away.
    #[inline(always)]
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let poll = self.as_mut().poll_running(cx);
        if poll.is_ready() {
            self.set(Branch::Gone);
        }
        poll
    }

    /// As [`Branch::poll`], but keeps the output here.
    #[inline(always)]
    pub(crate) fn resume(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.as_mut().poll_running(cx).map(|output| {
            // SAFETY: `poll_running` has polled the future that is here, and still is: the branch was borrowed
            // exclusively.
            unsafe { assert_unchecked(matches!(*self, Branch::Running(_))) };
            self.set(Branch::Done(output));
        })
    }

    /// Gives the output of a finished branch away, and leaves the branch as it is.
    ///
    /// # Safety
    /// [`Branch::resume`] has finished it, and it is neither used again nor dropped.
    #[inline(always)]
    pub(crate) unsafe fn take_last(self: Pin<&mut Self>) -> F::Output {
        // SAFETY: an output is moved out, not the pinned future. It is there, and is moved out once, as the branching
        // point that has finished all its branches says.
        unsafe {
            match self.get_unchecked_mut() {
                Branch::Done(output) => ptr::read(output),
                _ => unreachable_unchecked(),
            }
        }
    }

    /// Gives the output of a finished branch away.
    ///
    /// # Panics
    /// If it is not finished.
    #[inline(always)]
    pub(crate) fn take(self: Pin<&mut Self>) -> F::Output {
        // (`mem::replace` would move the whole branch, which may be large.)
        // SAFETY: an output is moved out, not the pinned future, and `Gone` takes its place at once: it is taken once.
        unsafe {
            let this = self.get_unchecked_mut();
            let Branch::Done(output) = this else {
                panic!("a branch that is not finished was taken")
            };
            let output = ptr::read(output);
            ptr::write(this, Branch::Gone);
            output
        }
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Branch<F> {
    /// As [`Branch::resume`], but an error is given away.
    #[inline(always)]
    pub(crate) fn try_resume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), E>> {
        self.as_mut().poll(cx).map_ok(|value| self.set(Branch::Done(Ok(value))))
    }

    /// Whether it has finished with an error.
    pub(crate) fn has_failed(self: Pin<&mut Self>) -> bool {
        matches!(*self, Branch::Done(Err(_)))
    }

    /// Gives that error away.
    pub(crate) fn take_err(self: Pin<&mut Self>) -> E {
        match self.take() {
            Err(error) => error,
            Ok(_) => unreachable!("it has failed"),
        }
    }

    /// Gives the value of a branch away that has finished without an error.
    #[inline(always)]
    pub(crate) fn take_ok(self: Pin<&mut Self>) -> T {
        match self.take() {
            Ok(value) => value,
            Err(_) => unreachable!("errors are not kept"),
        }
    }
}

/// Branches in order, numbered from 0.
pub trait Branches: sealed::Sealed {
    /// The outputs of all of them, in their order.
    type Outputs;

    /// The tags of their futures: one for each branch, or one for all.
    #[doc(hidden)]
    type Kinds: Kinds;

    /// How many there are. (By a pointer: a reference to all of them would be a read of all of them, also of memory
    /// that a suspended branch has lent to itself exclusively.)
    ///
    /// # Safety
    /// `this` is valid.
    #[doc(hidden)]
    unsafe fn count(this: *const Self) -> usize;

    /// Calls `step` with the numbers from `first` on, in order, until it breaks.
    #[doc(hidden)]
    fn each<S: EachBranch<Self>>(
        self: Pin<&mut Self>,
        first: usize,
        step: &mut S,
    ) -> ControlFlow<S::Break>
    where
        Self: Sized;

    /// Polls one, and keeps its output; ready just once.
    #[doc(hidden)]
    fn resume(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops one: its future or its output.
    #[doc(hidden)]
    fn drop_one(self: Pin<&mut Self>, index: usize);

    /// What the first waker of one tells; nothing if it was dropped.
    ///
    /// # Safety
    /// `this` is valid, and that branch was not polled; the rest is as for [`Parent::branch_at`].
    #[doc(hidden)]
    unsafe fn branch_at(this: *const Self, index: usize, joiner: *const Joiner)
    -> Option<BranchAt>;

    /// The driver of the first frames that a drop of one would drop, or null.
    ///
    /// # Safety
    /// As for [`Branch::frames`].
    #[doc(hidden)]
    unsafe fn frames(this: *mut Self, kinds: &Self::Kinds, index: usize) -> *const Driver;

    /// Takes the outputs.
    ///
    /// # Safety
    /// [`Branches::resume`] has finished all of them, and they are neither used again nor dropped.
    #[doc(hidden)]
    unsafe fn outputs(self: Pin<&mut Self>) -> Self::Outputs;

    /// Shows the ones before number `end` that are not finished.
    ///
    /// # Safety
    /// As for [`BranchingPoint::look`](crate::concurrent::frame::BranchingPoint::look).
    #[doc(hidden)]
    unsafe fn look(
        this: *const Self,
        kinds: &Self::Kinds,
        end: usize,
        look: &mut BranchVisitor<'_>,
    );
}

/// A step for each of several branches. A trait, since a closure cannot be forced inline: the step is inlined once for
/// each branch of a tuple, so that the number is a constant.
pub trait EachBranch<S> {
    /// The value that ends the steps.
    type Break;

    #[doc(hidden)]
    fn step(&mut self, branches: Pin<&mut S>, index: usize) -> ControlFlow<Self::Break>;
}

/// The tags of branches: an array.
#[allow(unreachable_pub, reason = "a public trait names it, which rustc 1.85 does not see")]
pub trait Kinds: fmt::Debug {
    #[doc(hidden)]
    const NONE: Self;

    /// Notes the tag that the future in a branch has reported.
    #[doc(hidden)]
    fn note(&mut self, index: usize, kind: &'static FutureTag);
}

impl<const N: usize> Kinds for [TagOf; N] {
    const NONE: Self = [None; N];

    #[inline(always)]
    fn note(&mut self, index: usize, kind: &'static FutureTag) {
        self[index.min(N - 1)] = Some(kind);
    }
}

/// Branches that all evaluate to a [`Result`] with one type of error.
pub trait TryBranches: Branches {
    /// The error of the one that fails.
    type Error;
    /// The values of all of them if none fails.
    type Values;

    #[doc(hidden)]
    fn try_resume(
        self: Pin<&mut Self>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Self::Error>>;

    #[doc(hidden)]
    fn values(self: Pin<&mut Self>) -> Self::Values;

    /// Whether one that [`Branches::resume`] has finished has failed.
    #[doc(hidden)]
    fn has_failed(self: Pin<&mut Self>, index: usize) -> bool;

    /// Takes its error.
    #[doc(hidden)]
    fn take_error(self: Pin<&mut Self>, index: usize) -> Self::Error;
}

/// Branches that all evaluate to one type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no branch, or branches of several types",
    label = "`race` and `select` take branches that evaluate to one type"
)]
pub trait UniformBranches: Branches {
    /// That type.
    type Output;

    /// Polls one, and gives its output away.
    #[doc(hidden)]
    fn poll_one(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<Self::Output>;

    /// Takes the output of one that [`Branches::resume`] has finished.
    #[doc(hidden)]
    fn take_one(self: Pin<&mut Self>, index: usize) -> Self::Output;
}

/// What can be run side by side: tuples of up to twelve things that can be awaited, whose types may differ, and arrays
/// and `Vec`s of one type. (For more than twelve, nest joins: `join((join((a, …)), join((b, …))))`.)
///
/// A join of nothing, `()`, is ready at once; a race has to have a branch.
///
/// One tuple may mix coroutines, futures and anything else that is [`IntoFuture`]. Collect an iterator first:
/// `join(iterator.collect::<Vec<_>>())`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a group of branches",
    label = "not a tuple, an array or a `Vec` of what can be awaited",
    note = "`join`, `try_join`, `race` and `select` take a tuple of up to twelve futures or coroutines, or an array or \
            a `Vec` of some that have one type",
    note = "collect an iterator: `join(iterator.collect::<Vec<_>>())`",
    note = "to wait for one alone, await it: `future.await`"
)]
pub trait Concurrent: sealed::Sealed {
    /// The branches that it turns into.
    type Branches: Branches;

    #[doc(hidden)]
    fn into_branches(self) -> Self::Branches;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

pub use super::rows::Many;

impl<F: Future> fmt::Debug for Branch<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Branch::Running(_) => "Branch(running)",
            Branch::Done(_) => "Branch(done)",
            Branch::Gone => "Branch(gone)",
        })
    }
}
