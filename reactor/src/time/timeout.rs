//! Waiting for a future, but not for ever.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::time::sleep::Sleep;
use crate::{budget, context};

/// Awaits `future`, but no longer than `duration`.
///
/// A future that is ready when time is up counts as ready.
///
/// # Errors
///
/// [`Elapsed`] if time is up first. The future is dropped with the [`Timeout`], that is, where
/// `.await` ends.
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    let handle = context::expect_driver("timeout");
    Timeout { future: future.into_future(), sleep: Sleep::lasting(handle, duration) }
}

/// Awaits `future`, but no longer than until `deadline`. Otherwise as [`timeout`].
///
/// # Errors
///
/// [`Elapsed`] if time is up first.
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    let sleep = Sleep::new(context::expect_driver("timeout_at"), deadline);
    Timeout { future: future.into_future(), sleep }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
    }
}

impl<F> Timeout<F> {
    /// The future that is awaited.
    pub fn get_ref(&self) -> &F {
        &self.future
    }

    /// Gives up the limit.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        ready!(this.sleep.poll_unpaid(cx));
        // A future that uses up the budget in each poll would never be seen to be late.
        if !budget::is_used_up() {
            ready!(budget::poll_proceed(cx));
        }
        Poll::Ready(Err(Elapsed(())))
    }
}

/// A [`timeout`] was up before its future was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time is up")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}
