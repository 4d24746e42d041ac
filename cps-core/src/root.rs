//! The root future: a chain of frames as one ordinary [`Future`].

use core::cell::UnsafeCell;
use core::fmt;
use core::future::Future;
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::body::Body;
use crate::driver::{Driver, ended};
use crate::frame::{Frame, Origin};
use crate::running::during;
use crate::stack::Chunk;
use crate::stack_options::{StackOptions, StackUsage};

/// A whole stack of coroutine frames as one [`Future`].
///
/// It allocates nothing by itself, runs in any executor, and passes the executor's context on to
/// whatever its innermost frame awaits. A poll resumes that frame directly, at any depth.
///
/// # Panics
/// Polling it after it has returned or panicked panics, as it does for an `async` block.
///
/// # Cancellation
/// Dropping it drops the frames innermost first, in the order in which nested futures would drop,
/// in a loop: a chain of a million frames needs no more host stack than one of two.
///
/// # The frame stack
/// The frames of calls by [`on_stack`](crate::Coroutine::on_stack) lie in chunks that the root
/// allocates as they are needed. [`Coroutine::with_stack`](crate::Coroutine::with_stack) sets a
/// limit; [`Coroutine::with_stack_inside`](crate::Coroutine::with_stack_inside) gives the root `N`
/// bytes for a first chunk, which is a part of it.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[repr(C)]
pub struct Root<B: Body, const N: usize = 0> {
    driver: Driver,
    frame: UnsafeCell<Origin<B>>,
    chunk: UnsafeCell<Bytes<N>>,
}

/// Memory for a chunk of the frame stack: its head first, once the root is made.
#[repr(C, align(8))]
struct Bytes<const N: usize>([MaybeUninit<u8>; N]);

// SAFETY: a root owns the root frame, which is `Send` if the body is (contract of `Body`), and
// through it all other frames of the chain: those in the body's slots, whose types are part of the
// body's future, and those it boxed as `Send`. The driver's pointers lead to these, or are unused
// outside of a poll.
unsafe impl<B: Body + Send, const N: usize> Send for Root<B, N> {}
// SAFETY: a shared reference to a root gives access to nothing but the driver's account of itself
// (`Debug`, `backtrace`, `stack_usage`), which reads what is written through `&mut` only.
unsafe impl<B: Body, const N: usize> Sync for Root<B, N> {}

impl<B: Body> Root<B> {
    #[inline(always)]
    pub(crate) fn new(body: B) -> Self {
        Self::with_driver(Driver::new(), body)
    }
}

impl<B: Body, const N: usize> Root<B, N> {
    #[inline(always)]
    pub(crate) fn with_driver(driver: Driver, body: B) -> Self {
        Root {
            driver,
            frame: UnsafeCell::new(Origin::unstarted(body, ptr::null())),
            chunk: UnsafeCell::new(Bytes([MaybeUninit::uninit(); N])),
        }
    }

    /// A root with the first chunk of its frame stack inside.
    pub(crate) fn with_chunk(body: B, options: StackOptions) -> Self {
        const {
            assert!(N >= size_of::<Chunk>(), "the chunk is smaller than its head, of 128 bytes");
        }
        let mut root = Self::with_driver(Driver::new(), body);
        let head = root.chunk.get_mut().0.as_mut_ptr().cast::<Chunk>();
        // SAFETY: the bytes are large enough for a head, and aligned as it is.
        unsafe { head.write(Chunk::borrowed(options)) };
        root
    }

    /// The functions of the chain, innermost first, and the await where each of them waits. Empty if
    /// the chain is not started, or has ended.
    ///
    /// ```
    /// #[cps_core::coroutine]
    /// async fn inner() {
    ///     std::future::pending().await
    /// }
    ///
    /// #[cps_core::coroutine]
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
        // SAFETY: a chain runs only while its root is borrowed exclusively.
        unsafe { Backtrace::of_suspended(&self.driver) }
    }

    /// What the root's frame stack uses and has used.
    ///
    /// ```
    /// #[cps_core::coroutine]
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
        self.driver.stack.usage()
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// `this` is pinned, its driver was entered, and its leaf is null.
    #[inline(never)]
    unsafe fn start(this: *mut Self, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: pinned memory stays valid until the root is dropped; the frame holds the body as
        // long as the leaf is null, and it is taken out once. If there is a chunk, its head was
        // written by `with_chunk`; the driver, and with it the stack, is dropped before the chunk's
        // memory is gone.
        unsafe {
            let driver = &raw const (*this).driver;
            // A chain that panics in its first poll has ended.
            (*driver).leaf.set(ended());
            if N != 0 {
                // From here on the root is not moved.
                let head = UnsafeCell::raw_get(&raw const (*this).chunk).cast::<Chunk>();
                (*driver).stack.install(head, N & !(align_of::<Chunk>() - 1));
            }
            let origin = UnsafeCell::raw_get(&raw const (*this).frame);
            let parts = Origin::take(origin);
            let frame = origin.cast::<Frame<B>>();
            match Frame::start_root(frame, parts, driver) {
                Poll::Ready(value) => Poll::Ready(value),
                Poll::Pending => {
                    Self::result(this, Driver::settle(driver, cx, (*driver).pending()))
                }
            }
        }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `Driver::run` or `Driver::settle` returned last.
    #[inline(always)]
    unsafe fn result(this: *mut Self, poll: Poll<()>) -> Poll<B::Output> {
        poll.map(|()| {
            // SAFETY: the chain has ended, so the root frame has returned, and the leaf that is
            // cleared here keeps this from being called again.
            unsafe {
                (*this).driver.leaf.set(ended());
                Frame::take_result(UnsafeCell::raw_get(&raw const (*this).frame).cast::<Frame<B>>())
            }
        })
    }
}

impl<B: Body, const N: usize> Future for Root<B, N> {
    type Output = B::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: nothing is moved out of the pinned root. A non-null leaf means that the chain is
        // suspended (it cannot be running: `self` is borrowed exclusively).
        unsafe {
            let this: *mut Self = self.get_unchecked_mut();
            let driver = &raw const (*this).driver;
            (*driver).enter(cx);
            during(driver, || {
                if (*driver).leaf.get().is_null() {
                    return Self::start(this, cx);
                }
                let poll = Driver::run(driver, cx);
                Self::result(this, poll)
            })
        }
    }
}

impl<B: Body, const N: usize> Drop for Root<B, N> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing runs the chain, since `self` is borrowed exclusively.
        unsafe {
            if self.driver.is_started() {
                Driver::cancel(&raw const self.driver);
            } else {
                Origin::drop_unstarted(self.frame.get());
            }
        }
    }
}

impl<B: Body, const N: usize> fmt::Debug for Root<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Root").field(&format_args!("{}", self.driver.condition())).finish()
    }
}
