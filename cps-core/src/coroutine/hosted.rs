//! Chains in a host: an executor that keeps a future in a task of its own resumes the chain without polling the
//! future, whose type it does not know any more.
//!
//! ```text
//!                 first_poll                        resume: Pending
//!   a future F ───────────────▶ Pending, is_chain ◀──────────────────┐
//!                 │                  │           └───────────────────┘
//!                 │                  │ resume: Ready
//!                 ▼                  ▼
//!     what `F::poll` says,      `F::poll` gives the result
//!     as always
//! ```
//!
//! A future is a chain if its type is one of those that begin with their driver: a [`Coroutine`](crate::Coroutine),
//! [`Root`](crate::Root) or [`BoxCoroutine`](crate::BoxCoroutine). It says so itself, by the report that branching
//! points also ask for (`concurrent/frame.rs`, invariant A). Between two resumes it is pinned (M), and its leaf is the
//! frame that runs next (L).

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::backtrace::Backtrace;
use crate::backtrace::running::Running;
use crate::chain::driver::Driver;
use crate::chain::header::root_continuation;
use crate::chain::host::Host;
use crate::concurrent::frame::FutureTag;
use crate::wake_set::{First, Wakes};

/// Polls `future`, and says whether it is a chain that has suspended: then it can be [resumed](resume).
///
/// # Safety
/// `future` is valid, pinned, and borrowed exclusively by the caller.
pub unsafe fn first_poll<F: Future>(
    future: *mut F,
    cx: &mut Context<'_>,
) -> (Poll<F::Output>, bool) {
    let wakes = Wakes::new();
    let first = First::standing_for(&wakes, cx.waker());
    // SAFETY: the caller has pinned the future, and borrows it exclusively.
    let future = unsafe { Pin::new_unchecked(&mut *future) };
    let poll = future.poll(&mut Context::from_waker(&first.lend()));
    // SAFETY: all reports are `FutureTag`s (invariant A).
    let kind: Option<&FutureTag> = unsafe { first.reported() };
    let is_chain = kind.is_some_and(|kind| kind.is_chain() && kind.is_of::<F>());
    let is_suspended = is_chain && poll.is_pending();
    (poll, is_suspended)
}

/// Resumes the innermost frame. `Ready` says that the chain has returned: a poll of the future gives the result then.
/// (It is leaked if the future is dropped instead.)
///
/// # Panics
/// If a body does, after its callers' frames are dropped. The future may be dropped then.
///
/// # Safety
/// - `future` points to one that [`first_poll`] found to be a suspended chain, and that was resumed only since, each
///   time with `Pending`.
/// - It is valid, pinned, and borrowed exclusively by the caller.
#[inline(always)]
pub unsafe fn resume(future: *mut (), cx: &mut Context<'_>) -> Poll<()> {
    let driver = future.cast_const().cast::<Driver>();
    // SAFETY: the future begins with its driver, which its first poll has written, and is pinned (invariant M). The
    // caller borrows it exclusively, so nothing runs the chain; it was suspended, so its leaf is live (invariant L).
    unsafe {
        Driver::enter(driver, Host::of(cx));
        let running = Running::new(driver);
        let _running = running.enter();
        let poll = Driver::run(driver);
        if poll.is_ready() {
            // The root frame has returned. Whoever polls the chain next finds that.
            (*driver).leaf.set(root_continuation());
        }
        poll
    }
}

/// The functions of the chain, innermost first.
///
/// # Safety
/// As for [`resume`], but shared: nothing resumes the chain before this returns.
pub unsafe fn backtrace(future: *const ()) -> Backtrace {
    // SAFETY: the future begins with its driver, which its first poll has written; nothing runs the chain.
    unsafe { Backtrace::of_suspended(&*future.cast::<Driver>()) }
}
