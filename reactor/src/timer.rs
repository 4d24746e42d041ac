//! Timers: an ordered map from deadline to waker, and the futures that live in it.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::executor::{self, Executor};

/// "Never", for deadlines that an `Instant` cannot express. Ten years, which every platform can
/// add.
const FAR_FUTURE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Deadline, then order of registration: those with one deadline fire in that order.
type Key = (Instant, u64);

/// The timers that wait. A [`Sleep`] that does not wait, or is dropped, is not in here.
#[derive(Default)]
pub(crate) struct Timers {
    waiting: BTreeMap<Key, Waker>,
    next_id: u64,
}

impl Timers {
    /// The first deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(&(deadline, _), _)| deadline)
    }

    /// Moves the wakers of all timers due at `now` to `wakers`, in their order.
    pub(crate) fn fire(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 > now {
                break;
            }
            wakers.push(first.remove());
        }
    }
}

/// Waits for `duration`.
///
/// It may take longer, by the granularity of the operating system's timeouts (a millisecond) and by
/// what other tasks do, but never shorter. A duration too long to express waits for years.
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
///
/// # Cancellation
///
/// Dropping the future removes the timer.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let now = Instant::now();
    let deadline = now.checked_add(duration).unwrap_or_else(|| now + FAR_FUTURE);
    Sleep { executor: executor::expect_current("sleep"), deadline, id: None }
}

/// Waits until `deadline`; not at all if it has passed. Otherwise as [`sleep`].
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { executor: executor::expect_current("sleep_until"), deadline, id: None }
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    executor: Rc<Executor>,
    deadline: Instant,
    /// Second half of the key, from the first poll that had to wait. The timer may have fired
    /// since.
    id: Option<u64>,
}

impl Sleep {
    /// When it ends.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    fn remove(&mut self) {
        if let Some(id) = self.id.take() {
            let waker = self.executor.timers().borrow_mut().waiting.remove(&(self.deadline, id));
            drop(waker); // Foreign code: after the borrow.
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            self.remove();
            return Poll::Ready(());
        }
        self.executor.assert_current("a timer was");
        let waker = cx.waker().clone();
        let id = self.id;
        let (id, stale) = {
            let mut timers = self.executor.timers().borrow_mut();
            let id = id.unwrap_or_else(|| {
                timers.next_id += 1;
                timers.next_id
            });
            (id, timers.waiting.insert((self.deadline, id), waker))
        };
        self.id = Some(id);
        drop(stale); // Foreign code: after the borrow.
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.remove();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

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
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep(duration) }
}

pin_project! {
    /// The future of [`timeout`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed(())))
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
