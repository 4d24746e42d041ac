//! A whole chain in one piece of memory: the content of every root.

use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, offset_of};
use core::ptr;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::backtrace::running::Running;
use crate::call::generic::{CALLED, is_unpolled};
use crate::chain::caller::Caller;
use crate::chain::driver::{Driver, Host};
use crate::chain::drop_chain::DropChain;
use crate::chain::header::{Description, Header, VTable, ended, root_continuation};
use crate::coroutine::polled_as::PolledAs;
use crate::frame::body::{Body, FnBody, Make, NoSite};
use crate::frame::context;
use crate::frame::passing::Passing;
use crate::frame::{Frame, Headed, Origin, body_name, drop_suspended, resume};
use crate::stack::options::{StackOptions, StackUsage};
use crate::stack::{Chunk, FrameStack};

/// The head of a root's memory, before the root frame: a driver, alone or followed by data that bodies reach through
/// it.
///
/// # Safety
/// - A driver lies at the implementor's start.
/// - The rest of it is empty outside of a poll.
pub(crate) unsafe trait Head {
    fn with_stack(stack: FrameStack) -> Self;

    fn driver(&self) -> &Driver {
        // SAFETY: an implementor begins with a driver (contract of this trait).
        unsafe { &*ptr::from_ref(self).cast() }
    }
}

// SAFETY: a `Driver` begins with itself, and holds nothing besides.
unsafe impl Head for Driver {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with_stack(stack: FrameStack) -> Self {
        Driver::with_stack(stack)
    }
}

/// A driver with its head `H`, the root frame, and `N` bytes for the first chunk of the frame stack. Its owner drops
/// it, by [`RootMemory::drop_in_place`].
///
/// The driver is reached by a pointer to the whole: bodies reach the rest of its head by it.
#[repr(C)]
pub(crate) struct RootMemory<H: Head, B: Body, const N: usize> {
    /// Written when the chain is made, or by the first poll if the chain is lazy.
    head: MaybeUninit<H>,
    frame: UnsafeCell<Origin<B>>,
    chunk: UnsafeCell<Bytes<N>>,
}

/// Memory for a chunk of the frame stack: its head first, once the root is made.
#[repr(C, align(8))]
struct Bytes<const N: usize>([MaybeUninit<u8>; N]);

// SAFETY: a chain owns the root frame, which is `Send` if the body is (invariant B), and
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
}

impl<H: Head, A, F: Make<A, K>, R, K> RootMemory<H, FnBody<A, F, R, K>, 0>
where
    FnBody<A, F, R, K>: Body,
{
    /// [`RootMemory::write_lazy`] for the parts of a body.
    ///
    /// # Safety
    /// - `this` is valid for writes.
    /// - `args` and `make` are as [`FnBody::write`] demands.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn write_lazy_parts(this: *mut Self, args: *const A, make: F) {
        // SAFETY: `Coroutine::from_parts`, which calls this, has memory for a chain, of which only these two fields
        // must be written, and the parts of a body. A driver lies at the start (contract of `Head`).
        unsafe {
            let origin = &raw mut (*this).frame as *mut Headed<FnBody<A, F, R, K>>;
            FnBody::write(&raw mut (*origin).payload, args, make);
            Driver::set_leaf_of(this as *mut Driver, ptr::null());
        }
    }
}

