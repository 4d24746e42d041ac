//! The attribute turns a function into a [`Body`]: the arguments, and a closure that makes the body's future, which
//! takes the arguments when it starts (see `frame/first_poll.rs`).

use core::future::Future;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::panic::Location;
use core::pin::Pin;
use core::task::Poll;

use crate::chain::caller::Caller;
use crate::frame::context;
use crate::frame::first_poll::Enter;

/// An unstarted body. Only this crate implements it, since only it can name the types of the hidden methods: for what
/// `#[cps]` generates, and for branching points, whose frames get their futures as they are (see
/// `concurrent/frame.rs`).
///
/// # Safety
/// **The implementor** upholds, and frames rely on it:
/// - Invariant B: if `Self: Send` then `Self::Future: Send`, and likewise for `Sync`. (The future of an opaque body
///   type cannot be named outside of the function that defines it, so a frame's auto traits are derived from the
///   body's.)
/// - Invariant E: a future that has returned owns nothing. There is nothing in it to drop.
/// - Invariant E: if [`Body::into_parts`] or [`Body::take_make`] returns, the closure makes a future whose first
///   statement awaits the `Enter` that the closure is given. Next the future takes its arguments, by
///   `Entered::__cps_args`. (A branching point has no such start: these methods of it panic.)
/// - [`Body::args`] is the place of the arguments that [`Body::into_parts`] would return.
///
/// **The caller** of these methods, `frame/mod.rs`, upholds:
/// - A future that the closure has made is polled first by `first_poll::poll`, with the arguments; later, and any
///   future that was not made by the closure, by [`Body::resume`].
/// - The conditions of each method.
pub unsafe trait Body: Sized {
    /// The coroutine's value.
    type Output;
    /// States whether the body may wait, and what it may yield: see `chain/caller.rs`.
    #[doc(hidden)]
    type Capability;
    #[doc(hidden)]
    type Args;
    #[doc(hidden)]
    type Make: FnOnce(Enter<Self::Args, Self::Capability>) -> Self::Future;
    #[doc(hidden)]
    type Future: Future;

    /// Whether calls in place are compiled into the caller.
    #[doc(hidden)]
    const INLINED: bool = false;

    /// The arguments, and what makes the future.
    #[doc(hidden)]
    fn into_parts(self) -> (Self::Args, Self::Make);

    /// Moves out what makes the future.
    ///
    /// # Safety
    /// - `this` is valid, and is not used again but for its arguments.
    /// - The caller moves the arguments out too, from where [`Body::args`] says.
    #[doc(hidden)]
    unsafe fn take_make(this: *mut Self) -> Self::Make;

    /// Where the arguments are.
    ///
    /// # Safety
    /// `this` is valid.
    #[doc(hidden)]
    unsafe fn args(this: *mut Self) -> *mut Self::Args;

    #[doc(hidden)]
    fn output(result: <Self::Future as Future>::Output) -> Self::Output;

    /// Where in a future's result that is.
    #[doc(hidden)]
    fn place(result: *mut <Self::Future as Future>::Output) -> *mut Self::Output;

    /// Polls a body whose first poll is over, or that has no start of its own.
    ///
    /// # Safety
    /// - The driver is in a poll, and `chain.frame` is the frame of this body (invariant D).
    /// - The future has not returned.
    #[doc(hidden)]
    unsafe fn resume(future: Pin<&mut Self::Future>, chain: Caller) -> Poll<Self::Output>;
}

/// The body that `#[cps]` generates: arguments, and a closure that makes the future.
///
/// It has a field of the future's type so that the future's auto traits are this type's. The future
/// is not a parameter: a body that takes another body has that in its arguments, its closure and
/// its future, and each mention here is a factor of the compiler's work for each level of nesting.
pub struct FnBody<A, F: Make<A, K>, R, K> {
    /// First, since it has captured the receiver, which is dropped first if the body is not started.
    make: F,
    args: A,
    _future: PhantomData<F::Future>,
    /// Invariant in the kind, which `make` knows.
    _return: PhantomData<fn(K) -> (R, K)>,
}

/// A closure that makes the future of a body of kind `K`.
pub trait Make<A, K>: FnOnce(Enter<A, K>) -> Self::Future {
    /// The future.
    type Future: Future;
}

impl<A, F, Fut, K> Make<A, K> for F
where
    F: FnOnce(Enter<A, K>) -> Fut,
    Fut: Future,
{
    type Future = Fut;
}

impl<A, F: Make<A, K>, R, K> FnBody<A, F, R, K> {
    /// # Safety
    /// The future that `make` returns fulfils invariant E: see [`Body`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn new(args: A, make: F) -> Self {
        FnBody { make, args, _future: PhantomData, _return: PhantomData }
    }
}

impl<A, F: Make<A, K>, R, K> FnBody<A, F, R, K> {
    /// [`FnBody::new`] in place.
    ///
    /// # Safety
    /// - The future that `make` returns fulfils invariant E: see [`Body`].
    /// - `this` is valid for writes.
    /// - `args` is valid, and is not used again.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn write(this: *mut Self, args: *const A, make: F) {
        // SAFETY: `Coroutine::from_parts`, which calls this, has memory for the body, and arguments that it does
        // not use again.
        unsafe {
            (&raw mut (*this).args).copy_from_nonoverlapping(args, 1);
            (&raw mut (*this).make).write(make);
        }
    }
}

