//! What the `#[coroutine]` attribute makes of a function: arguments, and a way to make the body's
//! future out of band.
//!
//! rustc keeps the arguments of an `async fn` in the future for its whole life, and a second time
//! as locals once they live across an await. Here the body's future captures one pointer, a
//! [`Scope`]. Its first statement moves the arguments from where they lie into locals, which rustc
//! packs by liveness, and from then on the pointer leads to the chain's driver.

use core::future::Future;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::panic::Location;
use core::ptr;

use crate::chain::{Chain, Waits};
use crate::driver::Driver;
#[cfg(doc)]
use crate::enter::Enter;

/// An unstarted body. Implemented by what `#[coroutine]` generates, and by branching points, whose futures are
/// handed over as they are: see `branching.rs`.
///
/// # Safety
/// - If `Self: Send` then `Self::Future: Send`, and likewise for `Sync`. (The future of an opaque
///   body type cannot be named outside of the function that defines it, so a frame's auto traits
///   are derived from the body's.)
/// - The future is an `async` block that first of all awaits [`Enter`] and then calls
///   [`Scope::enter`], each exactly once, and that owns nothing but its locals from then on: once it
///   has returned, there is nothing in it to drop.
pub unsafe trait Body: Sized {
    /// What the coroutine evaluates to.
    type Output;
    /// What the body may do with its chain: see `chain.rs`.
    #[doc(hidden)]
    type Kind;
    #[doc(hidden)]
    type Args;
    #[doc(hidden)]
    type Make: FnOnce(Scope<Self::Args, Self::Kind>) -> Self::Future;
    #[doc(hidden)]
    type Future: Future;

    #[doc(hidden)]
    fn into_parts(self) -> (Self::Args, Self::Make);

    #[doc(hidden)]
    fn output(result: <Self::Future as Future>::Output) -> Self::Output;
}

/// What `#[coroutine]` generates: arguments and a closure that makes the future.
///
/// It has a field of the future's type so that the future's auto traits are this type's. The future
/// is not a parameter: a body that takes another body has that in its arguments, its closure and
/// its future, and each mention here is a factor of the compiler's work for each level of nesting.
pub struct FnBody<A, F: Make<A, K>, R, K> {
    args: A,
    make: F,
    _future: PhantomData<F::Future>,
    /// Invariant in the kind, which `make` knows.
    _return: PhantomData<fn(K) -> (R, K)>,
}

/// A closure that makes the future of a body of kind `K`.
pub trait Make<A, K>: FnOnce(Scope<A, K>) -> Self::Future {
    /// The future.
    type Future: Future;
}

impl<A, F, Fut, K> Make<A, K> for F
where
    F: FnOnce(Scope<A, K>) -> Fut,
    Fut: Future,
{
    type Future = Fut;
}

impl<A, F: Make<A, K>, R, K> FnBody<A, F, R, K> {
    /// # Safety
    /// The future that `make` returns fulfils the second point of [`Body`]'s contract.
    #[inline(always)]
    pub(crate) unsafe fn new(args: A, make: F) -> Self {
        FnBody { args, make, _future: PhantomData, _return: PhantomData }
    }
}

// SAFETY: `PhantomData<F::Future>` makes the auto traits of `Self` imply those of the future; the
// second point is the contract of `FnBody::new`.
unsafe impl<A, F, R, K> Body for FnBody<A, F, R, K>
where
    F: Make<A, K>,
    R: Return<<F::Future as Future>::Output>,
{
    type Output = R::Value;
    type Kind = K;
    type Args = A;
    type Make = F;
    type Future = F::Future;

    #[inline(always)]
    fn into_parts(self) -> (A, F) {
        (self.args, self.make)
    }

    #[inline(always)]
    fn output(result: <F::Future as Future>::Output) -> R::Value {
        R::value(result)
    }
}

/// How a body's future returns the coroutine's value: [`Plain`] or [`Wide`].
pub trait Return<T> {
    /// The coroutine's output.
    type Value;
    /// Unwraps what the future returned.
    fn value(result: T) -> Self::Value;
}

/// The future returns the value itself.
#[derive(Debug)]
pub struct Plain;

impl<T> Return<T> for Plain {
    type Value = T;
    #[inline(always)]
    fn value(result: T) -> T {
        result
    }
}

/// The future returns the value with padding that forces it to be returned through memory.
///
/// A `Poll` of a scalar is returned in two registers, as one LLVM aggregate, and LLVM does not
/// thread jumps through an aggregate: after the poll is inlined the branch on `Ready` is still
/// there, about four instructions for each poll. Through memory, each part becomes a value of
/// its own. A body that uses `?` cannot be wrapped, since `?` returns the bare type.
#[derive(Debug)]
pub struct Wide<T>(
    T,
    #[expect(dead_code, reason = "only its size matters")] MaybeUninit<[usize; 2]>,
);

impl<T> Wide<T> {
    /// Wraps a body's result.
    #[inline(always)]
    pub fn new(value: T) -> Self {
        Wide(value, MaybeUninit::uninit())
    }
}

/// Selects [`Wide`].
#[derive(Debug)]
pub struct Widened;

impl<T> Return<Wide<T>> for Widened {
    type Value = T;
    #[inline(always)]
    fn value(result: Wide<T>) -> T {
        result.0
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

/// What a body's first statement finds behind its [`Scope`].
pub(crate) struct Entry<A> {
    pub(crate) driver: *const Driver,
    pub(crate) args: ManuallyDrop<A>,
}

/// A body's link to the outside: to its `Entry` until `enter`, to its chain's driver afterwards.
///
/// One word, because it is part of every frame for as long as the frame lives.
///
/// Packed where loads need no alignment: rustc aligns all that lives over one await only as what lives
/// over several, of which this is one, and a frame of one call would be 8 bytes larger.
#[derive(Debug)]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(C, packed))]
pub struct Scope<A, K = Waits> {
    target: *const (),
    _args: PhantomData<(A, fn() -> K)>,
}

// SAFETY: a scope is only ever used by the body that owns it, while that runs; the driver it leads
// to is part of the same root future as the body and moves between threads with it.
unsafe impl<A, K> Send for Scope<A, K> {}
// SAFETY: a shared scope allows nothing but what its owner calls (the methods are unsafe, and the
// macro calls them from the owner only).
unsafe impl<A, K> Sync for Scope<A, K> {}

impl<A, K> Scope<A, K> {
    /// # Safety
    /// The future made with this scope is polled (or dropped unpolled) while `entry` is live, with
    /// the waker of `Enter::waker`; its first poll takes the arguments.
    #[inline(always)]
    pub(crate) unsafe fn new(entry: &Entry<A>) -> Self {
        Scope { target: ptr::from_ref(entry).cast(), _args: PhantomData }
    }

    /// Takes the arguments.
    ///
    /// # Safety
    /// Only as the first statement of a body, once, but for the await of [`Enter`].
    #[inline(always)]
    pub unsafe fn enter(&mut self) -> A {
        // SAFETY: before `enter` the target is a live entry whose arguments nobody has taken
        // (contract of `Scope::new`), and the caller says that this is the first statement.
        unsafe {
            let entry = self.target.cast::<Entry<A>>();
            let args = ptr::read(&raw const (*entry).args);
            self.target = (*entry).driver.cast();
            ManuallyDrop::into_inner(args)
        }
    }

    /// The chain that runs this body.
    #[inline(always)]
    pub fn chain(&self) -> Chain<K> {
        Chain::new(self.target.cast())
    }
}
