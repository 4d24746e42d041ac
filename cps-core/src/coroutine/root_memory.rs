//! A whole chain in one piece of memory: the content of every root.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::backtrace::running::Running;
use crate::chain::driver::Driver;
use crate::chain::drop_chain::DropChain;
use crate::chain::header::{Header, ended};
use crate::chain::host::Host;
use crate::coroutine::polled_as::PolledAs;
use crate::frame::body::{Body, FnBody, Make};
use crate::frame::passing::Passing;
use crate::frame::{Frame, Headed, Origin};
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
    pub(super) head: MaybeUninit<H>,
    pub(super) frame: UnsafeCell<Origin<B>>,
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
        let host = Host::of(cx);
        // SAFETY: the caller has pinned the chain and borrows it exclusively (invariant M): so it does not run, and
        // its leaf is null if it was not started.
        unsafe {
            let poll = if Self::leaf(this).is_null() {
                Self::start::<P>(this, host)
            } else {
                Self::resume(this, host)
            };
            Self::result(this, poll)
        }
    }

    /// A poll that is not the first.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively.
    /// - The chain was started.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) unsafe fn resume(this: *mut Self, host: Host<'_>) -> Poll<()> {
        let driver = Self::driver(this);
        // SAFETY: `poll` and `poll_lazy` have the chain pinned and borrowed exclusively. It was started, so that its
        // head is written, and does not run: its leaf is live (invariant L) or `ENDED`.
        unsafe {
            Driver::enter(driver, host);
            let running = Running::new(driver);
            let _running = running.enter();
            Driver::run(driver)
        }
    }

    /// The driver, by a pointer to the whole.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn driver(this: *mut Self) -> *const Driver {
        this as *const Driver
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// - `this` is pinned and borrowed exclusively, by a poll as `P` says.
    /// - The head is written, and the leaf is null.
    #[inline(never)]
    pub(crate) unsafe fn start<P: PolledAs>(this: *mut Self, host: Host<'_>) -> Poll<()> {
        let driver = Self::driver(this);
        // SAFETY: `poll`, the only caller, has found that the chain was not started; its head is written.
        unsafe {
            Driver::enter(driver, host);
            #[cfg(feature = "alloc")]
            (*driver).parent.set(P::OUTSET.parent());
        }
        if N != 0 {
            // SAFETY: `with_options` has written the chunk's head. From here on the root is not moved (invariant M),
            // and the driver, and with it the stack, is dropped before the chunk's memory is gone.
            unsafe {
                let head = (&raw mut (*this).chunk).cast::<Chunk>();
                (*driver).stack.install(head, N & !(align_of::<Chunk>() - 1));
            }
        }
        // SAFETY: the driver was entered above; the rest is as for this function.
        unsafe { Self::start_here::<P>(this) }
    }

    /// Starts the root frame.
    ///
    /// # Safety
    /// - As for [`RootMemory::start`].
    /// - The driver was entered in this poll.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) unsafe fn start_here<P: PolledAs>(this: *mut Self) -> Poll<()> {
        let driver = Self::driver(this);
        let running = Running::new(driver);
        let _running = running.enter();
        // SAFETY: the leaf is null, so the body is there. It is taken once: if it panics the leaf says `ENDED`, if it
        // returns `poll` says so, and if it suspends the leaf is a frame.
        let mut body = unsafe { Self::body(this).cast::<MaybeUninit<B>>().read() };
        let unwinding = EndOnUnwind(driver);
        // SAFETY: the body is not used again.
        let body = unsafe { Passing::of(body.as_mut_ptr()) };
        // SAFETY: pinned memory is valid for the frame until the root is dropped (invariants F and M), and the driver
        // was entered (invariant D).
        let poll = unsafe { Frame::call_root(Self::frame(this), body, driver) };
        core::mem::forget(unwinding);
        match poll {
            Poll::Ready(given) => {
                // SAFETY: the call of this frame has just given it (invariant L).
                unsafe { Frame::leave_given(Self::frame(this), given) };
                Poll::Ready(())
            }
            Poll::Pending => {
                // SAFETY: the head is written. The frame has suspended, and so the leaf is a live frame (invariant L).
                let poll = unsafe { P::settle(driver, Driver::pending(driver)) };
                match poll {
                    Poll::Ready(()) => poll,
                    // SAFETY: the poll by which the driver was entered is still under way.
                    Poll::Pending => unsafe { P::suspended(driver) },
                }
            }
        }
    }

    /// The root frame.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn frame(this: *mut Self) -> *mut Frame<B> {
        // SAFETY: in bounds of the memory, since every caller has the whole of it.
        unsafe { &raw mut (*this).frame as *mut Frame<B> }
    }

    /// Takes the root frame's result when the chain has ended.
    ///
    /// # Safety
    /// `poll` is what `start` or `resume` has returned just now.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn result(this: *mut Self, poll: Poll<()>) -> Poll<B::Output> {
        poll.map(|()| {
            // SAFETY: the chain has ended, so the root frame has returned (invariant L). The leaf that is set here
            // keeps this from being called again.
            unsafe {
                Driver::set_leaf_of(this as *mut Driver, ended());
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
    pub(super) unsafe fn drop_suspended(this: *mut Self) {
        // SAFETY: the owner drops the chain, which nothing runs, once. The head outlives the frames, which may be
        // in its stack, and is dropped also if the drop of one panics.
        unsafe {
            let _head = DropInPlace((*this).head.as_mut_ptr());
            drop(DropChain(Self::driver(this)));
        }
    }
}

/// Notes that a chain has ended if its root frame unwinds in its start.
struct EndOnUnwind(*const Driver);

impl Drop for EndOnUnwind {
    fn drop(&mut self) {
        // SAFETY: `start_here`, which makes the guard, has the driver written and in a poll until then.
        unsafe { (*self.0).leaf.set(ended()) }
    }
}

/// Drops a value where it is.
pub(super) struct DropInPlace<T>(pub(super) *mut T);

impl<T> Drop for DropInPlace<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: `drop_in_place`, which makes the guard, owns the head and does not use it again.
        unsafe { self.0.drop_in_place() }
    }
}