// SAFETY: it owns the arguments and the closure, which are `Send`, and so is the future (invariant B).
// (Written by hand, and not by way of the field, since each step of the proof counts for each level of
// calls.)
unsafe impl<A, F, R, K> Send for FnBody<A, F, R, K>
where
    A: Send,
    F: Make<A, K> + Send,
    F::Future: Send,
{
}
// SAFETY: it owns the arguments and the closure, which are `Sync`, and so is the future (invariant B).
unsafe impl<A, F, R, K> Sync for FnBody<A, F, R, K>
where
    A: Sync,
    F: Make<A, K> + Sync,
    F::Future: Sync,
{
}

// SAFETY: invariant B: this is `Send`, or `Sync`, only if the future is, by the impls above. Invariant E is
// the contract of `FnBody::new` and `write`, which the expansion fulfils (`MakeBody`).
unsafe impl<A, F, R, K> Body for FnBody<A, F, R, K>
where
    F: Make<A, K>,
    R: Return<<F::Future as Future>::Output>,
{
    type Output = R::Value;
    type Capability = K;
    type Args = A;
    type Make = F;
    type Future = F::Future;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn into_parts(self) -> (A, F) {
        (self.args, self.make)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn take_make(this: *mut Self) -> F {
        // SAFETY: `Passing::into_parts`, which calls this once, owns the body.
        unsafe { (&raw const (*this).make).read() }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn args(this: *mut Self) -> *mut A {
        // SAFETY: in bounds of the body, which `Passing::into_parts`, the caller, owns.
        unsafe { &raw mut (*this).args }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn output(result: <F::Future as Future>::Output) -> R::Value {
        R::value(result)
    }

    fn place(result: *mut <F::Future as Future>::Output) -> *mut R::Value {
        R::place(result)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume(future: Pin<&mut F::Future>, chain: Caller) -> Poll<R::Value> {
        // SAFETY: `Frame::resume_here`, the caller, has the frame of this body, and its driver in a poll (invariant
        // D).
        unsafe { context::poll(future, chain) }.map(R::value)
    }
}

/// The body of a function that is `#[inline(always)]`.
pub(crate) struct Inlined<B>(pub(crate) B);

// SAFETY: it is the other body in every respect, so that invariants B and E hold for it too.
unsafe impl<B: Body> Body for Inlined<B> {
    type Output = B::Output;
    type Capability = B::Capability;
    type Args = B::Args;
    type Make = B::Make;
    type Future = B::Future;

    const INLINED: bool = true;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn into_parts(self) -> (B::Args, B::Make) {
        self.0.into_parts()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn take_make(this: *mut Self) -> B::Make {
        // SAFETY: `Passing::into_parts`, which calls this once, owns the body, and with it the other.
        unsafe { B::take_make(&raw mut (*this).0) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn args(this: *mut Self) -> *mut B::Args {
        // SAFETY: in bounds of the body, which `Passing::into_parts`, the caller, owns.
        unsafe { B::args(&raw mut (*this).0) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn output(result: <B::Future as Future>::Output) -> B::Output {
        B::output(result)
    }

    fn place(result: *mut <B::Future as Future>::Output) -> *mut B::Output {
        B::place(result)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume(future: Pin<&mut B::Future>, chain: Caller) -> Poll<B::Output> {
        // SAFETY: `Frame::resume_here`, the caller, has the frame of this body, whose future is the other's, and
        // its driver in a poll (invariant D).
        unsafe { B::resume(future, chain) }
    }
}

/// How a body's future returns the coroutine's value: [`Plain`] or [`Wide`].
pub trait Return<T> {
    /// The coroutine's output.
    type Value;
    /// Unwraps the future's value.
    fn value(result: T) -> Self::Value;
    /// Where that is in the result, if it is valid.
    #[doc(hidden)]
    fn place(result: *mut T) -> *mut Self::Value;
}

/// The future returns the value itself.
#[derive(Debug)]
pub struct Plain;

impl<T> Return<T> for Plain {
    type Value = T;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn value(result: T) -> T {
        result
    }

    fn place(result: *mut T) -> *mut T {
        result
    }
}

/// The future returns the value with padding that forces it to be returned through memory.
///
/// A `Poll` of a scalar is returned in two registers, as one LLVM aggregate, and LLVM does not thread jumps through an
/// aggregate: the branch on `Ready` stays in the code after the poll is inlined, some instructions for each poll.
/// Returned through memory, each part becomes a value of its own. A body that uses `?` cannot be wrapped, since `?`
/// returns the bare type.
#[derive(Debug)]
pub struct Wide<T>(
    T,
    #[expect(dead_code, reason = "only its size matters")] MaybeUninit<[usize; 2]>,
);

impl<T> Wide<T> {
    /// Wraps a body's result.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn new(value: T) -> Self {
        Wide(value, MaybeUninit::uninit())
    }
}

/// Selects [`Wide`].
#[derive(Debug)]
pub struct Widened;

impl<T> Return<Wide<T>> for Widened {
    type Value = T;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn value(result: Wide<T>) -> T {
        result.0
    }

    fn place(result: *mut Wide<T>) -> *mut T {
        result.wrapping_byte_add(core::mem::offset_of!(Wide<T>, 0)).cast()
    }
}

/// Where a call stands in the text. The expansion of each `.await` has a type for it, so that a
/// frame's vtable tells its call, and nothing is stored.
pub trait Site {
    /// `None` for the frame of a root, which nothing called.
    const AT: Option<&'static Location<'static>>;
}

/// The site of a root.
pub(crate) struct NoSite;

impl Site for NoSite {
    const AT: Option<&'static Location<'static>> = None;
}
