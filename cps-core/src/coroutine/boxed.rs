//! Coroutines without their body's type: in trait objects, in collections, for recursion.
//!
//! A call is dynamic once, when it starts. From then on its frame is linked like any other, and a wake-up resumes the
//! innermost frame directly, below any number of boxed ones.
//!
//! ```text
//!   ErasedCoroutine            ErasedFrame
//!  ┌────────────────────┐     ┌───────┐      ┌───────────────────────────┐
//!  │ driver, once polled│     │ frame ┼─────▶│ OwnMemory: the frame, … │
//!  │ ErasedFrame        ┼────▶└───────┘      └───────────────────────────┘
//!  └────────────────────┘      a callee in its caller's slot: this only
//! ```

use core::fmt;
use core::future::Future;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::backtrace::Backtrace;
use crate::backtrace::running::Running;
use crate::call::foreign::Awaiting;
use crate::call::generic::{LazyChain, is_unpolled};
use crate::chain::caller::{Caller, Waits};
use crate::chain::driver::Driver;
use crate::chain::header::{Header, ended, root_continuation};
use crate::chain::host::Host;
use crate::chain::step::Step;
use crate::coroutine::Coroutine;
pub(crate) use crate::coroutine::erased_frame::Boxed;
use crate::coroutine::erased_frame::ErasedFrame;
use crate::coroutine::polled_as::{AsFuture, PolledAs};
use crate::frame::body::{Body, FnBody, Plain};
use crate::frame::context;
use crate::frame::first_poll::Enter;
use crate::stack::options::StackUsage;

/// A coroutine in an allocation of its own, with its body's type erased.
///
/// `T` is its value's type. `S` states the bounds that the body fulfils: see [`BoxCoroutine`] and
/// [`LocalBoxCoroutine`]. Made by [`Coroutine::boxed`] and [`Coroutine::boxed_local`].
///
/// As with a [`Coroutine`], `.await` in a coroutine calls it. Elsewhere it is a future, the root of a chain. It may
/// be moved, also after it was polled.
///
/// # Panics
/// Polling it after it has returned or panicked panics, as it does for an `async` block.
#[must_use = "a coroutine does nothing until it is awaited or polled"]
#[repr(C)]
pub struct ErasedCoroutine<T, S: ?Sized> {
    /// Before the first poll only its leaf is written, which is null.
    driver: MaybeUninit<Driver>,
    /// The root frame. It is freed once the chain has ended, or moved out for a call.
    frame: ManuallyDrop<ErasedFrame<T, S>>,
}

/// A boxed coroutine that may be sent to another thread; what `BoxFuture` is among futures.
pub type BoxCoroutine<'a, T> = ErasedCoroutine<T, dyn Send + 'a>;

/// A boxed coroutine that stays on its thread; what `LocalBoxFuture` is among futures.
pub type LocalBoxCoroutine<'a, T> = ErasedCoroutine<T, dyn Local + 'a>;

/// No bound: for a coroutine that need not be `Send`.
pub trait Local {}

// SAFETY: it owns the frame, and through it all frames of its chain, if it has one; the frame's owner says whether it
// is `Send`.
unsafe impl<T, S: ?Sized + Send> Send for ErasedCoroutine<T, S> {}
// SAFETY: a shared reference gives access to nothing but the chain's account of itself, as for a root.
unsafe impl<T, S: ?Sized> Sync for ErasedCoroutine<T, S> {}
/// Nothing outside of a poll leads to the driver, and the frame is elsewhere.
impl<T, S: ?Sized> Unpin for ErasedCoroutine<T, S> {}

impl<B: Body, P> Coroutine<B, P> {
    /// Allocates the frame now and forgets the body's type.
    ///
    /// A coroutine that boxes itself must be declared to be `Send`, by `#[cps(send)]`: in its own body rustc cannot
    /// tell yet whether it is (E0283).
    ///
    /// ```
    /// use cps_core::cps;
    ///
    /// #[cps(send)]
    /// async fn sum(n: u32) -> u32 {
    ///     if n == 0 { 0 } else { sum(n - 1).boxed().await + n }
    /// }
    /// # futures::executor::block_on(async { assert_eq!(sum(4).await, 10) });
    /// ```
    ///
    /// ```
    /// use cps_core::{BoxCoroutine, cps};
    ///
    /// trait Handler {
    ///     fn handle(&self, request: u32) -> BoxCoroutine<'_, u32>;
    /// }
    ///
    /// struct Add(u32);
    ///
    /// impl Add {
    ///     #[cps]
    ///     async fn add(&self, request: u32) -> u32 {
    ///         request + self.0
    ///     }
    /// }
    ///
    /// impl Handler for Add {
    ///     fn handle(&self, request: u32) -> BoxCoroutine<'_, u32> {
    ///         self.add(request).boxed()
    ///     }
    /// }
    ///
    /// #[cps]
    /// async fn all(handlers: &[Box<dyn Handler + Sync>]) -> u32 {
    ///     let mut value = 0;
    ///     for handler in handlers {
    ///         value = handler.handle(value).await; // direct, though dynamic
    ///     }
    ///     value
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// assert_eq!(all(&[Box::new(Add(1)), Box::new(Add(2))]).await, 3);
    /// # });
    /// ```
    pub fn boxed<'a>(self) -> BoxCoroutine<'a, B::Output>
    where
        B: Send + 'a, // In its own body, a coroutine is if it says so: `#[cps(send)]`.
    {
        ErasedCoroutine::new(self.into_body())
    }

