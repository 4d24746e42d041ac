//! A whole chain in one piece of memory: what every root is made of.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::{MaybeUninit, offset_of};
use core::ptr;
use core::task::{Context, Poll, Waker};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::backtrace::running::Running;
use crate::call::generic::{CALLED, is_unpolled};
use crate::chain::caller::Caller;
use crate::chain::driver::{Driver, Host};
use crate::chain::header::{Description, Header, VTable, ended, root_continuation};
#[cfg(feature = "alloc")]
use crate::chain::outermost::Parent;
#[cfg(feature = "alloc")]
use crate::concurrent::frame::{FutureTag, report};
use crate::frame::body::{Body, NoSite};
use crate::frame::context;
use crate::frame::passing::Passing;
use crate::frame::{Frame, Origin, body_name, drop_suspended, resume};
use crate::stack::options::{StackOptions, StackUsage};
use crate::stack::{Chunk, FrameStack};

/// What stands before a root frame: a driver, alone or at the head of what else bodies reach by it.
///
/// # Safety
/// A driver lies at its start. The rest holds nothing outside of a poll.
pub(crate) unsafe trait Head {
    fn with_stack(stack: FrameStack) -> Self;

    fn driver(&self) -> &Driver {
        // SAFETY: contract of the trait.
        unsafe { &*ptr::from_ref(self).cast() }
    }
}

// SAFETY: it is one.
unsafe impl Head for Driver {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with_stack(stack: FrameStack) -> Self {
        Driver::with_stack(stack)
    }
}

/// A driver with its head `H`, the root frame, and `N` bytes for the first chunk of the frame stack. Dropped by those
/// that have one: [`RootMemory::drop_in_place`].
///
/// The driver is reached by a pointer to the whole: bodies reach the rest of its head by it.
#[repr(C)]
pub(crate) struct RootMemory<H: Head, B: Body, const N: usize> {
    /// Written when the chain is made or, if that is lazy, by its first poll.
    head: MaybeUninit<H>,
    frame: UnsafeCell<Origin<B>>,
    chunk: UnsafeCell<Bytes<N>>,
}

/// As what a chain is polled: what it is told of its first poll.
pub(crate) trait PolledAs {
    /// It begins.
    ///
    /// # Safety
    /// The driver is in a poll, as that.
    unsafe fn starts(driver: *const Driver);

    /// The chain has suspended.
    fn suspended(waker: &Waker);
}

/// As what cannot be a branch.
impl PolledAs for () {
    unsafe fn starts(_: *const Driver) {}

    fn suspended(_: &Waker) {}
}

/// As a future of type `F`, which begins with the chain's driver, and has no other.
pub(crate) struct AsFuture<F>(PhantomData<F>);

impl<F> PolledAs for AsFuture<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn starts(_driver: *const Driver) {
        // SAFETY: by contract; the driver is where the future is.
        #[cfg(feature = "alloc")]
        unsafe {
            (*_driver).parent.set(Parent::of_branch((*_driver).waker(), _driver.cast::<F>()));
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn suspended(_waker: &Waker) {
        // SAFETY: the future begins with its driver.
        #[cfg(feature = "alloc")]
        report(_waker, const { &unsafe { FutureTag::of_chain::<F>() } });
    }
}

/// Memory for a chunk of the frame stack: its head first, once the root is made.
#[repr(C, align(8))]
struct Bytes<const N: usize>([MaybeUninit<u8>; N]);

// SAFETY: a chain owns the root frame, which is `Send` if the body is (contract of `Body`), and
// through it all other frames: those in the body's slots, whose types are part of the body's future,
// and those it boxed as `Send`. The driver's pointers lead to these, or are unused outside of a poll,
// and the rest of its head is empty outside of a poll (contract of `Head`).
unsafe impl<H: Head, B: Body + Send, const N: usize> Send for RootMemory<H, B, N> {}
// SAFETY: a shared reference gives access to nothing but the driver's account of itself (`Debug`,
// `backtrace`, `stack_usage`), which reads what is written through `&mut` only.
unsafe impl<H: Head, B: Body, const N: usize> Sync for RootMemory<H, B, N> {}

impl<H: Head, B: Body> RootMemory<H, B, 0> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(body: B) -> Self {
        Self::with_stack(FrameStack::new(), body)
    }

