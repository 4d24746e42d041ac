//! Coroutines without their body's type: in trait objects, in collections, for recursion.
//!
//! The call is dynamic once, at its start. From then on the frame is linked like any other, so that
//! a wake-up resumes the innermost frame directly, through any number of them.
//!
//! ```text
//!   ErasedCoroutine            ErasedFrame
//!  ┌────────────────────┐     ┌───────┐      ┌───────────────────────────┐
//!  │ driver, once polled│     │ frame ┼─────▶│ OwnMemory: the frame, … │
//!  │ ErasedFrame        ┼────▶└───────┘      └───────────────────────────┘
//!  └────────────────────┘      a callee in its caller's slot: this only
//! ```

use alloc::alloc::dealloc;
use alloc::boxed::Box;
use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::panic::Location;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use crate::backtrace::Backtrace;
use crate::backtrace::running::Running;
use crate::call::generic::{CALLED, LazyChain, is_unpolled};
use crate::call::{Awaiting, Callee, Content, Memory, Returned, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait, Waits};
use crate::chain::driver::{Driver, Host};
use crate::chain::header::{Header, ended, root_continuation};
use crate::coroutine::Coroutine;
use crate::coroutine::boxed_frame::{ErasedVTable, OwnMemory};
use crate::coroutine::root_memory::{AsFuture, PolledAs};
use crate::frame::body::{Body, FnBody, Plain, Site};
use crate::frame::context;
use crate::frame::first_poll::Enter;
use crate::placement::on_heap;
use crate::stack::options::StackUsage;

/// A coroutine in an allocation of its own, with its body's type erased.
///
/// `T` is what it evaluates to; `S` says what is known of the body: see [`BoxCoroutine`] and
/// [`LocalBoxCoroutine`]. Made by [`Coroutine::boxed`] and [`Coroutine::boxed_local`].
///
/// As a [`Coroutine`] it is called by `.await` in a coroutine, and a future for anybody else, to whom it is the root of a
/// chain. It may be moved also after it was polled.
///
/// # Panics
/// Polling it after it has returned or panicked panics, as it does for an `async` block.
#[must_use = "a coroutine does nothing until it is awaited or polled"]
#[repr(C)]
pub struct ErasedCoroutine<T, S: ?Sized> {
    /// Of its leaf alone is written, which is null, as long as it was not polled.
    driver: MaybeUninit<Driver>,
    /// The root frame; freed once the chain has ended, and moved out for a call.
    frame: ManuallyDrop<ErasedFrame<T, S>>,
}

/// A boxed coroutine that may be sent to another thread; what `BoxFuture` is among futures.
pub type BoxCoroutine<'a, T> = ErasedCoroutine<T, dyn Send + 'a>;

/// A boxed coroutine that stays on its thread; what `LocalBoxFuture` is among futures.
pub type LocalBoxCoroutine<'a, T> = ErasedCoroutine<T, dyn Local + 'a>;

/// Anything: the bound of a coroutine that need not be `Send`.
pub trait Local {}

// SAFETY: it owns the frame, and through it all frames of its chain, if it has one; the frame's owner says whether it
// is `Send`.
unsafe impl<T, S: ?Sized + Send> Send for ErasedCoroutine<T, S> {}
// SAFETY: a shared reference gives access to nothing but the chain's account of itself, as for a root.
unsafe impl<T, S: ?Sized> Sync for ErasedCoroutine<T, S> {}
/// Nothing outside of a poll leads to the driver, and the frame is elsewhere.
impl<T, S: ?Sized> Unpin for ErasedCoroutine<T, S> {}

/// The owner of an unstarted frame in an allocation; what is called.
#[derive(Debug)]
pub struct ErasedFrame<T, S: ?Sized> {
    frame: *const Header,
    _output: PhantomData<fn() -> T>,
    _body: PhantomData<Box<S>>,
}

// SAFETY: it owns the frame, whose body is `Send` if `S` is (`Coroutine::boxed`).
unsafe impl<T, S: ?Sized + Send> Send for ErasedFrame<T, S> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T, S: ?Sized> Sync for ErasedFrame<T, S> {}

impl<B: Body, P> Coroutine<B, P> {
    /// Allocates the frame now and forgets the body's type.
    ///
    /// A coroutine that boxes itself is declared to be `Send`, `#[cps(send)]`: in its own body rustc cannot tell yet
    /// whether it is (E0283).
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
    /// use cps_core::BoxCoroutine;
    ///
    /// trait Handler {
    ///     fn handle(&self, request: u32) -> BoxCoroutine<'_, u32>;
    /// }
    ///
    /// struct Add(u32);
    ///
    /// impl Add {
    ///     #[cps_core::coroutine]
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
    /// #[cps_core::coroutine]
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

impl<T, S: ?Sized> ErasedFrame<T, S> {
    /// `B` must fulfil the bounds that `S` stands for.
    fn new<B: Body<Output = T>>(body: B) -> Self {
        let memory = on_heap::allocate::<OwnMemory<B>>();
        // SAFETY: that is the type which the memory is for.
        unsafe { memory.write(OwnMemory::new(body)) };
        ErasedFrame { frame: memory.cast_const().cast(), _output: PhantomData, _body: PhantomData }
    }

