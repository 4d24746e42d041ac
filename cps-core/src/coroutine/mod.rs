//! The value that a `#[cps]` function returns: a coroutine, which is a future, and its small form.
//!
//! ```text
//!        from_body            poll                              poll: Ready, panic
//!   ───────────────▶ unstarted ───▶ a chain, as in a `Root` ──────────────────────▶ ended
//!                      │ into_body: a call, `boxed`, …
//!                      ▼
//!                    forgotten
//! ```

#[cfg(feature = "alloc")]
pub(crate) mod boxed;
#[cfg(feature = "alloc")]
pub(crate) mod boxed_frame;
#[cfg(feature = "alloc")]
pub(crate) mod erased_frame;
#[cfg(feature = "alloc")]
pub mod hosted;
#[cfg(feature = "tracing")]
pub(crate) mod in_span;
mod lazy;
pub(crate) mod polled_as;
pub(crate) mod root;
pub(crate) mod root_memory;

#[cfg(feature = "alloc")]
pub use boxed::{BoxCoroutine, ErasedCoroutine, Local, LocalBoxCoroutine};
#[cfg(feature = "tracing")]
pub use in_span::InSpan;
pub use root::Root;

use core::fmt;
use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::call::generic::{LazyChain, is_unpolled};
use crate::call::{Callee, Content, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::chain::driver::Driver;
use crate::coroutine::polled_as::AsFuture;
use crate::coroutine::root_memory::RootMemory;
use crate::frame::body::{Body, FnBody, Make, Site};
use crate::frame::passing::Passing;
#[cfg(feature = "alloc")]
use crate::placement::Heap;
use crate::placement::{Inline, InlineUpTo, Placement, Stack};
use crate::placement::{StackExhausted, TryOnStack};
use crate::stack::options::{StackOptions, StackUsage};

/// A coroutine: the value that a `#[cps] async fn` returns.
///
/// - `.await` in the body of another coroutine **calls** it: its frame is linked to the caller's, and a
///   wake-up resumes the innermost frame directly.
/// - Anywhere else it is a [`Future`], like the value of an `async fn`: it may be spawned, boxed, joined, awaited in
///   plain `async` code. Polled, it is the root of a chain of its own, and holds the frames that are part of it.
///
/// It is as large as the root, and started by its first poll. Until then nothing of it is written but its
/// arguments; [`unstarted`](Coroutine::unstarted) gives a form that is no larger than these.
///
/// `P` is where the frame is placed when it is called: see [`Placement`].
///
/// # Panics
/// Polling it after it has returned or panicked panics, as it does for an `async` block.
///
/// # Cancellation
/// Dropping it drops the frames of the chain, innermost first: see [`Root`].
#[must_use = "a coroutine does nothing until it is awaited or polled"]
#[repr(C)]
pub struct Coroutine<B: Body, P = Inline> {
    chain: RootMemory<Driver, B, 0>,
    placement: PhantomData<fn() -> P>,
    _body: PhantomData<B>,
}

// SAFETY: it owns a body, or the root of one, which is `Send` if that is.
unsafe impl<B: Body + Send, P> Send for Coroutine<B, P> {}
// SAFETY: a shared reference gives access to nothing but the chain's account of itself, as for a root.
unsafe impl<B: Body, P> Sync for Coroutine<B, P> {}
impl<B: Body + UnwindSafe, P> UnwindSafe for Coroutine<B, P> {}
impl<B: Body + RefUnwindSafe, P> RefUnwindSafe for Coroutine<B, P> {}

impl<B: Body, P> Coroutine<B, P> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn from_body(body: B) -> Self {
        let mut this = MaybeUninit::<Self>::uninit();
        // SAFETY: the memory is for the chain, which is all that is in it, and of which `write_lazy` writes what must
        // be.
        unsafe {
            RootMemory::write_lazy(&raw mut (*this.as_mut_ptr()).chain, body);
            this.assume_init()
        }
    }

    /// The body. (A coroutine that is held by value was never polled, since it is not `Unpin`.)
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn into_body(self) -> B {
        let mut this = ManuallyDrop::new(self);
        let chain = &raw mut this as *mut RootMemory<Driver, B, 0>;
        // SAFETY: the chain is at the start of this (`repr(C)`, `repr(transparent)`). As it has not been polled, the
        // body is there. It is moved out once: `this` is not dropped.
        unsafe { RootMemory::body(chain).read() }
    }

    /// The coroutine in a form that is as large as its arguments, to be stored and moved. Awaiting it is the
    /// same.
    ///
    /// ```
    /// use cps_core::cps;
    ///
    /// #[cps]
    /// async fn fill(byte: u8) -> usize {
    ///     let page = [byte; 4096];
    ///     std::future::ready(()).await;
    ///     page.iter().filter(|&&b| b == byte).count()
    /// }
    ///
    /// assert!(size_of_val(&fill(1)) > 4096);
    /// let queue: Vec<_> = (0..10).map(|byte| fill(byte).unstarted()).collect();
    /// assert_eq!(size_of_val(&queue[0]), 1);
    /// # futures::executor::block_on(async {
    /// for coroutine in queue {
    ///     assert_eq!(coroutine.await, 4096);
    /// }
    /// # });
    /// ```
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn unstarted(self) -> Unstarted<B, P> {
        Unstarted::from_body(self.into_body())
    }

    /// The chain's root, in a type that can be named: [`Root`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn into_root(self) -> Root<B> {
        Root::new(self.into_body())
    }

    /// As [`into_root`](Self::into_root), with a frame stack that is set up as `options` say. Its first chunk is
    /// allocated now, or is [inside](StackOptions::inside) the root.
    ///
    /// ```
    /// use cps_core::cps;
    /// use cps_core::placement::StackOptions;
    ///
    /// #[cps]
    /// async fn height(n: u32) -> u32 {
    ///     if n == 0 { 0 } else { height(n - 1).on_stack().await + 1 }
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// let limited = StackOptions::new().limit(64 * 1024);
    /// assert_eq!(height(1000).into_root_with(limited).await, 1000);
    /// assert_eq!(height(10).into_root_with(limited.inside::<1024>()).await, 10);
    /// # });
    /// ```
    ///
    /// # Panics
    /// If the first chunk is not inside and cannot be allocated.
    pub fn into_root_with<const N: usize>(self, options: StackOptions<N>) -> Root<B, N> {
        Root::with_options(options, self.into_body())
    }

    /// The functions of the chain, innermost first, and the await where each of them waits: see
    /// [`Root::backtrace`]. Empty if it was not polled, or has returned.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn backtrace(&self) -> Backtrace {
        self.started().map_or(Backtrace::empty(), RootMemory::backtrace)
    }

    /// The memory that the chain's frame stack uses, and the most that it has used: see [`Root::stack_usage`].
    pub fn stack_usage(&self) -> StackUsage {
        self.started().map_or_else(StackUsage::default, RootMemory::stack_usage)
    }

    /// The chain, once there is one.
    fn started(&self) -> Option<&RootMemory<Driver, B, 0>> {
        // SAFETY: every coroutine is made with its leaf written: by `from_body` or `from_parts`.
        let is_started = unsafe { !is_unpolled(RootMemory::leaf(&raw const self.chain)) };
        is_started.then_some(&self.chain)
    }
}

