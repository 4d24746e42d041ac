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

/// The code of a coroutine, with its arguments: the type parameter of [`Coroutine`](crate::Coroutine), as in
/// `fn f() -> Coroutine<impl Body<Output = u32>>`. `#[cps]` generates the types that implement it, and no other type
/// can.
pub trait Body: StartBody<Value = <Self as Body>::Output> {
    /// The coroutine's value.
    type Output;
}

/// A body to frames: a future, and its value in the place of that. It may be one of `#[cps]`, or a branching point,
/// whose frame gets the future as it is (see `concurrent/frame.rs`).
///
/// # Safety
/// The implementor upholds:
/// - Invariant B: if `Self: Send` then `Self::Future: Send`, and likewise for `Sync`. (The future of an opaque body
///   type cannot be named outside of the function that defines it, so a frame's auto traits are derived from the
///   body's.)
/// - Invariant E: a future that has returned owns nothing. There is nothing in it to drop.
pub unsafe trait ResumeBody: Sized {
    /// What the body returns.
    type Value;
    /// What lies in the frame.
    type Future;

    /// Polls the future.
    ///
    /// # Safety
    /// - The driver is in a poll, and `chain.frame` is the frame of this body (invariant D).
    /// - The future has not returned. If [`StartBody::Make`] has made it, its first poll is over.
    unsafe fn resume(future: Pin<&mut Self::Future>, chain: Caller) -> Poll<Self::Value>;
}

/// A body before its start: arguments, and a closure that makes the future.
///
/// # Safety
/// The implementor upholds:
/// - Invariant E: the closure makes a future whose first statement awaits the `Enter` that the closure is given. Next
///   the future takes its arguments, by `Entered::__cps_args`.
/// - [`StartBody::args`] is the place of the arguments that [`StartBody::into_parts`] would return. A body whose
///   arguments and closure were moved out has nothing else to be dropped.
pub unsafe trait StartBody: ResumeBody<Future: Future> {
    /// States whether the body may wait, and what it may yield: see `chain/caller.rs`.
    type Capability;
    /// What the future takes first.
    type Args;
    /// Makes the future. Its first poll is `first_poll::poll`, with the arguments.
    type Make: FnOnce(Enter<Self::Args, Self::Capability>) -> Self::Future;

    /// Whether calls in place are compiled into the caller.
    const INLINED: bool = false;

    /// The arguments, and what makes the future.
    fn into_parts(self) -> (Self::Args, Self::Make);

    /// Moves out what makes the future.
    ///
    /// # Safety
    /// - `this` is valid, and is not used again but for its arguments.
    /// - The caller moves the arguments out too, from where [`StartBody::args`] says.
    unsafe fn take_make(this: *mut Self) -> Self::Make;

    /// Where the arguments are.
    ///
    /// # Safety
    /// `this` is valid.
    unsafe fn args(this: *mut Self) -> *mut Self::Args;

    /// The value of a first poll that returns.
    fn output(result: <Self::Future as Future>::Output) -> Self::Value;

    /// Where in a future's result that is.
    fn place(result: *mut <Self::Future as Future>::Output) -> *mut Self::Value;
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
    /// The future that `make` returns fulfils invariant E: see [`StartBody`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn new(args: A, make: F) -> Self {
        FnBody { make, args, _future: PhantomData, _return: PhantomData }
    }
}

impl<A, F: Make<A, K>, R, K> FnBody<A, F, R, K> {
    /// [`FnBody::new`] in place.
    ///
    /// # Safety
    /// - The future that `make` returns fulfils invariant E: see [`StartBody`].
    /// - `this` is valid for writes.
    /// - `args` is valid, and is not used again.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn write(this: *mut Self, args: *const A, make: F) {
        // SAFETY: `Coroutine::from_parts`, which calls this, has memory for the body, and arguments that it does
        // not use again.
        unsafe {
            (&raw mut (*this).make).write(make);
            core::ptr::copy_nonoverlapping(args, &raw mut (*this).args, 1);
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

impl<A, F, R, K> Body for FnBody<A, F, R, K>
where
    F: Make<A, K>,
    R: Return<<F::Future as Future>::Output>,
{
    type Output = R::Value;
}

// SAFETY: invariant B: this is `Send`, or `Sync`, only if the future is, by the impls above. Invariant E is
// the contract of `FnBody::new` and `write`, which the expansion fulfils (`MakeBody`).
unsafe impl<A, F, R, K> ResumeBody for FnBody<A, F, R, K>
where
    F: Make<A, K>,
    R: Return<<F::Future as Future>::Output>,
{
    type Value = R::Value;
    type Future = F::Future;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume(future: Pin<&mut F::Future>, chain: Caller) -> Poll<R::Value> {
        // SAFETY: `Frame::resume_here`, the caller, has the frame of this body, and its driver in a poll (invariant
        // D).
        match unsafe { context::poll(future, chain) } {
            Poll::Ready(result) => Poll::Ready(R::value(result)),
            Poll::Pending => Poll::Pending,
        }
    }
}

// SAFETY: invariant E is the contract of `FnBody::new` and `write`, which the expansion fulfils (`MakeBody`). The
// arguments and the closure are all there is in it.
unsafe impl<A, F, R, K> StartBody for FnBody<A, F, R, K>
where
    F: Make<A, K>,
    R: Return<<F::Future as Future>::Output>,
{
    type Capability = K;
    type Args = A;
    type Make = F;

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
}

/// The body of a function that is `#[inline(always)]`.
pub(crate) struct Inlined<B>(pub(crate) B);

impl<B: Body> Body for Inlined<B> {
    type Output = B::Output;
}

// SAFETY: its future is that of the other body, so that invariants B and E hold for it too.
unsafe impl<B: Body> ResumeBody for Inlined<B> {
    type Value = B::Output;
    type Future = B::Future;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume(future: Pin<&mut B::Future>, chain: Caller) -> Poll<B::Output> {
        // SAFETY: `Frame::resume_here`, the caller, has the frame of this body, whose future is the other's, and
        // its driver in a poll (invariant D).
        unsafe { B::resume(future, chain) }
    }
}

// SAFETY: its parts are those of the other body, which is all there is in it.
unsafe impl<B: Body> StartBody for Inlined<B> {
    type Capability = B::Capability;
    type Args = B::Args;
    type Make = B::Make;

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
    /// The place.
    const AT: At;
}

/// A place in the text, if there is one.
pub type At = Option<&'static Location<'static>>;
