//! Coroutines without their body's type: in trait objects, in collections, for recursion.
//!
//! The call is dynamic once, at its start. From then on the frame is linked like any other, so that
//! a wake-up resumes the innermost frame directly, through any number of them.

use alloc::alloc::dealloc;
use alloc::boxed::Box;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::backtrace::Backtrace;
use crate::body::{Body, Site};
use crate::branching::{Kind, report};
use crate::call::{Finish, Returned, Slot, Suspended};
use crate::chain::{Chain, MayWait};
use crate::coroutine::Coroutine;
use crate::driver::{Driver, Header, Host, ended};
use crate::erased::{ErasedVTable, OwnMemory};
use crate::heap;
use crate::running::Running;
use crate::stack_options::StackUsage;

/// A coroutine in an allocation of its own, with its body's type erased.
///
/// `T` is what it evaluates to; `S` says what is known of the body: see [`BoxCoroutine`] and
/// [`LocalBoxCoroutine`]. Made by [`Coroutine::boxed`] and [`Coroutine::boxed_local`].
#[must_use = "a coroutine does nothing until it is awaited or turned into a future"]
pub struct ErasedCoroutine<T, S: ?Sized> {
    frame: *const Header,
    _output: PhantomData<fn() -> T>,
    _body: PhantomData<Box<S>>,
}

/// A boxed coroutine that may be sent to another thread; what `BoxFuture` is among futures.
pub type BoxCoroutine<'a, T> = ErasedCoroutine<T, dyn Send + 'a>;

/// A boxed coroutine that stays on its thread; what `LocalBoxFuture` is among futures.
pub type LocalBoxCoroutine<'a, T> = ErasedCoroutine<T, dyn Local + 'a>;

/// Anything: the bound of a coroutine that need not be `Send`.
pub trait Local {}

// SAFETY: it owns the frame, whose body is `Send` if `S` is (`Coroutine::boxed`).
unsafe impl<T, S: ?Sized + Send> Send for ErasedCoroutine<T, S> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T, S: ?Sized> Sync for ErasedCoroutine<T, S> {}

impl<B: Body, P> Coroutine<B, P> {
    /// Allocates the frame now and forgets the body's type.
    ///
    /// A coroutine that calls itself boxed does so through a function that returns the box, such as
    /// `fn walk<'a>(node: &'a Node) -> BoxCoroutine<'a, u64>`: in its own body rustc cannot tell
    /// yet whether it is `Send`.
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
        B: Send + 'a,
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
        let memory = heap::allocate::<OwnMemory<B>>();
        // SAFETY: that is the type which the memory is for.
        unsafe { memory.write(OwnMemory::new(body)) };
        ErasedCoroutine {
            frame: memory.cast_const().cast(),
            _output: PhantomData,
            _body: PhantomData,
        }
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
    unsafe fn start(&self, chain: Chain) -> bool {
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

    /// # Safety
    /// For the expansion of `#[coroutine]` only: see `call.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn __cps_begin<C: Site, K: MayWait>(
        self,
        chain: Chain<K>,
        slot: *mut Slot<Boxed<T, S>>,
    ) -> (Option<T>, Suspended) {
        let callee = ManuallyDrop::new(self);
        // SAFETY: the frame is unstarted. The chain is running, since its body calls this.
        unsafe {
            callee.called_at(C::AT);
            if !(*chain.driver).may_nest_call() {
                (*chain.driver).defer(callee.frame, chain.frame);
            } else if callee.start(chain.any()) {
                return Suspended::returned(callee.finish());
            }
            slot.cast::<Boxed<T, S>>().write(Boxed(callee));
            Suspended::now(chain)
        }
    }
}

impl<T, S: ?Sized> Drop for ErasedCoroutine<T, S> {
    fn drop(&mut self) {
        // SAFETY: whoever calls the coroutine forgets this value, so the frame is unstarted and in
        // no chain.
        unsafe { (self.vtable().frame.drop)(self.frame.cast_mut()) }
    }
}

impl<T, S: ?Sized> fmt::Debug for ErasedCoroutine<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasedCoroutine(unstarted)")
    }
}

/// The slot's content for a boxed callee: a pointer to its frame.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Boxed<T, S: ?Sized>(ManuallyDrop<ErasedCoroutine<T, S>>);