impl<A, F, R, K, P> Coroutine<FnBody<A, F, R, K>, P>
where
    F: Make<A, K>,
    FnBody<A, F, R, K>: Body,
{
    /// Memory for a coroutine. (A constant: where nothing is inlined, this copies nothing.)
    const UNWRITTEN: MaybeUninit<Self> = MaybeUninit::uninit();

    /// [`Coroutine::from_body`] for the parts of a body. (No other value is as large as the coroutine, and the
    /// arguments are copied once, also where nothing is optimised.)
    ///
    /// # Safety
    /// - `args` is valid, and is not used again.
    /// - The future that `make` returns fulfils invariant E: see `StartBody`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn from_parts(args: *const A, make: F) -> Self {
        let mut this = Self::UNWRITTEN;
        // SAFETY: the memory is for the chain, which is all that is in it, and begins with its driver: the leaf and the
        // body are what must be written. The expansion, by `MakeBody`, gives arguments that are its own, and a closure whose future fulfils
        // invariant E.
        unsafe {
            let chain = &raw mut this as *mut RootMemory<Driver, FnBody<A, F, R, K>, 0>;
            RootMemory::write_lazy_parts(chain, args, make);
            (&raw const this as *const Self).read()
        }
    }
}

// SAFETY: it begins with a chain, and that with its driver, whose leaf is written; its poll does as the trait says: see
// `RootMemory::start_called`.
unsafe impl<B: Body, P> LazyChain for Coroutine<B, P> {}

