//! Branches of up to twelve types, in a tuple; and none, in the empty tuple.

use core::convert::Infallible;
use core::future::{Future, IntoFuture};
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::branch::{
    Branch, Branches, Concurrent, EachBranch, TryBranches, UniformBranches, sealed,
};
use crate::chain::driver::Driver;
use crate::chain::header::BranchVisitor;
use crate::chain::outermost::Joiner;
use crate::concurrent::frame::TagOf;
use crate::wake_set::BranchAt;

impl sealed::Sealed for () {}

impl Branches for () {
    type Outputs = ();
    type Kinds = [TagOf; 0];

    unsafe fn look(_: *const Self, _: &[TagOf; 0], _: usize, _: &mut BranchVisitor<'_>) {}

    #[inline(always)]
    unsafe fn count(_: *const Self) -> usize {
        0
    }

    fn resume(self: Pin<&mut Self>, _: usize, _: &mut Context<'_>) -> Poll<()> {
        unreachable!("no branch")
    }

    #[inline(always)]
    fn each<S: EachBranch<Self>>(
        self: Pin<&mut Self>,
        _: usize,
        _: &mut S,
    ) -> ControlFlow<S::Break> {
        ControlFlow::Continue(())
    }

    fn drop_one(self: Pin<&mut Self>, _: usize) {
        unreachable!("no branch")
    }

    unsafe fn branch_at(_: *const Self, _: usize, _: *const Joiner) -> Option<BranchAt> {
        unreachable!("no branch")
    }

    unsafe fn frames(_: *mut Self, _: &[TagOf; 0], _: usize) -> *const Driver {
        unreachable!("no branch")
    }

    #[inline(always)]
    unsafe fn outputs(self: Pin<&mut Self>) {}
}

impl TryBranches for () {
    type Error = Infallible;
    type Values = ();

    fn try_resume(
        self: Pin<&mut Self>,
        _: usize,
        _: &mut Context<'_>,
    ) -> Poll<Result<(), Infallible>> {
        unreachable!("no branch")
    }

    fn has_failed(self: Pin<&mut Self>, _: usize) -> bool {
        unreachable!("no branch")
    }

    fn take_error(self: Pin<&mut Self>, _: usize) -> Infallible {
        unreachable!("no branch")
    }

    #[inline(always)]
    fn values(self: Pin<&mut Self>) {}
}

#[diagnostic::do_not_recommend]
impl Concurrent for () {
    type Branches = ();

    #[inline(always)]
    fn into_branches(self) {}
}

macro_rules! tuple {
    ($($F:ident $T:ident $index:tt),+; $count:literal) => {
        impl<$($F: Future),+> sealed::Sealed for ($(Branch<$F>,)+) {}

        impl<$($F: Future),+> Branches for ($(Branch<$F>,)+) {
            type Outputs = ($($F::Output,)+);
            type Kinds = [TagOf; $count];

            unsafe fn look(
                this: *const Self,
                kinds: &[TagOf; $count],
                end: usize,
                look: &mut BranchVisitor<'_>,
            ) {
                $(if $index < end {
                    // SAFETY: the branching point that shows its branches leads to this one, which nobody polls
                    // (invariant A).
                    unsafe { Branch::look(&raw const (*this).$index, kinds[$index], $index, look) };
                })+
            }

            #[inline(always)]
            unsafe fn count(_: *const Self) -> usize {
                $count
            }

            #[inline(always)]
            fn resume(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<()> {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.resume(cx),)+
                    _ => unreachable!("so many branches"),
                }
            }

            #[inline(always)]
            fn each<S: EachBranch<Self>>(
                mut self: Pin<&mut Self>,
                first: usize,
                step: &mut S,
            ) -> ControlFlow<S::Break> {
                $(if first <= $index {
                    step.step(self.as_mut(), $index)?;
                })+
                ControlFlow::Continue(())
            }

            fn drop_one(self: Pin<&mut Self>, index: usize) {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.set(Branch::Gone),)+
                    _ => unreachable!("so many branches"),
                }
            }

