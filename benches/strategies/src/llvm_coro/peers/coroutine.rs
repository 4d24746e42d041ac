//! What the bodies of a peer need, and those who resume them. The plugin gives the functions declared here their
//! meaning: see `plugin/plugin.cpp`.
//!
//! One thread at a time may call into a peer.

use std::cell::Cell;
use std::hint::black_box;

/// An address of a frame.
pub type Raw = *mut ();

unsafe extern "C-unwind" {
    /// Suspends the calling function.
    safe fn coro_suspend();
    /// Awaits a coroutine that was created as a value; it unwinds where the caller is destroyed.
    fn coro_await(coroutine: Raw) -> u64;
    fn coro_resume(coroutine: Raw);
    fn coro_destroy(coroutine: Raw);
}

unsafe extern "C" {
    /// The calling function is a coroutine, whether it suspends or not.
    safe fn coro_function();
    fn coro_done(coroutine: Raw) -> bool;
    fn coro_promise(coroutine: Raw) -> *mut Promise;
    /// A coroutine that does nothing when it is resumed.
    safe fn coro_noop() -> Raw;
}

/// What a coroutine shares with its caller.
#[repr(C)]
struct Promise {
    caller: Raw,
    result: u64,
}

/// A variable of the peer.
pub struct Global<T>(Cell<T>);

// SAFETY: one thread at a time calls into a peer, as the lab promises.
unsafe impl<T> Sync for Global<T> {}

impl<T: Copy> Global<T> {
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    #[inline(always)]
    pub fn get(&self) -> T {
        self.0.get()
    }

    #[inline(always)]
    pub fn set(&self, value: T) {
        self.0.set(value);
    }
}

/// The innermost suspended coroutine: what a wake-up resumes.
static LEAF: Global<Raw> = Global::new(std::ptr::null_mut());

/// Called by each suspension, just before it leaves.
#[unsafe(no_mangle)]
#[inline(always)]
extern "C" fn coro_suspended(coroutine: Raw) {
    LEAF.set(coroutine);
}

/// The innermost suspended coroutine, to be resumed once.
#[inline(always)]
pub fn leaf() -> Raw {
    LEAF.get()
}

#[inline(always)]
pub fn suspend() {
    coro_suspend();
}

#[inline(always)]
pub fn coroutine() {
    coro_function();
}

/// A value the optimiser knows nothing about.
#[inline(always)]
pub fn opaque<T>(value: T) -> T {
    black_box(value)
}

/// A coroutine as a value. Destroyed when it is dropped, with all that it awaits.
#[repr(transparent)]
pub struct Handle(Raw);

impl Handle {
    /// Its result. An await, as each call of a coroutine by a coroutine is.
    #[inline(always)]
    pub fn awaited(self) -> u64 {
        let coroutine = std::mem::ManuallyDrop::new(self);
        // SAFETY: a handle is that of a coroutine that exists, and the await destroys it.
        unsafe { coro_await(coroutine.0) }
    }

    /// Runs it, with no caller, to its first suspension.
    #[inline(always)]
    pub fn start(&self) {
        // An eager one has run to there already, and has a caller only if it is not done.
        if cfg!(eager) && self.done() {
            return;
        }
        // SAFETY: the coroutine exists, and its result is a `u64`: `create` makes no others.
        unsafe { (*coro_promise(self.0)).caller = coro_noop() };
        if cfg!(not(eager)) {
            // SAFETY: the coroutine exists and has not begun.
            unsafe { coro_resume(self.0) };
        }
    }

    #[inline(always)]
    pub fn done(&self) -> bool {
        // SAFETY: the coroutine exists, and it does not run: whoever calls this does.
        unsafe { coro_done(self.0) }
    }

    /// Once it is done.
    #[inline(always)]
    pub fn result(&self) -> u64 {
        // SAFETY: the coroutine exists, and its result is a `u64`.
        unsafe { (*coro_promise(self.0)).result }
    }

    /// Resumes leaves until it is done.
    #[inline(always)]
    pub fn finish(&self) -> u64 {
        while !self.done() {
            resume(leaf());
        }
        self.result()
    }
}

impl Drop for Handle {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the coroutine exists and does not run, and nothing names it any more.
        unsafe { coro_destroy(self.0) };
    }
}

/// Resumes a coroutine that was the [`leaf`] when it suspended, and has not been resumed since.
#[inline(always)]
pub fn resume(leaf: Raw) {
    // SAFETY: the callers are the drivers, which keep the chain alive while they resume its leaves.
    unsafe { coro_resume(leaf) };
}

/// Arguments of a value: what is destroyed before it begins drops none.
#[inline(always)]
pub fn copies<T: Copy>(_: &T) {}

/// A coroutine as a value: `create!(f => fn(u64) -> u64, argument)`. By the type of the call the plugin sees that it is
/// no await.
macro_rules! create {
    ($function:expr => fn($($type:ty),*) -> u64 $(, $argument:expr)*) => {{
        $($crate::coroutine::copies::<$type>(&$argument);)*
        // SAFETY: the plugin makes it a function that returns a handle.
        unsafe {
            std::mem::transmute::<fn($($type),*) -> u64, fn($($type),*) -> $crate::coroutine::Handle>($function)(
                $($argument),*
            )
        }
    }};
}

pub(crate) use create;
