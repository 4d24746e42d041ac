//! The branches of a branching point, in the memory of the future that joins them.
//!
//! [`Concurrent`] is what a user hands over: a tuple, an array or a `Vec` of things that can be awaited.
//! It turns into [`Branches`]: as many [`Branch`]es, in place (a `Vec`'s in one box). A coroutine
//! becomes a chain of its own by that, a [`Root`](crate::Root): with its own leaf, which a wake-up of the
//! branch resumes directly.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

/// One branch: its future, then what it evaluated to, then nothing.
pub enum Branch<F: Future> {
    /// Not finished. Pinned from the first poll on.
    Running(F),
    /// Finished; kept until the others are.
    Done(F::Output),
    /// Its output was given away.
    Gone,
}

impl<F: Future> Branch<F> {
    /// Polls a running branch. Any other branch is pending, for a wake-up may come late.
    #[inline(always)]
    fn poll_running(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved: as the branch is pinned, so is its future.
        match unsafe { self.get_unchecked_mut() } {
            // SAFETY: as above.
            Branch::Running(future) => unsafe { Pin::new_unchecked(future) }.poll(cx),
            _ => Poll::Pending,
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
        self.as_mut().poll_running(cx).map(|output| self.set(Branch::Done(output)))
    }

    /// Gives the output of a finished branch away.
    ///
    /// # Panics
    /// If it is not finished.
    #[inline(always)]
    pub(crate) fn take(self: Pin<&mut Self>) -> F::Output {
        // SAFETY: what is moved out is no future: a running branch is left as it is.
        let this = unsafe { self.get_unchecked_mut() };
        match this {
            Branch::Done(_) => match mem::replace(this, Branch::Gone) {
                Branch::Done(output) => output,
                _ => unreachable!("matched above"),
            },
            _ => panic!("a branch that is not finished was taken"),
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

    /// Gives the value of a branch away that has finished without an error.
    #[inline(always)]
    pub(crate) fn take_ok(self: Pin<&mut Self>) -> T {
        match self.take() {
            Ok(value) => value,
            Err(_) => unreachable!("errors are not kept"),
        }
    }
}

/// Branches in a row, numbered from 0.
pub trait Branches: sealed::Sealed {
    /// What all of them evaluate to, in their order.
    type Outputs;

    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;

    /// Polls one, and keeps its output; ready just once.
    #[doc(hidden)]
    fn resume(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<()>;

    /// Takes the outputs, when all are finished.
    #[doc(hidden)]
    fn outputs(self: Pin<&mut Self>) -> Self::Outputs;
}

/// Branches that all evaluate to a [`Result`] with one type of error.
pub trait TryBranches: Branches {
    /// What one of them may fail with.
    type Error;
    /// What all of them evaluate to if none fails.
    type Values;

    #[doc(hidden)]
    fn try_resume(
        self: Pin<&mut Self>,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Self::Error>>;

    #[doc(hidden)]
    fn values(self: Pin<&mut Self>) -> Self::Values;
}

/// Branches that all evaluate to one type.
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

/// What can be run side by side: tuples of up to twelve things that can be awaited, whose types may differ,
/// and arrays and `Vec`s of one type.
///
/// Coroutines, futures and anything else that is [`IntoFuture`] can stand in one tuple. An iterator
/// is collected first: `join(iterator.collect::<Vec<_>>())`.
pub trait Concurrent: sealed::Sealed {
    /// The branches that it turns into.
    type Branches: Branches;

    #[doc(hidden)]
    fn into_branches(self) -> Self::Branches;
}

mod sealed {
    pub trait Sealed {}
}

/// A `Vec`'s branches, in one box that never moves.
pub struct Many<F: Future>(Box<[Branch<F>]>);

impl<F: Future> fmt::Debug for Many<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Many").field(&self.len()).finish()
    }
}

impl<F: Future> fmt::Debug for Branch<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Branch::Running(_) => "Branch(running)",
            Branch::Done(_) => "Branch(done)",
            Branch::Gone => "Branch(gone)",
        })
    }
}

impl<F: Future> sealed::Sealed for Many<F> {}
impl<F: Future, const N: usize> sealed::Sealed for [Branch<F>; N] {}