impl<B: Body, P> Future for Coroutine<B, P> {
    type Output = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: invariant M: nothing is moved out of `self`, which is pinned. It borrows the chain exclusively, and
        // begins with it, as `AsFuture` asks.
        unsafe {
            RootMemory::poll_lazy::<AsFuture<Self>>(&raw mut self.get_unchecked_mut().chain, cx)
        }
    }
}

impl<B: Body, P> Drop for Coroutine<B, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the chain is dropped once, and nothing runs it, since `self` is borrowed exclusively.
        unsafe { RootMemory::drop_lazy(&raw mut self.chain) }
    }
}

impl<B: Body, P> Coroutine<B, P> {
    /// Places the frame as the argument says: `child(x).placed(Stack).await`. The other methods are
    /// short for this one.
    ///
    /// It overrides the definition's `#[cps(elision = "…")]`, and any earlier call.
    ///
    /// ```
    /// use cps_core::cps;
    /// use cps_core::placement::{Heap, InlineUpTo};
    ///
    /// #[cps(elision = "stack")]
    /// async fn length(text: &str) -> usize {
    ///     text.len()
    /// }
    ///
    /// #[cps]
    /// async fn lengths(a: &str, b: &str) -> [usize; 3] {
    ///     [length(a).await, length(b).placed(Heap).await, length("").placed(InlineUpTo::<64>).await]
    /// }
    /// # futures::executor::block_on(async { assert_eq!(lengths("a", "bc").await, [1, 2, 0]) });
    /// ```
    pub fn placed<Q: Placement>(self, _: Q) -> Coroutine<B, Q> {
        Coroutine::from_body(self.into_body())
    }

    /// Places the frame in the caller's frame if it takes no more than `N` bytes, and on the frame
    /// stack otherwise: see [`InlineUpTo`].
    pub fn inline_up_to<const N: usize>(self) -> Coroutine<B, InlineUpTo<N>> {
        Coroutine::from_body(self.into_body())
    }

    /// Places the frame in the caller's frame.
    pub fn inline(self) -> Coroutine<B, Inline> {
        Coroutine::from_body(self.into_body())
    }

    /// Places the frame on the chain's frame stack, which belongs to the [`Root`].
    ///
    /// The stack is allocated in chunks that grow, with the first call that needs one, and freed
    /// with the root; a call takes a few instructions. This too is fit for recursion:
    ///
    /// ```
    /// use cps_core::cps;
    ///
    /// #[cps]
    /// async fn fib(n: u64) -> u64 {
    ///     if n < 2 { n } else { fib(n - 1).on_stack().await + fib(n - 2).on_stack().await }
    /// }
    /// # futures::executor::block_on(async { assert_eq!(fib(20).await, 6765) });
    /// ```
    ///
    /// # Panics
    /// The call panics, where it is awaited, if memory cannot be allocated or the stack's
    /// [limit](crate::placement::StackOptions::limit) is reached. [`try_on_stack`](Self::try_on_stack) is the
    /// form that does not.
    pub fn on_stack(self) -> Coroutine<B, Stack> {
        Coroutine::from_body(self.into_body())
    }

