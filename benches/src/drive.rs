//! The loops that every future-based strategy is driven by, and the clock around them.
//!
//! A loop knows its root's type, as the part of an executor does that is instantiated for each type
//! of task. What lies around that, a run queue and the indirect call from it to the task, is the
//! same for all strategies and not part of these measurements.

use std::future::{Future, IntoFuture};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// What one sample gives: the time it took and a checksum, to be compared with
/// [`Workload::expected`](crate::workload::Workload::expected).
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// Wall-clock time of the timed part.
    pub elapsed: Duration,
    /// Result of the work.
    pub checksum: u64,
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

/// Starts the chain that `make` builds for `n + 1` suspensions, then times `n` resumes of it.
///
/// # Panics
/// If the chain suspends fewer or more than `n + 1` times.
pub fn resumes<F>(make: impl FnOnce(u64) -> F, n: u64) -> Timed
where
    F: IntoFuture<Output = u64>,
{
    let mut chain = pin!(make(opaque(n + 1)).into_future());
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(chain.as_mut().poll(cx).is_pending(), "the chain did not suspend");
    let start = Instant::now();
    for _ in 0..n {
        assert!(chain.as_mut().poll(cx).is_pending(), "the chain ended early");
    }
    let elapsed = start.elapsed();
    match chain.as_mut().poll(cx) {
        Poll::Ready(checksum) => Timed { elapsed, checksum },
        Poll::Pending => panic!("the chain suspended too often"),
    }
}

/// Times `n` whole calls: each builds a chain by `make` and polls it to its end.
#[inline(always)]
pub fn calls<F>(mut make: impl FnMut() -> F, n: u64) -> Timed
where
    F: IntoFuture<Output = u64>,
{
    let start = Instant::now();
    let mut checksum = 0u64;
    for _ in 0..n {
        let chain = pin!(make().into_future());
        checksum = checksum.wrapping_add(finish(chain));
    }
    Timed { elapsed: start.elapsed(), checksum }
}

/// Polls `future` until it is ready.
#[inline(always)]
pub(crate) fn finish(mut future: Pin<&mut impl Future<Output = u64>>) -> u64 {
    let cx = &mut Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(cx) {
            return value;
        }
    }
}