    fn vtable(&self) -> &'static ErasedVTable {
        // SAFETY: the frame is live as long as `self`; the vtables of frames on the heap are static
        // `ErasedVTable`s, whose first field is what the header points to.
        unsafe { &*(*self.frame).vtable.get().cast::<ErasedVTable>() }
    }

    /// Notes where the frame is called.
    ///
    /// # Safety
    /// The frame has not ended.
    #[inline(always)]
    unsafe fn called_at(&self, call: Option<&'static Location<'static>>) {
        // SAFETY: there is room for it in the memory of a frame on the heap.
        unsafe {
            self.frame
                .cast_mut()
                .byte_add(self.vtable().call)
                .cast::<Option<&'static Location<'static>>>()
                .write(call)
        }
    }

    /// Starts the frame on the host stack, in its first call; `true` if it has returned.
    ///
    /// # Safety
    /// The frame is unstarted and `chain` is in a poll. If this unwinds the frame is gone.
    #[inline(always)]
    unsafe fn start(&self, chain: Caller) -> bool {
        // SAFETY: passed on.
        unsafe { (self.vtable().start)(self.frame.cast_mut(), chain) }
    }

    /// Moves the result out and frees the memory.
    ///
    /// # Safety
    /// The frame has returned and its result was not taken. `self` is not used again.
    #[inline(always)]
    unsafe fn finish(&self) -> T {
        let ErasedVTable { result, layout, .. } = self.vtable();
        // SAFETY: the result of a returned frame lies there, and `T` is its type (see `new`).
        unsafe {
            let value = self.frame.byte_add(*result).cast::<T>().read();
            dealloc(self.frame.cast_mut().cast(), *layout);
            value
        }
    }

    /// Starts the frame as the root of a chain, and leaves it in `place`.
    ///
    /// # Safety
    /// The chain has no frames, and its driver is in a poll. `place` is valid for writes.
    #[inline(always)]
    pub(crate) unsafe fn start_root(self, place: *mut Boxed<T, S>, chain: Caller) -> Poll<()> {
        let root = ManuallyDrop::new(self);
        // SAFETY: the frame is unstarted; the rest is passed on.
        unsafe {
            root.called_at(None);
            let returned = root.start(chain);
            place.write(Boxed(root));
            if returned { Poll::Ready(()) } else { Poll::Pending }
        }
    }
}

impl<T, S: ?Sized, K: MayWait> Callee<K> for ErasedFrame<T, S> {
    type Content = Boxed<T, S>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<C: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Boxed<T, S>>,
    ) -> (Option<T>, Suspended) {
        // SAFETY: it is moved out of, and not dropped.
        let callee = ManuallyDrop::new(unsafe { this.read() });
        // SAFETY: the frame is unstarted. The chain is running, since its body calls this.
        unsafe {
            callee.called_at(C::AT);
            if !(*chain.driver).may_nest_call() {
                (*chain.driver).defer(callee.frame, chain.frame);
            } else if callee.start(chain) {
                return Suspended::returned(callee.finish());
            }
            slot.cast::<Boxed<T, S>>().write(Boxed(callee));
            Suspended::now(chain)
        }
    }
}

impl<T, S: ?Sized> Drop for ErasedFrame<T, S> {
    fn drop(&mut self) {
        // SAFETY: whoever starts the frame forgets this value, so the frame is unstarted and in no chain.
        unsafe { (self.vtable().frame.drop)(self.frame.cast_mut()) }
    }
}

/// The slot's content for a boxed callee: a pointer to its frame.
#[derive(Debug)]
pub struct Boxed<T, S: ?Sized>(ManuallyDrop<ErasedFrame<T, S>>);

impl<T, S: ?Sized> Boxed<T, S> {
    /// Moves the result out and frees the frame.
    ///
    /// # Safety
    /// The frame has returned and its result was not taken.
    #[inline(always)]
    pub(crate) unsafe fn take_result(place: *mut Self) -> T {
        // SAFETY: by contract.
        unsafe { (*place).0.finish() }
    }
}

impl<T, S: ?Sized> Memory for Boxed<T, S> {
    type Running = Self;
    type Returned = ();
    type Owner = ErasedFrame<T, S>;
    type Inner = ();
}

impl<T, S: ?Sized> Content for Boxed<T, S> {
    type Awaited = Returned;
    type Value = T;

    #[inline(always)]
    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> T {
        // SAFETY: `Suspended` was polled again, so the callee has returned; `call` left it here.
        unsafe { Self::take_result(slot.cast::<Self>()) }
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
        // SAFETY: the leaf is written from the start.
        unsafe { Driver::leaf_of(self.driver.as_ptr()) }
    }

    #[inline(always)]
    fn set_leaf(&mut self, leaf: *const Header) {
        // SAFETY: the driver's memory is this value's.
        unsafe { Driver::set_leaf_of(self.driver.as_mut_ptr(), leaf) }
    }