impl<T, S: ?Sized> ErasedCoroutine<T, S> {
    /// Starts the frame as the root of a chain, and leaves it in `place`.
    ///
    /// # Safety
    /// The chain has no frames, and its driver is in a poll. `place` is valid for writes.
    #[inline(always)]
    pub(crate) unsafe fn start_root(self, place: *mut Boxed<T, S>, chain: Chain) -> Poll<()> {
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

impl<T, S: ?Sized> Finish for Boxed<T, S> {
    type Awaited = Returned;
    type Value = T;

    #[inline(always)]
    unsafe fn finish(slot: *mut Slot<Self>, _: Returned) -> T {
        // SAFETY: `Suspended` was polled again, so the callee has returned; `__cps_begin` left it here.
        unsafe { (*slot.cast::<Boxed<T, S>>()).0.finish() }
    }
}

impl<T, S: ?Sized> IntoFuture for ErasedCoroutine<T, S> {
    type Output = T;
    type IntoFuture = ErasedRoot<T, S>;

    fn into_future(self) -> ErasedRoot<T, S> {
        ErasedRoot { driver: Driver::new(), coroutine: ManuallyDrop::new(self) }
    }
}

/// [`Root`](crate::Root) for a boxed coroutine: a whole stack of frames as one [`Future`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[repr(C)]
pub struct ErasedRoot<T, S: ?Sized> {
    driver: Driver,
    /// The root frame; freed once the chain has ended.
    coroutine: ManuallyDrop<ErasedCoroutine<T, S>>,
}

// SAFETY: as for `Root`: it owns the root frame and through it all others.
unsafe impl<T, S: ?Sized + Send> Send for ErasedRoot<T, S> {}
// SAFETY: a shared reference gives access to nothing but `Debug`.
unsafe impl<T, S: ?Sized> Sync for ErasedRoot<T, S> {}

impl<T, S: ?Sized> ErasedRoot<T, S> {
    // SAFETY: a root begins with its driver.
    const KIND: &'static Kind = &unsafe { Kind::of_chain::<Self>() };

    /// The first poll. See [`Root`](crate::Root)'s.
    ///
    /// # Safety
    /// `self` is pinned, its driver was entered, and its leaf is null.
    #[inline(never)]
    unsafe fn start(&mut self) -> Poll<T> {
        let driver = &raw const self.driver;
        // A chain that panics in its first poll has ended.
        self.driver.leaf.set(ended());
        // SAFETY: the frame is unstarted as long as the leaf is null; the driver is pinned.
        unsafe {
            self.coroutine.called_at(None);
            if self.coroutine.start(Chain::root(driver)) {
                return Poll::Ready(self.coroutine.finish());
            }
            let poll = Driver::settle(driver, (*driver).pending());
            if poll.is_pending() {
                report((*driver).waker(), Self::KIND);
            }
            self.result(poll)
        }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `Driver::run` or `Driver::settle` returned last.
    #[inline(always)]
    unsafe fn result(&mut self, poll: Poll<()>) -> Poll<T> {
        poll.map(|()| {
            self.driver.leaf.set(ended());
            // SAFETY: the chain has ended, so the root frame has returned, and the leaf that was
            // cleared keeps this from being called again.
            unsafe { self.coroutine.finish() }
        })
    }
}

impl<T, S: ?Sized> ErasedRoot<T, S> {
    /// [`Root::backtrace`](crate::Root::backtrace).
    #[must_use]
    pub fn backtrace(&self) -> Backtrace {
        // SAFETY: a chain runs only while its root is borrowed exclusively.
        unsafe { Backtrace::of_suspended(&self.driver) }
    }

    /// [`Root::stack_usage`](crate::Root::stack_usage).
    #[must_use]
    pub fn stack_usage(&self) -> StackUsage {
        self.driver.stack.usage()
    }
}

impl<T, S: ?Sized> Future for ErasedRoot<T, S> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: nothing is moved out of the pinned root. A non-null leaf means that the chain is
        // suspended (it cannot be running: `self` is borrowed exclusively).
        unsafe {
            let this = self.get_unchecked_mut();
            this.driver.enter(Host::of(cx));
            let driver = &raw const this.driver;
            let running = Running::new(driver);
            let _running = running.enter();
            if (*driver).leaf.get().is_null() {
                return this.start();
            }
            let poll = Driver::run(driver);
            this.result(poll)
        }
    }
}

impl<T, S: ?Sized> Drop for ErasedRoot<T, S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing runs the chain, since `self` is borrowed exclusively; its outermost frame
        // is the boxed one. A frame that is in no chain yet is dropped as a coroutine.
        unsafe {
            if self.driver.is_started() {
                Driver::cancel(&raw const self.driver);
            } else {
                ManuallyDrop::drop(&mut self.coroutine);
            }
        }
    }
}

impl<T, S: ?Sized> fmt::Debug for ErasedRoot<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ErasedRoot").field(&format_args!("{}", self.driver.condition())).finish()
    }
}
