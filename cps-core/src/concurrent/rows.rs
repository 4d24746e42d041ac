//! Branches of one type: those of an array, in place, and those of a `Vec`, in a box.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::mem;
use core::ops::ControlFlow;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::branch::{
    Branch, Branches, Concurrent, EachBranch, TryBranches, UniformBranches, sealed,
};
use crate::chain::driver::Driver;
use crate::chain::header::BranchVisitor;
use crate::chain::outermost::Joiner;
use crate::concurrent::frame::TagOf;
use crate::wake_set::BranchAt;

/// A `Vec`'s branches, in one box that never moves.
pub struct Many<F: Future>(Box<[Branch<F>]>);

impl<F: Future> fmt::Debug for Many<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: `self` is a reference, and so a valid pointer.
        f.debug_tuple("Many").field(&unsafe { Self::len(self) }).finish()
    }
}

impl<F: Future> sealed::Sealed for Many<F> {}
impl<F: Future, const N: usize> sealed::Sealed for [Branch<F>; N] {}

/// Implements the traits for both kinds of rows. `$at` turns a pinned row into a pinned branch of it; `$taken` is
/// called when all branches are gone.
macro_rules! row {
    (
        ($($generics:tt)*) $Row:ty, $Outputs:ident, $at:expr, $outputs:expr, $taken:expr,
        $slice:expr, $count:expr
    ) => {
        impl<F: Future, $($generics)*> Branches for $Row {
            type Outputs = $Outputs!(F::Output);
            type Kinds = [TagOf; 1];

            unsafe fn look(
                this: *const Self,
                kinds: &[TagOf; 1],
                end: usize,
                look: &mut BranchVisitor<'_>,
            ) {
                // SAFETY: the branching point that shows its branches leads to them, and nobody polls them (invariant
                // A). `end` is how many were started, and so no more than there are.
                unsafe {
                    let first: *const Branch<F> = $slice(this);
                    for index in 0..end {
                        Branch::look(first.add(index), kinds[0], index, look);
                    }
                }
            }

            #[inline(always)]
            unsafe fn count(this: *const Self) -> usize {
                // SAFETY: the branching point that counts its branches leads to them (invariant A).
                unsafe { $count(this) }
            }

            #[inline(always)]
            fn resume(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<()> {
                $at(self, index).resume(cx)
            }

            #[inline(always)]
            fn each<S: EachBranch<Self>>(
                mut self: Pin<&mut Self>,
                first: usize,
                step: &mut S,
            ) -> ControlFlow<S::Break> {
                let count = count(self.as_mut());
                (first..count).try_for_each(|index| step.step(self.as_mut(), index))
            }

            fn drop_one(self: Pin<&mut Self>, index: usize) {
                $at(self, index).set(Branch::Gone);
            }

            #[inline(always)]
            unsafe fn branch_at(
                this: *const Self,
                index: usize,
                joiner: *const Joiner,
            ) -> Option<BranchAt> {
                // SAFETY: the branching point that starts this branch leads to it (invariant A); `index` is less than
                // the number of branches.
                unsafe { Branch::branch_at($slice(this).add(index), joiner) }
            }

            unsafe fn frames(
                this: *mut Self,
                kinds: &[TagOf; 1],
                index: usize,
            ) -> *const Driver {
                // SAFETY: the branching point that drops this branch leads to it, and nobody polls it (invariant A);
                // `index` is less than the number of branches.
                unsafe { Branch::frames($slice(this).add(index).cast_mut(), kinds[0]) }
            }

            unsafe fn outputs(mut self: Pin<&mut Self>) -> Self::Outputs {
                let outputs = $outputs(count(self.as_mut()), |index| $at(self.as_mut(), index).take());
                // SAFETY: all outputs were taken just above, so that all branches are gone.
                unsafe { $taken(self) };
                outputs
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T, E, F: Future<Output = Result<T, E>>, $($generics)*> TryBranches for $Row {
            type Error = E;
            type Values = $Outputs!(T);

            #[inline(always)]
            fn try_resume(
                self: Pin<&mut Self>,
                index: usize,
                cx: &mut Context<'_>,
            ) -> Poll<Result<(), E>> {
                $at(self, index).try_resume(cx)
            }

            fn has_failed(self: Pin<&mut Self>, index: usize) -> bool {
                $at(self, index).has_failed()
            }

            fn take_error(self: Pin<&mut Self>, index: usize) -> E {
                $at(self, index).take_err()
            }

            fn values(mut self: Pin<&mut Self>) -> Self::Values {
                let values = $outputs(count(self.as_mut()), |index| $at(self.as_mut(), index).take_ok());
                // SAFETY: all outputs were taken just above, so that all branches are gone.
                unsafe { $taken(self) };
                values
            }
        }

        #[diagnostic::do_not_recommend]
        impl<F: Future, $($generics)*> UniformBranches for $Row {
            type Output = F::Output;

            #[inline(always)]
            fn poll_one(
                self: Pin<&mut Self>,
                index: usize,
                cx: &mut Context<'_>,
            ) -> Poll<F::Output> {
                $at(self, index).poll(cx)
            }

            fn take_one(self: Pin<&mut Self>, index: usize) -> F::Output {
                $at(self, index).take()
            }
        }
    };
}

macro_rules! array_of {
    ($T:ty) => {
        [$T; N]
    };
}
macro_rules! vec_of {
    ($T:ty) => { Vec<$T> };
}

impl<F: Future> Many<F> {
    /// How many there are.
    ///
    /// # Safety
    /// `this` is valid.
    #[inline(always)]
    unsafe fn len(this: *const Self) -> usize {
        // SAFETY: the branching point that asks has the row (invariant A). The box is read, not the branches in it.
        unsafe { (&raw const *(*this).0).len() }
    }

    #[inline(always)]
    fn at(self: Pin<&mut Self>, index: usize) -> Pin<&mut Branch<F>> {
        // SAFETY: the branches in the box are reached through here only, and the box is not taken apart: so they are
        // pinned from the first call on (invariant A). No shared reference to all of them is formed.
        unsafe { Pin::new_unchecked(&mut self.get_unchecked_mut().0[index]) }
    }

    /// Where the branches are.
    ///
    /// # Safety
    /// `this` is valid.
    unsafe fn first(this: *const Self) -> *const Branch<F> {
        // SAFETY: the branching point that asks has the row (invariant A). The box is read, not the branches in it.
        unsafe { (&raw const *(*this).0).cast() }
    }

    /// Frees the memory without a look at the branches: there may be more of them than a cache holds.
    ///
    /// # Safety
    /// They are gone.
    unsafe fn free(self: Pin<&mut Self>) {
        // SAFETY: the box is moved, not the branches in it.
        let mut branches = mem::take(unsafe { &mut self.get_unchecked_mut().0 }).into_vec();
        // SAFETY: `outputs` or `values`, the caller, has taken all outputs: a branch that is gone has nothing to drop.
        unsafe { branches.set_len(0) };
    }
}

#[inline(always)]
fn array_at<F: Future, const N: usize>(
    array: Pin<&mut [Branch<F>; N]>,
    index: usize,
) -> Pin<&mut Branch<F>> {
    // SAFETY: each branch is pinned as the array is (invariant A).
    unsafe { array.map_unchecked_mut(|array| &mut array[index]) }
}

/// As [`Many::free`]: an array has no memory of its own.
#[inline(always)]
unsafe fn array_free<F: Future, const N: usize>(_: Pin<&mut [Branch<F>; N]>) {}

/// How many branches an array has.
#[inline(always)]
unsafe fn array_len<F: Future, const N: usize>(_: *const [Branch<F>; N]) -> usize {
    N
}

/// How many branches there are.
#[inline(always)]
fn count<S: Branches>(branches: Pin<&mut S>) -> usize {
    // SAFETY: the reference is turned into a valid pointer, by which nothing is moved.
    unsafe { S::count(ptr::from_mut(branches.get_unchecked_mut())) }
}

/// Where an array's branches are.
fn array_first<F: Future, const N: usize>(array: *const [Branch<F>; N]) -> *const Branch<F> {
    array.cast()
}

row!(
    () Many<F>, vec_of, Many::at,
    |count, take| (0..count).map(take).collect(), Many::free, Many::first, Many::len
);
row!(
    (const N: usize) [Branch<F>; N], array_of, array_at,
    |_, take| core::array::from_fn(take), array_free, array_first, array_len
);

impl<I: IntoFuture> sealed::Sealed for Vec<I> {}
#[diagnostic::do_not_recommend]
impl<I: IntoFuture> Concurrent for Vec<I> {
    type Branches = Many<I::IntoFuture>;

    fn into_branches(self) -> Self::Branches {
        Many(self.into_iter().map(|branch| Branch::Running(branch.into_future())).collect())
    }
}

impl<I: IntoFuture, const N: usize> sealed::Sealed for [I; N] {}
#[diagnostic::do_not_recommend]
impl<I: IntoFuture, const N: usize> Concurrent for [I; N] {
    type Branches = [Branch<I::IntoFuture>; N];

    #[inline(always)]
    fn into_branches(self) -> Self::Branches {
        self.map(|branch| Branch::Running(branch.into_future()))
    }
}
