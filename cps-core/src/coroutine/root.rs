//! The root future: a chain of frames as one ordinary [`Future`].

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::chain::driver::Driver;
use crate::coroutine::polled_as::AsFuture;
use crate::coroutine::root_memory::RootMemory;
use crate::frame::body::Body;
use crate::stack::options::{StackOptions, StackUsage};

/// A whole stack of coroutine frames as one [`Future`].
///
/// It allocates nothing by itself, runs in any executor, and passes the executor's context on to the future that its
/// innermost frame awaits. A poll resumes that frame directly, at any depth.
///
/// # Panics
/// When polled after it has returned or panicked, as an `async` block does.
///
/// # Cancellation
/// Dropping it drops the frames innermost first, in the order in which nested futures are dropped. It does so in a
/// loop: a chain of a million frames needs no more host stack than one of two.
///
/// # The frame stack
/// The frames of calls by [`on_stack`](crate::Coroutine::on_stack) lie in chunks that the root allocates as they are
/// needed. By [`Coroutine::into_root_with`](crate::Coroutine::into_root_with) they have a limit, or the first of them
/// is a part of the root: the `N` bytes of [`StackOptions::inside`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[repr(transparent)]
pub struct Root<B: Body, const N: usize = 0> {
    chain: RootMemory<Driver, B, N>,
}

impl<B: Body> Root<B> {
    #[inline(always)]
    pub(crate) fn new(body: B) -> Self {
        Root { chain: RootMemory::new(body) }
    }
}

impl<B: Body, const N: usize> Root<B, N> {
    /// # Panics
    /// If the first chunk of the stack is to be allocated and cannot be.
    pub(crate) fn with_options(options: StackOptions<N>, body: B) -> Self {
        Root { chain: RootMemory::with_options(options, body) }
    }

    /// The functions of the chain, innermost first, and the await at which each of them waits. Empty if the chain was
    /// not started, or has ended.
    ///
    /// ```
    /// use cps_core::cps;
    ///
    /// #[cps]
    /// async fn inner() {
    ///     std::future::pending().await
    /// }
    ///
    /// #[cps]
    /// async fn outer() {
    ///     inner().await
    /// }
    ///
    /// # use std::future::{Future, IntoFuture};
    /// # use std::task::{Context, Waker};
    /// let mut root = std::pin::pin!(outer().into_future());
    /// # let _ =
    /// root.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    /// let backtrace = root.backtrace();
    /// let functions: Vec<_> = backtrace.frames().iter().map(|frame| frame.function()).collect();
    /// assert!(functions[0].ends_with("inner") && functions[1].ends_with("outer"));
    /// println!("{backtrace}");
    /// ```
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn backtrace(&self) -> Backtrace {
        self.chain.backtrace()
    }

    /// The memory that the root's frame stack uses, and the most that it has used.
    ///
    /// ```
    /// use cps_core::cps;
    ///
    /// #[cps]
    /// async fn sum(n: u64) -> u64 {
    ///     if n == 0 { 0 } else { sum(n - 1).on_stack().await + n }
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// let mut root = std::pin::pin!(sum(1000).into_future());
    /// assert_eq!(root.stack_usage().reserved, 0);
    /// assert_eq!(root.as_mut().await, 500_500);
    /// let usage = root.stack_usage();
    /// assert_eq!(usage.in_use, 0);
    /// println!("at most {} bytes", usage.most_reserved);
    /// # assert!((30_000..130_000).contains(&usage.most_reserved), "{usage:?}");
    /// # });
    /// # use std::future::IntoFuture;
    /// ```
    pub fn stack_usage(&self) -> StackUsage {
        self.chain.stack_usage()
    }
}

impl<B: Body, const N: usize> Future for Root<B, N> {
    type Output = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: invariant M: nothing is moved out of the root, which is pinned. It borrows the chain exclusively, and
        // begins with it, as `AsFuture` asks.
        unsafe { RootMemory::poll::<AsFuture<Self>>(&raw mut self.get_unchecked_mut().chain, cx) }
    }
}

impl<B: Body, const N: usize> Drop for Root<B, N> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the chain is dropped once, and nothing runs it, since `self` is borrowed exclusively.
        unsafe { RootMemory::drop_in_place(&raw mut self.chain) }
    }
}

impl<B: Body, const N: usize> fmt::Debug for Root<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Root").field(&format_args!("{}", self.chain.condition())).finish()
    }
}