    /// The frame, to be called.
    #[inline(always)]
    pub(crate) fn into_frame(self) -> ErasedFrame<T, S> {
        if !self.leaf().is_null() {
            return self.into_frame_of_chain();
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: as long as the leaf is null the frame is there, and unstarted; `this` is not dropped.
        unsafe { ManuallyDrop::take(&mut this.frame) }
    }

    /// A frame that awaits the chain of what was polled before it is called.
    #[cold]
    #[inline(never)]
    fn into_frame_of_chain(self) -> ErasedFrame<T, S> {
        let make = |enter: Enter<Self, Waits>| async move {
            let entered = enter.await;
            // SAFETY: nothing else was awaited before.
            let chain = unsafe { entered.__cps_args() };
            Awaiting::new(chain).await.into_value()
        };
        // SAFETY: the future awaits `Enter` first, then takes its argument, and owns nothing once it has returned.
        ErasedFrame::new(unsafe { FnBody::<_, _, Plain, Waits>::new(self, make) })
    }

    /// For the expansion of `#[coroutine]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub fn __cps_call(self) -> ErasedFrame<T, S> {
        self.into_frame()
    }

    /// The first poll.
    ///
    /// # Safety
    /// The chain was not polled.
    #[inline(never)]
    unsafe fn start(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        if self.leaf() == CALLED {
            // SAFETY: that is the leaf.
            return unsafe { self.start_called(cx) };
        }
        let driver: *const Driver = self.driver.write(Driver::new());
        // SAFETY: the driver was written, and stays where it is for this poll. The frame is unstarted as long as the
        // leaf is null.
        unsafe {
            Driver::enter(driver, Host::of(cx));
            let running = Running::new(driver);
            let _running = running.enter();
            AsFuture::<Self>::starts(driver);
            // A chain that panics in its first poll has ended.
            (*driver).leaf.set(ended());
            self.frame.called_at(None);
            if self.frame.start(Caller::root(driver)) {
                return Poll::Ready(self.frame.finish());
            }
            let poll = Driver::settle(driver, (*driver).pending());
            if poll.is_pending() {
                AsFuture::<Self>::suspended((*driver).waker());
            }
            self.result(poll)
        }
    }

    /// The first poll by a body that awaits this without knowing it: calls the frame, as [`Callee::call`]. See
    /// `generic_call.rs`.
    ///
    /// # Safety
    /// The leaf is [`CALLED`]; contract of [`LazyChain`].
    #[inline(never)]
    unsafe fn start_called(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        // (If this panicked, nothing would have begun.)
        let chain = context::chain(cx).expect("the context of a body");
        // SAFETY: contract of `LazyChain`. The frame is unstarted; from here on it is the chain's of the body, which is
        // resumed when it has returned: to the driver here the chain has returned then.
        unsafe {
            let at = Driver::noted_call(self.driver.as_ptr());
            self.driver.write(Driver::new()).leaf.set(ended());
            self.frame.called_at(at);
            if !(*chain.driver).may_nest_call() {
                (*chain.driver).defer(self.frame.frame, chain.frame);
            } else if self.frame.start(chain) {
                return Poll::Ready(self.frame.finish());
            }
            self.set_leaf(root_continuation());
            Poll::Pending
        }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `Driver::run` or `Driver::settle` returned last.
    #[inline(always)]
    unsafe fn result(&mut self, poll: Poll<()>) -> Poll<T> {
        poll.map(|()| {
            self.set_leaf(ended());
            // SAFETY: the chain has ended, so the root frame has returned, and the leaf that was
            // cleared keeps this from being called again.
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
        // SAFETY: a chain runs only while its root is borrowed exclusively.
        self.started()
            .map_or(Backtrace::empty(), |driver| unsafe { Backtrace::of_suspended(driver) })
    }

    /// [`Root::stack_usage`](crate::Root::stack_usage).
    #[must_use]
    pub fn stack_usage(&self) -> StackUsage {
        self.started().map_or_else(StackUsage::default, |driver| driver.stack.usage())
    }
}

// SAFETY: it begins with its driver; see `start_called`.
unsafe impl<T, S: ?Sized> LazyChain for ErasedCoroutine<T, S> {}

impl<T, S: ?Sized> Future for ErasedCoroutine<T, S> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        // SAFETY: a leaf that is not null means that the driver is written, and that the chain is suspended or has
        // ended (it cannot be running: `self` is borrowed exclusively).
        unsafe {
            if is_unpolled(this.leaf()) {
                return this.start(cx);
            }
            let driver: *const Driver = this.driver.as_mut_ptr();
            Driver::enter(driver, Host::of(cx));
            let running = Running::new(driver);
            let _running = running.enter();
            let poll = Driver::run(driver);
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
        // SAFETY: the maker of the guard drops the value that the driver is part of.
        unsafe { self.0.drop_in_place() }
    }
}

impl<T, S: ?Sized> fmt::Debug for ErasedCoroutine<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = self.started().map_or("unstarted", Driver::condition);
        f.debug_tuple("ErasedCoroutine").field(&format_args!("{condition}")).finish()
    }
}