    /// As [`on_stack`](Self::on_stack), but evaluates to an error, with the coroutine in it, if there
    /// is no memory for the frame: for recursion whose depth the input decides.
    ///
    /// For an `.await` in a coroutine only.
    ///
    /// ```
    /// use cps_core::cps;
    /// use cps_core::placement::StackOptions;
    ///
    /// #[cps]
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
    /// let limited = |text| nested(text).into_root_with(StackOptions::new().limit(4096));
    /// assert_eq!(limited(b"((()))").await, Ok(3));
    /// assert!(limited(&[b'('; 1000]).await.unwrap_err().contains("limit of 4096 bytes"));
    /// # });
    /// ```
    pub fn try_on_stack(self) -> TryOnStack<B> {
        TryOnStack::new(self.into_body())
    }

    /// Places the frame on the heap: an allocation for each call.
    ///
    /// This is what recursion needs, since a frame cannot contain itself:
    ///
    /// ```
    /// use cps_core::cps;
    ///
    /// #[cps]
    /// async fn depth(n: u64) -> u64 {
    ///     if n == 0 { 0 } else { depth(n - 1).on_heap().await + 1 }
    /// }
    /// # futures::executor::block_on(async { assert_eq!(depth(1000).await, 1000) });
    /// ```
    #[cfg(feature = "alloc")]
    pub fn on_heap(self) -> Coroutine<B, Heap> {
        Coroutine::from_body(self.into_body())
    }
}

impl<B: Body, P> Coroutine<B, P> {
    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __cps_call(self) -> Unstarted<B, P> {
        Unstarted { body: self.into_body(), placement: PhantomData }
    }
}

impl<B: Body, P> fmt::Debug for Coroutine<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = self.started().map_or("unstarted", RootMemory::condition);
        f.debug_tuple("Coroutine").field(&format_args!("{condition}")).finish()
    }
}

/// A coroutine that is as large as its arguments: made by [`Coroutine::unstarted`], to be stored and moved.
///
/// Awaited, it is the coroutine.
#[must_use = "a coroutine does nothing until it is awaited"]
pub struct Unstarted<B, P = Inline> {
    body: B,
    placement: PhantomData<fn() -> P>,
}

impl<B: Body, P> Unstarted<B, P> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn from_body(body: B) -> Self {
        Unstarted { body, placement: PhantomData }
    }

    /// The coroutine.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn into_coroutine(self) -> Coroutine<B, P> {
        Coroutine::from_body(self.body)
    }

    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __cps_call(self) -> Self {
        self
    }
}

impl<B: Body, P: Placement, K: MayWait> Callee<K> for Unstarted<B, P> {
    type Content = P::Content<B>;
    type Waiting = Suspended;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<P::Content<B>>,
    ) -> Result<<P::Content<B> as Content>::Ready, Suspended> {
        // SAFETY: the running body calls this with its own slot (invariants D and F). `Handle::__cps_begin`, which owns
        // `this`, does not use it again.
        unsafe { P::call::<B, S>(slot, chain, Passing::of(&raw mut (*this).body)) }
    }
}

impl<B: Body, P> IntoFuture for Unstarted<B, P> {
    type Output = B::Output;
    type IntoFuture = Coroutine<B, P>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn into_future(self) -> Coroutine<B, P> {
        self.into_coroutine()
    }
}

impl<B, P> fmt::Debug for Unstarted<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unstarted")
    }
}

impl<B: Body> StackExhausted<B> {
    /// The coroutine that was not started, to be called otherwise.
    pub fn into_coroutine(self) -> Coroutine<B, Stack> {
        Coroutine::from_body(self.into_body())
    }
}
