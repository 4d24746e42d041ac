//! A whole chain in one piece of memory: what every root is made of.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;
use core::task::{Context, Poll, Waker};

#[cfg(feature = "alloc")]
use crate::backtrace::Backtrace;
use crate::body::{Body, NoSite};
use crate::chain::Chain;
use crate::driver::{Driver, Host, ended};
use crate::frame::{Frame, Origin};
use crate::running::Running;
use crate::stack::{Chunk, FrameStack};
use crate::stack_options::{StackOptions, StackUsage};

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
    #[inline(always)]
    fn with_stack(stack: FrameStack) -> Self {
        Driver::with_stack(stack)
    }
}

/// A driver with its head `H`, the root frame, and `N` bytes for the first chunk of the frame stack.
///
/// The driver is reached by a pointer to the whole: bodies reach the rest of its head by it.
#[repr(C)]
pub(crate) struct Chained<H: Head, B: Body, const N: usize> {
    head: H,
    frame: UnsafeCell<Origin<B>>,
    chunk: UnsafeCell<Bytes<N>>,
}

/// Memory for a chunk of the frame stack: its head first, once the root is made.
#[repr(C, align(8))]
struct Bytes<const N: usize>([MaybeUninit<u8>; N]);

// SAFETY: a chain owns the root frame, which is `Send` if the body is (contract of `Body`), and
// through it all other frames: those in the body's slots, whose types are part of the body's future,
// and those it boxed as `Send`. The driver's pointers lead to these, or are unused outside of a poll,
// and the rest of its head is empty outside of a poll (contract of `Head`).
unsafe impl<H: Head, B: Body + Send, const N: usize> Send for Chained<H, B, N> {}
// SAFETY: a shared reference gives access to nothing but the driver's account of itself (`Debug`,
// `backtrace`, `stack_usage`), which reads what is written through `&mut` only.
unsafe impl<H: Head, B: Body, const N: usize> Sync for Chained<H, B, N> {}

impl<H: Head, B: Body> Chained<H, B, 0> {
    #[inline(always)]
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

impl<H: Head, B: Body, const N: usize> Chained<H, B, N> {
    #[inline(always)]
    fn with_stack(stack: FrameStack, body: B) -> Self {
        Chained {
            head: H::with_stack(stack),
            frame: UnsafeCell::new(Origin::unstarted(body, ptr::null())),
            chunk: UnsafeCell::new(Bytes([MaybeUninit::uninit(); N])),
        }
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

    #[cfg(feature = "alloc")]
    pub(crate) fn backtrace(&self) -> Backtrace {
        // SAFETY: a chain runs only while its root is borrowed exclusively.
        unsafe { Backtrace::of_suspended(self.head.driver()) }
    }

    pub(crate) fn stack_usage(&self) -> StackUsage {
        self.head.driver().stack.usage()
    }

    /// How far the chain has come, for `Debug`.
    pub(crate) fn condition(&self) -> &'static str {
        self.head.driver().condition()
    }

    /// Whether the root body has returned, or the chain has panicked or was cancelled.
    pub(crate) fn is_ended(&self) -> bool {
        ptr::eq(self.head.driver().leaf.get(), ended())
    }

    /// [`Chained::is_ended`] by a pointer to the whole.
    ///
    /// # Safety
    /// `this` is live.
    #[inline(always)]
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

    /// Runs the chain until it suspends or the root body has returned. `suspended` is called if it has
    /// suspended in its first poll.
    ///
    /// # Safety
    /// `this` is pinned and borrowed exclusively.
    #[inline(always)]
    pub(crate) unsafe fn poll(
        this: *mut Self,
        cx: &mut Context<'_>,
        suspended: fn(&Waker),
    ) -> Poll<B::Output> {
        // SAFETY: a non-null leaf means that the chain is suspended or has ended (it cannot be
        // running: `this` is borrowed exclusively).
        unsafe {
            let driver = Self::driver(this);
            (*driver).enter(Host::of(cx));
            let running = Running::new(driver);
            let _running = running.enter();
            if (*driver).leaf.get().is_null() {
                return Self::start(this, suspended);
            }
            let poll = Driver::run(driver);
            Self::result(this, poll)
        }
    }

    /// The driver, by a pointer to the whole.
    #[inline(always)]
    pub(crate) fn driver(this: *mut Self) -> *const Driver {
        this.cast_const().cast()
    }

    /// The first poll. Not inlined, so that the resume of a suspended chain is: it is short.
    ///
    /// # Safety
    /// `this` is pinned, its driver was entered, and its leaf is null.
    #[inline(never)]
    unsafe fn start(this: *mut Self, suspended: fn(&Waker)) -> Poll<B::Output> {
        // SAFETY: pinned memory stays valid until the root is dropped; the frame holds the body as
        // long as the leaf is null, and it is taken out once. If there is a chunk, its head was
        // written by `with_chunk`; the driver, and with it the stack, is dropped before the chunk's
        // memory is gone.
        unsafe {
            let driver = Self::driver(this);
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
            match Frame::call::<NoSite>(frame, parts, Chain::root(driver)) {
                Poll::Ready(value) => Poll::Ready(value),
                Poll::Pending => {
                    let poll = Driver::settle(driver, (*driver).pending());
                    if poll.is_pending() {
                        suspended((*driver).waker());
                    }
                    Self::result(this, poll)
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
                (*Self::driver(this)).leaf.set(ended());
                Frame::take_result(UnsafeCell::raw_get(&raw const (*this).frame).cast::<Frame<B>>())
            }
        })
    }
}

impl<H: Head, B: Body, const N: usize> Drop for Chained<H, B, N> {
    #[inline]
    fn drop(&mut self) {
        let driver = Self::driver(self);
        // SAFETY: nothing runs the chain, since `self` is borrowed exclusively.
        unsafe {
            if (*driver).is_started() {
                Driver::cancel(driver);
            } else {
                Origin::drop_unstarted(self.frame.get());
            }
        }
    }
}