impl<H: Head, B: Body, const N: usize> RootMemory<H, B, N> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn with_stack(stack: FrameStack, body: B) -> Self {
        let mut chain = MaybeUninit::<Self>::uninit();
        let this = chain.as_mut_ptr();
        // SAFETY: the memory is for them. The other fields may be unwritten.
        unsafe {
            (*this).head.write(H::with_stack(stack));
            Self::body(this).write(body);
            chain.assume_init()
        }
    }

    /// Writes a lazy chain: the body, and a null leaf. The first [`RootMemory::poll_lazy`] writes the rest, and
    /// [`RootMemory::drop_lazy`] drops it.
    ///
    /// # Safety
    /// `this` is valid for writes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn write_lazy(this: *mut Self, body: B) {
        // SAFETY: `Coroutine::from_body`, which calls this, has memory for a chain, of which only these two fields
        // must be written. A driver lies at the start (contract of `Head`).
        unsafe {
            Driver::set_leaf_of(this as *mut Driver, ptr::null());
            Self::body(this).write(body);
        }
    }

    /// The leaf, also of a lazy chain.
    ///
    /// # Safety
    /// `this` is live.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn leaf(this: *const Self) -> *const Header {
        // SAFETY: a driver lies at the start (contract of `Head`), and its leaf is written when a chain is made:
        // `with_stack`, `write_lazy`, `Coroutine::from_parts`.
        unsafe { Driver::leaf_of(this.cast()) }
    }

    /// The place of the body, in a chain that was not started.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn body(this: *mut Self) -> *mut B {
        // SAFETY: in bounds of the memory, since every caller has the whole of it.
        unsafe { Origin::body(&raw mut (*this).frame as *mut Origin<B>) }
    }

    /// A chain whose frame stack is set up as `options` say.
    ///
    /// # Panics
    /// If the first chunk is not inside and cannot be allocated.
    pub(crate) fn with_options(options: StackOptions<N>, body: B) -> Self {
        const {
            assert!(
                N == 0 || N >= size_of::<Chunk>(),
                "the chunk is smaller than its head, of 128 bytes"
            );
        }
        if N == 0 {
            match FrameStack::with_options(options) {
                Ok(stack) => return Self::with_stack(stack, body),
                Err(exhausted) => panic!("{exhausted}"),
            }
        }
        let mut chain = Self::with_stack(FrameStack::new(), body);
        let head = chain.chunk.get_mut().0.as_mut_ptr().cast::<Chunk>();
        // SAFETY: the bytes hold a head, as the assertion says, and are aligned as it is (`Bytes`).
        unsafe { head.write(Chunk::borrowed(options)) };
        chain
    }

    /// The head of a chain that is not lazy, or was polled.
    fn head(&self) -> &H {
        // SAFETY: `with_stack` has written it, or the first poll of a lazy chain (`Coroutine::started` asks for
        // that).
        unsafe { self.head.assume_init_ref() }
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn backtrace(&self) -> Backtrace {
        // SAFETY: a chain runs only while its root is borrowed exclusively, and here it is shared.
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
        // SAFETY: generators' roots, which call this, are not lazy: `with_stack` has written the driver, which lies
        // at the start (contract of `Head`).
        unsafe { ptr::eq((*this.cast::<Driver>()).leaf.get(), ended()) }
    }

    /// Drops the frames of a chain that was started.
    ///
    /// # Safety
    /// `this` is pinned and borrowed exclusively.
    #[cold]
    pub(crate) unsafe fn cancel(this: *mut Self) {
        // SAFETY: the caller has pinned the chain and borrows it exclusively (invariant M), so nothing runs it.
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
        // SAFETY: the caller has pinned the chain and borrows it exclusively (invariant M): so it does not run, and
        // its leaf is null if it was not started.
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
        // SAFETY: the caller has pinned the chain and borrows it exclusively (invariant M): so it does not run, and
        // its leaf says if it was polled.
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
    /// - `this` is pinned and borrowed exclusively.
    /// - The chain was started, and its driver was entered.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn resume(this: *mut Self) -> Poll<B::Output> {
        // SAFETY: `poll` and `poll_lazy` have entered the driver. The chain was started, and does not run: its leaf
        // is live (invariant L) or `ENDED`.
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
        this as *const Driver
    }

    /// The first poll of a lazy chain, which writes the chain's head.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively, by a poll as `P` says.
    /// - The chain was not polled, and its driver was entered.
    #[inline(never)]
    unsafe fn start_lazy<P: PolledAs>(this: *mut Self) -> Poll<B::Output> {
        let driver = Self::driver(this);
        // SAFETY: `poll_lazy`, the only caller, has pinned memory with a leaf, and has entered the driver.
        if unsafe { Self::leaf(this) } == CALLED {
            // SAFETY: the leaf is `CALLED`; `poll_lazy` has pinned the memory and entered the driver.
            return unsafe { Self::start_called(this) };
        }
        // SAFETY: nothing is overwritten that is used: the leaf was null, and the host is taken over.
        unsafe {
            let host = Driver::host(driver);
            (*this).head.write(H::with_stack(FrameStack::new()));
            Driver::enter(driver, host);
        }
        // SAFETY: the head is written, its leaf is null, and the driver was entered.
        unsafe { Self::start_here::<P>(this) }
    }

    /// The first poll of a lazy chain that a body awaits without knowing it: calls the root frame in that body's chain.
    /// See `call/generic.rs`.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively, its driver was entered, and its leaf is [`CALLED`].
    /// - The context that the driver was entered with is that of the body which awaits this (contract of
    ///   [`LazyChain`](crate::call::generic::LazyChain)).
    #[inline(never)]
    unsafe fn start_called(this: *mut Self) -> Poll<B::Output> {
        let driver = Self::driver(this);
        // SAFETY: `start_lazy`, the only caller, has a driver that was entered; nothing else has the context.
        let chain = context::chain(unsafe { (*driver).context() });
        // (If this panicked, nothing would have begun.)
        let chain = chain.expect("the context of a body");
        // SAFETY: the leaf is `CALLED`, so `call_later` has noted the call, and only `enter` has written to the driver
        // since.
        let at = unsafe { Driver::noted_call(driver) };
        // SAFETY: the memory is pinned, and nothing in the head is used any more.
        let own = unsafe {
            (*this).head.write(H::with_stack(FrameStack::new()));
            &*driver
        };
        // As long as it is not suspended, and if it panics now, there is nothing but the head.
        own.leaf.set(ended());
        own.set_called_at(at);
        // SAFETY: the chain was not polled, so the body is there. The leaf keeps it from being taken again.
        let mut body = unsafe { Self::body(this).cast::<MaybeUninit<B>>().read() };
        // SAFETY: invariant G. The memory is that of a future that the running body (invariant D) awaits by value: it
        // stays valid until the call has ended (invariant F), since only the driver of the body's chain ends frames,
        // the callee's first. When it has returned the body is resumed (invariant L), and this is polled again: to
        // the driver here the chain has returned then, and the result is in its frame.
        let poll = unsafe {
            let body = Passing::of(body.as_mut_ptr());
            Frame::call_as(Self::frame(this), body, chain, Self::CALLED_VTABLE)
        };
        if poll.is_pending() {
            own.leaf.set(root_continuation());
        }
        // SAFETY: the call of this frame has just given it.
        poll.map(|given| unsafe { Frame::take_given(Self::frame(this), given) })
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
        // SAFETY: the frame is in the memory of a chain, by this vtable (invariant V). The chain's head was
        // written, and the driver was not entered since: the frame has not returned (invariant G).
        let call =
            unsafe { (*frame.byte_sub(offset_of!(Self, frame)).cast::<Driver>()).called_at() };
        Description { body: body_name::<B>(), call, branches: None }
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively, by a poll as `P` says.
    /// - The head is written, the driver was entered, and the leaf is null.
    #[inline(never)]
    unsafe fn start<P: PolledAs>(this: *mut Self) -> Poll<B::Output> {
        // SAFETY: `poll`, the only caller, has entered the driver, and found that the chain was not started.
        unsafe { Self::start_here::<P>(this) }
    }

    /// [`RootMemory::start`] where it is called.
    ///
    /// # Safety
    /// As for [`RootMemory::start`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn start_here<P: PolledAs>(this: *mut Self) -> Poll<B::Output> {
        let driver = Self::driver(this);
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: `start` and `start_lazy` are called once the driver was entered, in a poll as `P`.
        unsafe { P::starts(driver) };
        // SAFETY: the head is written, and the memory pinned (invariant M).
        let own = unsafe { &*driver };
        // A chain that panics in its first poll has ended.
        own.leaf.set(ended());
        if N != 0 {
            // SAFETY: `with_options` has written the chunk's head. From here on the root is not moved (invariant M),
            // and the driver, and with it the stack, is dropped before the chunk's memory is gone.
            unsafe {
                let head = (&raw mut (*this).chunk).cast::<Chunk>();
                own.stack.install(head, N & !(align_of::<Chunk>() - 1));
            }
        }
        // SAFETY: the leaf was null, so the body is there. It is taken once: the leaf is not null any more.
        let mut body = unsafe { Self::body(this).cast::<MaybeUninit<B>>().read() };
        // SAFETY: the body is not used again.
        let body = unsafe { Passing::of(body.as_mut_ptr()) };
        // SAFETY: pinned memory is valid for the frame until the root is dropped (invariants F and M), and the driver
        // was entered (invariant D).
        match unsafe { Frame::call::<NoSite>(Self::frame(this), body, Caller::root(driver)) } {
            Poll::Ready(given) => {
                // SAFETY: the call of this frame has just given it (invariant L).
                Poll::Ready(unsafe { Frame::take_given(Self::frame(this), given) })
            }
            Poll::Pending => {
                // SAFETY: the frame has suspended, and so the leaf is a live frame (invariant L).
                let poll = unsafe { Driver::settle(driver, Driver::pending(driver)) };
                if poll.is_pending() {
                    // SAFETY: the poll by which the driver was entered is still under way.
                    unsafe { P::suspended(driver) };
                }
                // SAFETY: `poll` is what `settle` has returned.
                unsafe { Self::result(this, poll) }
            }
        }
    }

    /// The root frame.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn frame(this: *mut Self) -> *mut Frame<B> {
        // SAFETY: in bounds of the memory, since every caller has the whole of it.
        unsafe { &raw mut (*this).frame as *mut Frame<B> }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `Driver::run` or `Driver::settle` returned last.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn result(this: *mut Self, poll: Poll<()>) -> Poll<B::Output> {
        poll.map(|()| {
            // SAFETY: the chain has ended, so the root frame has returned (invariant L). The leaf that is set here
            // keeps this from being called again.
            unsafe {
                (*Self::driver(this)).leaf.set(ended());
                Frame::take_result(Self::frame(this))
            }
        })
    }

    /// Drops the content of a chain that is not lazy: its frames, or the body; and its head.
    ///
    /// # Safety
    /// - This is called once, and the memory is not used again.
    /// - `this` is borrowed exclusively.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn drop_in_place(this: *mut Self) {
        // Most chains are dropped after they have ended: so no more than this is compiled where they are.
        // SAFETY: the owner drops the chain, which nothing runs, once.
        unsafe {
            if ptr::eq(Self::leaf(this), ended()) {
                drop(DropInPlace((*this).head.as_mut_ptr()));
            } else if Self::leaf(this).is_null() {
                let _head = DropInPlace((*this).head.as_mut_ptr());
                Self::body(this).drop_in_place();
            } else {
                Self::drop_suspended(this);
            }
        }
    }

    /// [`RootMemory::drop_in_place`] of a chain with frames.
    ///
    /// # Safety
    /// As for that.
    #[inline(never)]
    unsafe fn drop_suspended(this: *mut Self) {
        // SAFETY: the owner drops the chain, which nothing runs, once. The head outlives the frames, which may be
        // in its stack, and is dropped also if the drop of one panics.
        unsafe {
            let _head = DropInPlace((*this).head.as_mut_ptr());
            drop(DropChain(Self::driver(this)));
        }
    }

    /// Drops the content of a lazy chain.
    ///
    /// # Safety
    /// As for [`RootMemory::drop_in_place`].
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn drop_lazy(this: *mut Self) {
        // SAFETY: the owner drops the chain, which nothing runs, once. A chain that was not polled has nothing but
        // the body.
        unsafe {
            if ptr::eq(Self::leaf(this), ended()) {
                drop(DropInPlace((*this).head.as_mut_ptr()));
            } else if is_unpolled(Self::leaf(this)) {
                Self::body(this).drop_in_place();
            } else {
                Self::drop_suspended(this);
            }
        }
    }
}

/// Drops a value where it is.
struct DropInPlace<T>(*mut T);

impl<T> Drop for DropInPlace<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: `drop_in_place`, which makes the guard, owns the head and does not use it again.
        unsafe { self.0.drop_in_place() }
    }
}