/// Both kinds of rows: `$at` makes a pinned branch of a pinned row.
macro_rules! row {
    (($($generics:tt)*) $Row:ty, $Outputs:ident, $at:expr, $outputs:expr) => {
        impl<F: Future, $($generics)*> Branches for $Row {
            type Outputs = $Outputs!(F::Output);

            #[inline(always)]
            fn count(&self) -> usize {
                self.len()
            }

            #[inline(always)]
            fn resume(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<()> {
                $at(self, index).resume(cx)
            }

            fn outputs(mut self: Pin<&mut Self>) -> Self::Outputs {
                $outputs(self.len(), |index| $at(self.as_mut(), index).take())
            }
        }

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

            fn values(mut self: Pin<&mut Self>) -> Self::Values {
                $outputs(self.len(), |index| $at(self.as_mut(), index).take_ok())
            }
        }

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
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn at(self: Pin<&mut Self>, index: usize) -> Pin<&mut Branch<F>> {
        // SAFETY: the box's branches are reached through here only, so that they are pinned from the
        // first call on; and it is not taken apart. No reference to all of them is formed.
        unsafe { Pin::new_unchecked(&mut self.get_unchecked_mut().0[index]) }
    }
}

#[inline(always)]
fn array_at<F: Future, const N: usize>(
    array: Pin<&mut [Branch<F>; N]>,
    index: usize,
) -> Pin<&mut Branch<F>> {
    // SAFETY: an array pins its elements.
    unsafe { array.map_unchecked_mut(|array| &mut array[index]) }
}

row!(() Many<F>, vec_of, Many::at, |count, take| (0..count).map(take).collect());
row!((const N: usize) [Branch<F>; N], array_of, array_at, |_, take| core::array::from_fn(take));

impl<I: IntoFuture> sealed::Sealed for Vec<I> {}
impl<I: IntoFuture> Concurrent for Vec<I> {
    type Branches = Many<I::IntoFuture>;

    fn into_branches(self) -> Self::Branches {
        Many(self.into_iter().map(|branch| Branch::Running(branch.into_future())).collect())
    }
}

impl<I: IntoFuture, const N: usize> sealed::Sealed for [I; N] {}
impl<I: IntoFuture, const N: usize> Concurrent for [I; N] {
    type Branches = [Branch<I::IntoFuture>; N];

    #[inline(always)]
    fn into_branches(self) -> Self::Branches {
        self.map(|branch| Branch::Running(branch.into_future()))
    }
}

macro_rules! tuple {
    ($($F:ident $T:ident $index:tt),+; $count:literal) => {
        impl<$($F: Future),+> sealed::Sealed for ($(Branch<$F>,)+) {}

        impl<$($F: Future),+> Branches for ($(Branch<$F>,)+) {
            type Outputs = ($($F::Output,)+);

            #[inline(always)]
            fn count(&self) -> usize {
                $count
            }

            #[inline(always)]
            fn resume(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<()> {
                match index {
                    // SAFETY: a tuple pins its fields here: none is moved out.
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.resume(cx),)+
                    _ => unreachable!("so many branches"),
                }
            }

            #[inline(always)]
            fn outputs(mut self: Pin<&mut Self>) -> Self::Outputs {
                // SAFETY: as in `resume`.
                ($(unsafe { self.as_mut().map_unchecked_mut(|all| &mut all.$index) }.take(),)+)
            }
        }

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
                    // SAFETY: as in `resume`.
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.try_resume(cx),)+
                    _ => unreachable!("so many branches"),
                }
            }

            #[inline(always)]
            fn values(mut self: Pin<&mut Self>) -> Self::Values {
                // SAFETY: as in `resume`.
                ($(unsafe { self.as_mut().map_unchecked_mut(|all| &mut all.$index) }.take_ok(),)+)
            }
        }

        impl<Output, $($F: Future<Output = Output>),+> UniformBranches for ($(Branch<$F>,)+) {
            type Output = Output;

            #[inline(always)]
            fn poll_one(
                self: Pin<&mut Self>,
                index: usize,
                cx: &mut Context<'_>,
            ) -> Poll<Output> {
                match index {
                    // SAFETY: as in `resume`.
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.poll(cx),)+
                    _ => unreachable!("so many branches"),
                }
            }

            fn take_one(self: Pin<&mut Self>, index: usize) -> Output {
                match index {
                    // SAFETY: as in `resume`.
                    $($index => unsafe { self.map_unchecked_mut(|all| &mut all.$index) }.take(),)+
                    _ => unreachable!("so many branches"),
                }
            }
        }

        impl<$($F: IntoFuture),+> sealed::Sealed for ($($F,)+) {}
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
