//! An unstarted coroutine: what a `#[coroutine]` function returns.

use core::fmt;
use core::future::IntoFuture;
use core::marker::PhantomData;

use crate::body::{Body, Chain};
use crate::call::{Embedded, Slot, Suspended};
use crate::root::Root;

/// An unstarted, movable coroutine, as large as its arguments.
///
/// - `.await` in another coroutine **calls** it: its frame is linked to the caller's, and a
///   wake-up resumes the innermost frame directly.
/// - Anywhere else it turns into a [`Root`], a future of its own, by [`IntoFuture`]: `.await` in
///   plain `async` code does so, and where a `Future` is wanted (`spawn`, `join!`, a foreign
///   combinator) call [`into_future`](IntoFuture::into_future).
///
/// `P` is where the frame is placed when it is called: see [`Inline`] and [`Heap`].
#[must_use = "a coroutine does nothing until it is awaited or turned into a future"]
pub struct Coroutine<B: Body, P = Inline> {
    body: B,
    placement: PhantomData<fn() -> P>,
}

/// The frame is part of the caller's frame. The default; not possible for recursion.
#[derive(Clone, Copy, Debug)]
pub struct Inline;

/// The frame is allocated for the call and freed when it ends.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub struct Heap;

/// The frame is on the chain's frame stack.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub struct Stack;

impl<B: Body, P> Coroutine<B, P> {
    #[inline(always)]
    pub(crate) fn from_body(body: B) -> Self {
        Coroutine { body, placement: PhantomData }
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn into_body(self) -> B {
        self.body
    }

    /// Places the frame in the caller's frame.
    pub fn inline(self) -> Coroutine<B, Inline> {
        Coroutine::from_body(self.body)
    }

    /// Places the frame on the chain's frame stack, which belongs to the [`Root`].
    ///
    /// The stack is allocated in chunks that grow, with the first call that needs one, and freed
    /// with the root; a call takes a few instructions. This too is fit for recursion:
    ///
    /// ```
    /// #[cps_core::coroutine]
    /// async fn fib(n: u64) -> u64 {
    ///     if n < 2 { n } else { fib(n - 1).on_stack().await + fib(n - 2).on_stack().await }
    /// }
    /// # futures::executor::block_on(async { assert_eq!(fib(20).await, 6765) });
    /// ```
    #[cfg(feature = "alloc")]
    pub fn on_stack(self) -> Coroutine<B, Stack> {
        Coroutine::from_body(self.body)
    }

    /// Places the frame on the heap: an allocation for each call.
    ///
    /// This is what recursion needs, since a frame cannot contain itself:
    ///
    /// ```
    /// #[cps_core::coroutine]
    /// async fn depth(n: u64) -> u64 {
    ///     if n == 0 { 0 } else { depth(n - 1).on_heap().await + 1 }
    /// }
    /// # futures::executor::block_on(async { assert_eq!(depth(1000).await, 1000) });
    /// ```
    #[cfg(feature = "alloc")]
    pub fn on_heap(self) -> Coroutine<B, Heap> {
        Coroutine::from_body(self.body)
    }
}

impl<B: Body> Coroutine<B, Inline> {
    /// # Safety
    /// For the expansion of `#[coroutine]` only: see `call.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn __cps_begin(
        self,
        chain: Chain,
        slot: *mut Slot<Embedded<B>>,
    ) -> (Option<B::Output>, Suspended) {
        // SAFETY: passed on.
        unsafe { Slot::<Embedded<B>>::call(slot, chain, self.body) }
    }
}

#[cfg(feature = "alloc")]
impl<B: Body> Coroutine<B, Heap> {
    /// # Safety
    /// For the expansion of `#[coroutine]` only: see `call.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn __cps_begin(
        self,
        chain: Chain,
        slot: *mut Slot<crate::heap::Allocated<B>>,
    ) -> (Option<B::Output>, Suspended) {
        // SAFETY: passed on.
        unsafe { Slot::<crate::heap::Allocated<B>>::call(slot, chain, self.body) }
    }
}

#[cfg(feature = "alloc")]
impl<B: Body> Coroutine<B, Stack> {
    /// # Safety
    /// For the expansion of `#[coroutine]` only: see `call.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn __cps_begin(
        self,
        chain: Chain,
        slot: *mut Slot<crate::stacked::Stacked<B>>,
    ) -> (Option<B::Output>, Suspended) {
        // SAFETY: passed on.
        unsafe { Slot::<crate::stacked::Stacked<B>>::call(slot, chain, self.body) }
    }
}

impl<B: Body, P> IntoFuture for Coroutine<B, P> {
    type Output = B::Output;
    type IntoFuture = Root<B>;

    #[inline]
    fn into_future(self) -> Root<B> {
        Root::new(self.body)
    }
}

impl<B: Body, P> fmt::Debug for Coroutine<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coroutine(unstarted)")
    }
}