            #[inline(always)]
            unsafe fn branch_at(
                this: *const Self,
                index: usize,
                joiner: *const Joiner,
            ) -> Option<BranchAt> {
                match index {
                    // SAFETY: the branching point that starts this branch leads to it (invariant A).
                    $($index => unsafe { Branch::branch_at(&raw const (*this).$index, joiner) },)+
                    _ => unreachable!("so many branches"),
                }
            }

            unsafe fn frames(
                this: *mut Self,
                kinds: &[TagOf; $count],
                index: usize,
            ) -> *const Driver {
                match index {
                    // SAFETY: the branching point that drops this branch leads to it, and nobody polls it (invariant
                    // A).
                    $($index => unsafe { Branch::frames(&raw mut (*this).$index, kinds[$index]) },)+
                    _ => unreachable!("so many branches"),
                }
            }

            #[inline(always)]
            unsafe fn outputs(mut self: Pin<&mut Self>) -> Self::Outputs {
                // SAFETY: each branch is pinned as the tuple is (invariant A), and was finished by `resume`, as the join
                // that calls this says. It is not used again.
                ($(unsafe { self.as_mut().map_unchecked_mut(|all| &mut all.$index).take_last() },)+)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<E, $($F: Future<Output = Result<$T, E>>, $T),+> TryBranches for ($(Branch<$F>,)+) {
            type Error = E;
            type Values = ($($T,)+);

            #[inline(always)]
            fn try_resume(
                self: Pin<&mut Self>,
                index: usize,
                cx: &mut Context<'_>,
            ) -> Poll<Result<(), E>> {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.try_resume(cx),)+
                    _ => unreachable!("so many branches"),
                }
            }

            fn has_failed(self: Pin<&mut Self>, index: usize) -> bool {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.has_failed(),)+
                    _ => unreachable!("so many branches"),
                }
            }

            fn take_error(self: Pin<&mut Self>, index: usize) -> E {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.take_err(),)+
                    _ => unreachable!("so many branches"),
                }
            }

            #[inline(always)]
            fn values(mut self: Pin<&mut Self>) -> Self::Values {
                // SAFETY: each branch is pinned as the tuple is (invariant A).
                ($(unsafe { self.as_mut().map_unchecked_mut(|all| &mut all.$index) }.take_ok(),)+)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<Output, $($F: Future<Output = Output>),+> UniformBranches for ($(Branch<$F>,)+) {
            type Output = Output;

            #[inline(always)]
            fn poll_one(
                self: Pin<&mut Self>,
                index: usize,
                cx: &mut Context<'_>,
            ) -> Poll<Output> {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.poll(cx),)+
                    _ => unreachable!("so many branches"),
                }
            }

            fn take_one(self: Pin<&mut Self>, index: usize) -> Output {
                match index {
                    // SAFETY: the branch is pinned as the tuple is (invariant A).
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.take(),)+
                    _ => unreachable!("so many branches"),
                }
            }
        }

        impl<$($F: IntoFuture),+> sealed::Sealed for ($($F,)+) {}
        #[diagnostic::do_not_recommend]
        impl<$($F: IntoFuture),+> Concurrent for ($($F,)+) {
            type Branches = ($(Branch<$F::IntoFuture>,)+);

            #[inline(always)]
            fn into_branches(self) -> Self::Branches {
                ($(Branch::Running(self.$index.into_future()),)+)
            }
        }
    };
}

tuple!(A A1 0; 1);
tuple!(A A1 0, B B1 1; 2);
tuple!(A A1 0, B B1 1, C C1 2; 3);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3; 4);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4; 5);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5; 6);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5, H H1 6; 7);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5, H H1 6, I I1 7; 8);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5, H H1 6, I I1 7, J J1 8; 9);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5, H H1 6, I I1 7, J J1 8, K K1 9; 10);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5, H H1 6, I I1 7, J J1 8, K K1 9, L L1 10; 11);
tuple!(A A1 0, B B1 1, C C1 2, D D1 3, F F1 4, G G1 5, H H1 6, I I1 7, J J1 8, K K1 9, L L1 10, M M1 11; 12);
