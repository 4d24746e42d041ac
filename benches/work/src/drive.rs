//! The loops that every future-based strategy is driven by, and the clock around them.
//!
//! A loop knows its root's type, as the part of an executor does that is instantiated for each type
//! of task. What lies around that, a run queue and the indirect call from it to the task, is the
//! same for all strategies and not part of these measurements.

use std::future::{Future, IntoFuture};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::clock::ThreadTime;

/// What one sample gives: the time it took and a checksum, to be compared with
/// [`Workload::expected`](crate::workload::Workload::expected).
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// The thread's own time for the timed part.
    pub elapsed: Duration,
    /// Result of the work.
    pub checksum: u64,
}

/// Runs iterations of a workload and gives the time they took with the checksum. Fails only where the
/// work is done in another process. May be called any number of times.
pub type Runner = Box<dyn FnMut(u64) -> Result<Timed>>;

/// Runs a number of iterations, checks the result, and says how long they took. Fails if the result
/// is wrong.
pub type Sample = Box<dyn FnMut(u64) -> Result<Duration>>;

/// Where a frame lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// In the caller's frame.
    Inline,
    /// An allocation for each call.
    Heap,
    /// On the chain's LIFO frame stack.
    Stack,
    /// On a LIFO arena, as C++ programs have it by `operator new`.
    Arena,
    /// An allocation for each call, and the callee's type erased.
    Boxed,
    /// In the caller's frame where it is small enough, else on the frame stack.
    May,
    /// In the caller's frame, and the roots of many tasks side by side in one allocation.
    Contiguous,
}

impl Placement {
    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Placement::Inline => "inline",
            Placement::Heap => "heap",
            Placement::Stack => "stack",
            Placement::Arena => "arena",
            Placement::Boxed => "boxed",
            Placement::May => "may",
            Placement::Contiguous => "contiguous",
        }
    }
}

/// The one suspension of all Rust strategies: `Pending` once, without waking, then `Ready`.
#[derive(Debug)]
#[must_use = "suspends only when awaited"]
pub struct Suspend(bool);

/// Suspends the calling coroutine once.
#[inline(always)]
pub fn suspend() -> Suspend {
    Suspend(false)
}

impl Future for Suspend {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            Poll::Ready(())
        } else {
            self.0 = true;
            Poll::Pending
        }
    }
}

/// A value the optimiser knows nothing about. The C++ peer has the same operation.
#[inline(always)]
pub fn opaque<T>(value: T) -> T {
    black_box(value)
}

/// Polls a root by a call, as an executor does behind its run queue: for [`resumes_by`] and
/// [`calls_by`]. Otherwise the compiler inlines the poll into the loop if it sees fit.
pub fn by_a_call<F: Future<Output = u64>>()
-> impl Fn(Pin<&mut F>, &mut Context<'_>) -> Poll<u64> + Copy {
    let poll: fn(Pin<&mut F>, &mut Context<'_>) -> Poll<u64> = F::poll;
    opaque(poll)
}

/// Starts the chain that `make` builds for `n + 1` suspensions, then times `n` resumes of it.
///
/// # Panics
/// If the chain suspends fewer or more than `n + 1` times.
pub fn resumes<F>(make: impl FnOnce(u64) -> F, n: u64) -> Timed
where
    F: IntoFuture<Output = u64>,
{
    resumes_by(|root, cx| root.poll(cx), make, n)
}

/// [`resumes`], with a choice of how the root is polled.
///
/// # Panics
/// As there.
#[inline(always)]
pub fn resumes_by<F>(
    poll: impl Fn(Pin<&mut F::IntoFuture>, &mut Context<'_>) -> Poll<u64>,
    make: impl FnOnce(u64) -> F,
    n: u64,
) -> Timed
where
    F: IntoFuture<Output = u64>,
{
    let mut chain = pin!(make(opaque(n + 1)).into_future());
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(poll(chain.as_mut(), cx).is_pending(), "the chain did not suspend");
    let start = ThreadTime::now();
    for _ in 0..n {
        assert!(poll(chain.as_mut(), cx).is_pending(), "the chain ended early");
    }
    let elapsed = start.elapsed();
    match poll(chain.as_mut(), cx) {
        Poll::Ready(checksum) => Timed { elapsed, checksum },
        Poll::Pending => panic!("the chain suspended too often"),
    }
}

/// Times `n` whole calls: each builds a chain by `make` and polls it to its end.
#[inline(always)]
pub fn calls<F>(make: impl FnMut() -> F, n: u64) -> Timed
where
    F: IntoFuture<Output = u64>,
{
    calls_by(|root, cx| root.poll(cx), make, n)
}

/// [`calls`], with a choice of how the root is polled.
#[inline(always)]
pub fn calls_by<F>(
    poll: impl Fn(Pin<&mut F::IntoFuture>, &mut Context<'_>) -> Poll<u64> + Copy,
    mut make: impl FnMut() -> F,
    n: u64,
) -> Timed
where
    F: IntoFuture<Output = u64>,
{
    let start = ThreadTime::now();
    let mut checksum = 0u64;
    for _ in 0..n {
        let chain = pin!(make().into_future());
        checksum = checksum.wrapping_add(finish_by(poll, chain));
    }
    Timed { elapsed: start.elapsed(), checksum }
}

/// Polls `future` until it is ready.
#[inline(always)]
pub fn finish(future: Pin<&mut impl Future<Output = u64>>) -> u64 {
    finish_by(|root, cx| root.poll(cx), future)
}

#[inline(always)]
fn finish_by<F: Future<Output = u64>>(
    poll: impl Fn(Pin<&mut F>, &mut Context<'_>) -> Poll<u64>,
    mut future: Pin<&mut F>,
) -> u64 {
    let cx = &mut Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = poll(future.as_mut(), cx) {
            return value;
        }
    }
}