    /// [`Coroutine::boxed`] for a body that is not `Send`.
    pub fn boxed_local<'a>(self) -> LocalBoxCoroutine<'a, B::Output>
    where
        B: 'a,
    {
        ErasedCoroutine::new(self.into_body())
    }
}

impl<T, S: ?Sized> ErasedCoroutine<T, S> {
    /// `B` must fulfil the bounds that `S` stands for.
    fn new<B: Body<Output = T>>(body: B) -> Self {
        let frame = ManuallyDrop::new(ErasedFrame::new(body));
        let mut this = ErasedCoroutine { driver: MaybeUninit::uninit(), frame };
        this.set_leaf(ptr::null());
        this
    }

    #[inline(always)]
    fn leaf(&self) -> *const Header {
        // SAFETY: `new` writes the leaf before anybody reads it.
        unsafe { Driver::leaf_of(self.driver.as_ptr()) }
    }

    #[inline(always)]
    fn set_leaf(&mut self, leaf: *const Header) {
        // SAFETY: the driver's memory is a part of this value, which is borrowed exclusively.
        unsafe { Driver::set_leaf_of(self.driver.as_mut_ptr(), leaf) }
    }

    /// The frame, to be called.
    #[inline(always)]
    pub(crate) fn into_frame(self) -> ErasedFrame<T, S> {
        if !self.leaf().is_null() {
            return self.into_frame_of_chain();
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: as long as the leaf is null the frame is there, and unstarted; `this` is not dropped, so it is
        // moved out once.
        unsafe { ManuallyDrop::take(&mut this.frame) }
    }

    /// The frame of a coroutine that awaits this one, which was polled before it is called.
    #[cold]
    #[inline(never)]
    fn into_frame_of_chain(self) -> ErasedFrame<T, S> {
        let make = |enter: Enter<Self, Waits>| async move {
            let entered = enter.await;
            // SAFETY: the body has awaited `Enter` alone, and this is the only call.
            let chain = unsafe { entered.__cps_args() };
            Awaiting::new(chain).await.into_value()
        };
        // SAFETY: the future awaits `Enter` first, then takes its argument, and owns nothing once it has returned
        // (invariant E).
        ErasedFrame::new(unsafe { FnBody::<_, _, Plain, Waits>::new(self, make) })
    }

    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub fn __cps_call(self) -> ErasedFrame<T, S> {
        self.into_frame()
    }

    /// A poll that is not the first, or that of a chain whose leaf is `CALLED`.
    ///
    /// # Safety
    /// The leaf is not null.
    #[inline(always)]
    unsafe fn resume(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let driver: *const Driver = self.driver.as_mut_ptr();
        // SAFETY: the driver is written, and the chain is suspended or has ended (it cannot be running: `self` is
        // borrowed exclusively); or its leaf is `CALLED`.
        unsafe {
            Driver::enter(driver, Host::of(cx));
            let running = Running::new(driver);
            let entered = running.enter();
            let step = Driver::take_step(driver);
            drop(entered);
            match Driver::settle_most(driver, step) {
                Some(poll) => poll,
                None => self.resume_on(step),
            }
        }
    }

    /// The rest of `resume`. (One function for what is rare, so that a poll is short.)
    ///
    /// # Safety
    /// As for that; `step` is the one of the leaf, and not settled.
    #[inline(never)]
    unsafe fn resume_on(&mut self, step: Step) -> Poll<()> {
        if step == Step::CALLED {
            // SAFETY: the leaf is `CALLED`, and `resume` has entered the driver.
            return unsafe { self.start_called() };
        }
        let driver: *const Driver = self.driver.as_mut_ptr();
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: the chain was started, is borrowed exclusively, and its driver was entered by `resume`.
        unsafe { Driver::settle_others(driver, step) }
    }

    /// The first poll.
    ///
    /// # Safety
    /// The chain was not polled.
    #[inline(never)]
    unsafe fn start(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let driver: *const Driver = self.driver.write(Driver::new());
        // SAFETY: the driver was written just now, and `self` is borrowed, so that it stays where it is for this poll.
        unsafe { Driver::enter(driver, Host::of(cx)) };
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: the driver was written above.
        unsafe { (*driver).parent.set(AsFuture::<Self>::OUTSET.parent()) };
        // SAFETY: the driver was written above. (A chain that panics in its first poll has ended.)
        unsafe { (*driver).leaf.set(ended()) };
        // SAFETY: the frame is unstarted, since the chain was not polled. Invariant D: the driver was entered above.
        let has_returned = unsafe {
            self.frame.called_at(None);
            self.frame.start(Caller::root(driver))
        };
        if has_returned {
            // SAFETY: the frame has returned, and the leaf says that the chain has ended: nobody takes the result
            // again.
            return Poll::Ready(unsafe { self.frame.finish() });
        }
        // SAFETY: the frame has suspended, and so the leaf is a live frame (invariant L), of a driver that was entered.
        let poll = unsafe { Driver::settle(driver, Driver::pending(driver)) };
        let poll = match poll {
            Poll::Ready(()) => poll,
            // SAFETY: the poll by which the driver was entered is this one.
            Poll::Pending => unsafe { AsFuture::<Self>::suspended(driver) },
        };
        // SAFETY: `poll` is what `settle` has returned.
        unsafe { self.result(poll) }
    }

    /// The first poll by a body that awaits this without knowing it: calls the frame, as [`Callee::call`]. See
    /// `call/generic.rs`.
    ///
    /// # Safety
    /// - The leaf is `CALLED`, and the driver was entered.
    /// - The context that it was entered with is that of the body that awaits this (contract of [`LazyChain`]).
    #[inline(never)]
    unsafe fn start_called(&mut self) -> Poll<()> {
        // SAFETY: `resume` has entered the driver; nothing else has the context.
        let chain = context::chain(unsafe { Driver::context_of(self.driver.as_ptr()) });
        // (If this panicked, nothing would have begun.)
        let chain = chain.expect("the context of a body");
        // SAFETY: the leaf is `CALLED`, so `call_later` has noted the call, and only `enter` has written to the driver
        // since.
        let at = unsafe { Driver::noted_call(self.driver.as_ptr()) };
        self.driver.write(Driver::new()).leaf.set(ended());
        // SAFETY: the frame is unstarted, since the chain was not polled. By invariant G it is from here on a frame of
        // the chain of the body that awaits this, and which runs now (invariant D).
        let has_returned = unsafe {
            self.frame.called_at(at);
            if (*chain.driver).may_nest_call() {
                self.frame.start(chain)
            } else {
                (*chain.driver).defer(self.frame.frame, chain.frame);
                false
            }
        };
        if has_returned {
            return Poll::Ready(());
        }
        // The body is resumed when the frame has returned: to the driver here the chain has returned then.
        self.set_leaf(root_continuation());
        Poll::Pending
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `resume` or `Driver::settle` has returned just now.
    #[inline(always)]
    unsafe fn result(&mut self, poll: Poll<()>) -> Poll<T> {
        poll.map(|()| {
            self.set_leaf(ended());
            // SAFETY: the chain has ended, so the root frame has returned. The leaf, which says so, keeps this from
            // being called again.
            unsafe { self.frame.finish() }
        })
    }

    /// The driver, once there is a chain.
    fn started(&self) -> Option<&Driver> {
        // SAFETY: the driver is written once the leaf is not null.
        (!is_unpolled(self.leaf())).then(|| unsafe { self.driver.assume_init_ref() })
    }

    /// [`Root::backtrace`](crate::Root::backtrace).
    #[must_use]
    pub fn backtrace(&self) -> Backtrace {
        // SAFETY: a chain runs only while its root is borrowed exclusively, and here it is shared.
        self.started()
            .map_or(Backtrace::empty(), |driver| unsafe { Backtrace::of_suspended(driver) })
    }

    /// [`Root::stack_usage`](crate::Root::stack_usage).
    #[must_use]
    pub fn stack_usage(&self) -> StackUsage {
        self.started().map_or_else(StackUsage::default, |driver| driver.stack.usage())
    }
}

// SAFETY: it begins with its driver, whose leaf `new` writes, and its poll does as the trait says: see `start_called`.
unsafe impl<T, S: ?Sized> LazyChain for ErasedCoroutine<T, S> {}

impl<T, S: ?Sized> Future for ErasedCoroutine<T, S> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        // SAFETY: if the leaf is null this is the first poll. If it is `CALLED`, `resume` has entered the driver. If not,
        // the driver is written, and the chain is suspended or has ended (it cannot be running: `self` is borrowed
        // exclusively).
        unsafe {
            if this.leaf().is_null() {
                return this.start(cx);
            }
            let poll = this.resume(cx);
            this.result(poll)
        }
    }
}

impl<T, S: ?Sized> Drop for ErasedCoroutine<T, S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing runs the chain, since `self` is borrowed exclusively; its outermost frame is the boxed one.
        // A frame that is in no chain yet is dropped as such.
        unsafe {
            if is_unpolled(self.leaf()) {
                ManuallyDrop::drop(&mut self.frame);
            } else {
                let driver = self.driver.as_mut_ptr();
                let _memory = DropDriver(driver);
                Driver::cancel(driver);
            }
        }
    }
}

/// Drops a driver, and with it the frame stack, also if the drop of a frame panics.
struct DropDriver(*mut Driver);

impl Drop for DropDriver {
    fn drop(&mut self) {
        // SAFETY: `ErasedCoroutine::drop` makes the guard, for the driver that it owns and does not use again.
        unsafe { self.0.drop_in_place() }
    }
}

impl<T, S: ?Sized> fmt::Debug for ErasedCoroutine<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = self.started().map_or("unstarted", Driver::condition);
        f.debug_tuple("ErasedCoroutine").field(&format_args!("{condition}")).finish()
    }
}