    /// A chain whose frame stack is set up as `options` say.
    ///
    /// # Panics
    /// If its first chunk cannot be allocated.
    #[cfg(feature = "alloc")]
    pub(crate) fn with_options(options: StackOptions, body: B) -> Self {
        match FrameStack::with_options(options) {
            Ok(stack) => Self::with_stack(stack, body),
            Err(exhausted) => panic!("{exhausted}"),
        }
    }
}

impl<H: Head, B: Body, const N: usize> RootMemory<H, B, N> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with_stack(stack: FrameStack, body: B) -> Self {
        let mut chain = MaybeUninit::<Self>::uninit();
        let this = chain.as_mut_ptr();
        // SAFETY: the memory is for them. All fields may be unwritten.
        unsafe {
            (*this).head.write(H::with_stack(stack));
            Self::body(this).write(body);
            chain.assume_init()
        }
    }

    /// A chain that is made by its first poll, [`RootMemory::poll_lazy`]: nothing is written but the body, and that there is
    /// no leaf. To be dropped by [`RootMemory::drop_lazy`].
    ///
    /// # Safety
    /// `this` is valid for writes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn write_lazy(this: *mut Self, body: B) {
        // SAFETY: by contract. All fields may be unwritten but for these two.
        unsafe {
            Self::set_leaf(this, ptr::null());
            Self::body(this).write(body);
        }
    }

    /// The leaf, also of a lazy chain.
    ///
    /// # Safety
    /// `this` is live.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn leaf(this: *const Self) -> *const Header {
        // SAFETY: by contract; a driver lies at the start (contract of `Head`).
        unsafe { Driver::leaf_of(this.cast()) }
    }

    /// Notes another leaf.
    ///
    /// # Safety
    /// As for [`RootMemory::leaf`], and `this` is valid for writes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn set_leaf(this: *mut Self, leaf: *const Header) {
        // SAFETY: by contract, as above.
        unsafe { Driver::set_leaf_of(this.cast(), leaf) }
    }

    /// Where the body is of a chain that was not started.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn body(this: *mut Self) -> *mut B {
        // SAFETY: in bounds of the memory, which every caller has.
        Origin::body(unsafe { (&raw mut (*this).frame).cast() })
    }

    /// A chain with the first chunk of its frame stack inside.
    pub(crate) fn with_chunk(options: StackOptions, body: B) -> Self {
        const {
            assert!(N >= size_of::<Chunk>(), "the chunk is smaller than its head, of 128 bytes");
        }
        let mut chain = Self::with_stack(FrameStack::new(), body);
        let head = chain.chunk.get_mut().0.as_mut_ptr().cast::<Chunk>();
        // SAFETY: the bytes are large enough for a head, and aligned as it is.
        unsafe { head.write(Chunk::borrowed(options)) };
        chain
    }

    /// Of a chain that is not lazy, or was polled.
    fn head(&self) -> &H {
        // SAFETY: it was written, as the callers say.
        unsafe { self.head.assume_init_ref() }
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn backtrace(&self) -> Backtrace {
        // SAFETY: a chain runs only while its root is borrowed exclusively.
        unsafe { Backtrace::of_suspended(self.head().driver()) }
    }

    pub(crate) fn stack_usage(&self) -> StackUsage {
        self.head().driver().stack.usage()
    }

    /// How far the chain has come, for `Debug`.
    pub(crate) fn condition(&self) -> &'static str {
        self.head().driver().condition()
    }

    /// Whether the root body has returned, or the chain has panicked or was cancelled.
    pub(crate) fn is_ended(&self) -> bool {
        ptr::eq(self.head().driver().leaf.get(), ended())
    }

    /// [`RootMemory::is_ended`] by a pointer to the whole.
    ///
    /// # Safety
    /// `this` is live.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn has_ended(this: *const Self) -> bool {
        // SAFETY: by contract.
        unsafe { ptr::eq((*this.cast::<Driver>()).leaf.get(), ended()) }
    }

    /// Drops the frames of a chain that was started.
    ///
    /// # Safety
    /// `this` is pinned and borrowed exclusively.
    #[cold]
    pub(crate) unsafe fn cancel(this: *mut Self) {
        // SAFETY: nothing runs the chain, by contract.
        unsafe { Driver::cancel(Self::driver(this)) }
    }

    /// Runs the chain until it suspends or the root body has returned.
    ///
    /// # Safety
    /// `this` is pinned and borrowed exclusively, by a poll as `P` says.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn poll<P: PolledAs>(
        this: *mut Self,
        cx: &mut Context<'_>,
    ) -> Poll<B::Output> {
        // SAFETY: a non-null leaf means that the chain is suspended or has ended (it cannot be
        // running: `this` is borrowed exclusively).
        unsafe {
            Driver::enter(Self::driver(this), Host::of(cx));
            if Self::leaf(this).is_null() {
                return Self::start::<P>(this);
            }
            Self::resume(this)
        }
    }

    /// [`RootMemory::poll`] of a lazy chain.
    ///
    /// # Safety
    /// As for that.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn poll_lazy<P: PolledAs>(
        this: *mut Self,
        cx: &mut Context<'_>,
    ) -> Poll<B::Output> {
        // SAFETY: as in `poll`.
        unsafe {
            Driver::enter(Self::driver(this), Host::of(cx));
            if is_unpolled(Self::leaf(this)) {
                return Self::start_lazy::<P>(this);
            }
            Self::resume(this)
        }
    }

    /// A poll that is not the first.
    ///
    /// # Safety
    /// As for [`RootMemory::poll`]; the chain was started, and its driver was entered.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume(this: *mut Self) -> Poll<B::Output> {
        // SAFETY: the chain was started, by contract, and does not run.
        unsafe {
            let driver = Self::driver(this);
            let running = Running::new(driver);
            let _running = running.enter();
            let poll = Driver::run(driver);
            Self::result(this, poll)
        }
    }

    /// The driver, by a pointer to the whole.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn driver(this: *mut Self) -> *const Driver {
        this.cast_const().cast()
    }

    /// The first poll of a lazy chain: makes it.
    ///
    /// # Safety
    /// As for [`RootMemory::start`].
    #[inline(never)]
    unsafe fn start_lazy<P: PolledAs>(this: *mut Self) -> Poll<B::Output> {
        // SAFETY: of the head the leaf was written, which is null here too, and what the driver was entered with,
        // which is kept. The rest is passed on.
        unsafe {
            if Self::leaf(this) == CALLED {
                return Self::start_called(this);
            }
            let host = Driver::host(Self::driver(this));
            (*this).head.write(H::with_stack(FrameStack::new()));
            Driver::enter(Self::driver(this), host);
            Self::start_here::<P>(this)
        }
    }

    /// The first poll of a lazy chain that a body awaits without knowing it: calls the root frame in that body's chain.
    /// See `generic_call.rs`.
    ///
    /// # Safety
    /// As for [`RootMemory::start`], but that the leaf is [`CALLED`]; contract of [`LazyChain`].
    #[inline(never)]
    unsafe fn start_called(this: *mut Self) -> Poll<B::Output> {
        let driver = Self::driver(this);
        // SAFETY: the driver was entered; nothing else has the context.
        let chain = context::chain(unsafe { (*driver).context() });
        // (If this panicked, nothing would have begun.)
        let chain = chain.expect("the context of a body");
        // SAFETY: as in `start_here`. The memory is that of a future that the body awaits by value: it stays valid until
        // the call has ended, since only the driver of the body's chain ends frames, the callee's first. When it
        // has returned the body is resumed (invariant L), and this is polled again: to the driver here the chain
        // has returned then, and the result is in its frame.
        unsafe {
            let at = Driver::noted_call(driver);
            (*this).head.write(H::with_stack(FrameStack::new()));
            // As long as it is not suspended, and if it panics now, there is nothing but the head.
            (*driver).leaf.set(ended());
            (*driver).set_called_at(at);
            let mut body = Self::body(this).cast::<MaybeUninit<B>>().read();
            let body = Passing::of(body.as_mut_ptr());
            let poll = Frame::call_as(Self::frame(this), body, chain, Self::CALLED_VTABLE);
            if poll.is_pending() {
                (*driver).leaf.set(root_continuation());
            }
            poll
        }
    }

    /// The vtable of the root frame if it was called by another chain's body.
    const CALLED_VTABLE: &'static VTable = &VTable {
        resume: resume::<B>,
        drop: drop_suspended::<B>,
        describe: Self::describe_called,
        drop_branches: None,
    };

    /// [`VTable::describe`] of that.
    unsafe fn describe_called(frame: *const Header) -> Description {
        // SAFETY: the frame is in the memory of a chain, whose head was written; it has not returned, so the driver was
        // not entered since.
        let call =
            unsafe { (*frame.byte_sub(offset_of!(Self, frame)).cast::<Driver>()).called_at() };
        Description { body: body_name::<B>(), call, branches: None }
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// `this` is pinned and borrowed exclusively, its driver was entered, and its leaf is null.
    #[inline(never)]
    unsafe fn start<P: PolledAs>(this: *mut Self) -> Poll<B::Output> {
        // SAFETY: passed on.
        unsafe { Self::start_here::<P>(this) }
    }

    /// # Safety
    /// As for [`RootMemory::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn start_here<P: PolledAs>(this: *mut Self) -> Poll<B::Output> {
        // SAFETY: pinned memory stays valid until the root is dropped; the frame holds the body as
        // long as the leaf is null, and it is taken out once. If there is a chunk, its head was
        // written by `with_chunk`; the driver, and with it the stack, is dropped before the chunk's
        // memory is gone.
        unsafe {
            let driver = Self::driver(this);
            let running = Running::new(driver);
            let _running = running.enter();
            P::starts(driver);
            // A chain that panics in its first poll has ended.
            (*driver).leaf.set(ended());
            if N != 0 {
                // From here on the root is not moved.
                let head = (&raw mut (*this).chunk).cast::<Chunk>();
                (*driver).stack.install(head, N & !(align_of::<Chunk>() - 1));
            }
            let mut body = Self::body(this).cast::<MaybeUninit<B>>().read();
            let body = Passing::of(body.as_mut_ptr());
            match Frame::call::<NoSite>(Self::frame(this), body, Caller::root(driver)) {
                Poll::Ready(value) => Poll::Ready(value),
                Poll::Pending => {
                    let poll = Driver::settle(driver, (*driver).pending());
                    if poll.is_pending() {
                        P::suspended((*driver).waker());
                    }
                    Self::result(this, poll)
                }
            }
        }
    }

    /// The root frame.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn frame(this: *mut Self) -> *mut Frame<B> {
        // SAFETY: in bounds of the memory, which every caller has.
        unsafe { (&raw mut (*this).frame).cast() }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `Driver::run` or `Driver::settle` returned last.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn result(this: *mut Self, poll: Poll<()>) -> Poll<B::Output> {
        poll.map(|()| {
            // SAFETY: the chain has ended, so the root frame has returned, and the leaf that is
            // cleared here keeps this from being called again.
            unsafe {
                (*Self::driver(this)).leaf.set(ended());
                Frame::take_result(Self::frame(this))
            }
        })
    }

    /// Drops what is in a chain that is not lazy: its frames, or the body; and its head.
    ///
    /// # Safety
    /// Once, and the memory is not used again. `this` is borrowed exclusively.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn drop_in_place(this: *mut Self) {
        // SAFETY: by contract. The head outlives the frames, which may be in its stack, and is dropped also if the drop
        // of one panics.
        unsafe {
            let _head = DropInPlace((*this).head.as_mut_ptr());
            if Self::leaf(this).is_null() {
                Self::body(this).drop_in_place();
            } else {
                Driver::cancel(Self::driver(this));
            }
        }
    }

    /// Drops what is in a lazy chain.
    ///
    /// # Safety
    /// As for [`RootMemory::drop_in_place`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn drop_lazy(this: *mut Self) {
        // SAFETY: passed on; of a chain that was not polled there is nothing but the body.
        unsafe {
            if is_unpolled(Self::leaf(this)) {
                Self::body(this).drop_in_place();
            } else {
                Self::drop_in_place(this);
            }
        }
    }
}

/// Drops a value where it is.
struct DropInPlace<T>(*mut T);

impl<T> Drop for DropInPlace<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: whoever makes the guard owns the value, and does not use it again.
        unsafe { self.0.drop_in_place() }
    }
}
