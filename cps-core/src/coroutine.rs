//! An unstarted coroutine: what a `#[coroutine]` function returns.

use core::fmt;
use core::future::IntoFuture;
use core::marker::PhantomData;

use crate::body::{Body, Site};
use crate::call::{Slot, Suspended};
use crate::chain::{Chain, MayWait};
#[cfg(feature = "alloc")]
use crate::placement::Heap;
use crate::placement::{Inline, May, Placement, Stack};
use crate::root::Root;
use crate::stack_options::StackOptions;
use crate::try_stacked::TryOnStack;

/// An unstarted, movable coroutine, as large as its arguments.
///
/// - `.await` in another coroutine **calls** it: its frame is linked to the caller's, and a
///   wake-up resumes the innermost frame directly.
/// - Anywhere else it turns into a [`Root`], a future of its own, by [`IntoFuture`]: `.await` in
///   plain `async` code does so, and where a `Future` is wanted (`spawn`, `join!`, a foreign
///   combinator) call [`into_future`](IntoFuture::into_future).
///
/// `P` is where the frame is placed when it is called: see [`Placement`].
#[must_use = "a coroutine does nothing until it is awaited or turned into a future"]
pub struct Coroutine<B: Body, P = Inline> {
    body: B,
    placement: PhantomData<fn() -> P>,
}

impl<B: Body, P> Coroutine<B, P> {
    #[inline(always)]
    pub(crate) fn from_body(body: B) -> Self {
        Coroutine { body, placement: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn into_body(self) -> B {
        self.body
    }

    /// Places the frame as the argument says: `child(x).placed(Stack).await`. The other methods are
    /// short for this one.
    ///
    /// It overrides what the definition says by `#[coroutine(elision = "…")]`, and any earlier
    /// call.
    ///
    /// ```
    /// use cps_core::{Heap, May};
    ///
    /// #[cps_core::coroutine(elision = "stack")]
    /// async fn length(text: &str) -> usize {
    ///     text.len()
    /// }
    ///
    /// #[cps_core::coroutine]
    /// async fn lengths(a: &str, b: &str) -> [usize; 3] {
    ///     [length(a).await, length(b).placed(Heap).await, length("").placed(May::<64>).await]
    /// }
    /// # futures::executor::block_on(async { assert_eq!(lengths("a", "bc").await, [1, 2, 0]) });
    /// ```
    pub fn placed<Q: Placement>(self, _: Q) -> Coroutine<B, Q> {
        Coroutine::from_body(self.body)
    }

    /// Places the frame in the caller's frame if it takes no more than `N` bytes, and on the frame
    /// stack otherwise: see [`May`].
    pub fn may_inline<const N: usize>(self) -> Coroutine<B, May<N>> {
        Coroutine::from_body(self.body)
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
    ///
    /// # Panics
    /// The call panics, where it is awaited, if memory cannot be allocated or the stack's
    /// [limit](crate::StackOptions::limit) is reached. [`try_on_stack`](Self::try_on_stack) is the
    /// form that does not.
    pub fn on_stack(self) -> Coroutine<B, Stack> {
        Coroutine::from_body(self.body)
    }

    /// As [`on_stack`](Self::on_stack), but evaluates to an error, with the coroutine in it, if there
    /// is no memory for the frame: for recursion whose depth the input decides.
    ///
    /// For an `.await` in a coroutine only.
    ///
    /// ```
    /// use cps_core::StackOptions;
    ///
    /// #[cps_core::coroutine]
    /// async fn nested(brackets: &[u8]) -> Result<usize, String> {
    ///     match brackets.split_first() {
    ///         Some((b'(', rest)) => match nested(rest).try_on_stack().await {
    ///             Ok(inner) => Ok(inner? + 1),
    ///             Err(exhausted) => Err(format!("nested too deeply: {exhausted}")),
    ///         },
    ///         _ => Ok(0),
    ///     }
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// let limited = |text| nested(text).with_stack(StackOptions::new().limit(4096));
    /// assert_eq!(limited(b"((()))").await, Ok(3));
    /// assert!(limited(&[b'('; 1000]).await.unwrap_err().contains("limit of 4096 bytes"));
    /// # });
    /// ```
    pub fn try_on_stack(self) -> TryOnStack<B> {
        TryOnStack::new(self.body)
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

/// Roots with a frame stack of one's own choice.
impl<B: Body, P> Coroutine<B, P> {
    /// Turns the coroutine into a root whose frame stack is set up as `options` say. The stack's
    /// first chunk is allocated now.
    ///
    /// # Panics
    /// If it cannot be.
    #[cfg(feature = "alloc")]
    pub fn with_stack(self, options: StackOptions) -> Root<B> {
        Root::with_options(options, self.body)
    }

    /// Turns the coroutine into a root with the first chunk of its frame stack inside: `N` bytes,
    /// of which the chunk's head takes less than 128.
    ///
    /// With the feature `alloc` the stack grows by further chunks, which are allocated, if
    /// `options` allow it; without, what is inside is all there is.
    ///
    /// ```
    /// use cps_core::StackOptions;
    ///
    /// #[cps_core::coroutine]
    /// async fn height(n: u32) -> u32 {
    ///     if n == 0 { 0 } else { height(n - 1).on_stack().await + 1 }
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// // Allocates nothing.
    /// let root = height(10).with_stack_inside::<1024>(StackOptions::new().limit(1024));
    /// assert_eq!(root.await, 10);
    /// # });
    /// ```
    pub fn with_stack_inside<const N: usize>(self, options: StackOptions) -> Root<B, N> {
        Root::with_chunk(options, self.body)
    }
}

impl<B: Body, P: Placement> Coroutine<B, P> {
    /// # Safety
    /// For the expansion of `#[coroutine]` only: see `call.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn __cps_begin<S: Site, K: MayWait>(
        self,
        chain: Chain<K>,
        slot: *mut Slot<P::Content<B>>,
    ) -> (Option<B::Output>, Suspended) {
        // SAFETY: passed on.
        unsafe { P::call::<B, S>(slot, chain.any(), self.body) }
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
