//! Waiting for a time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::driver::{Handle, State, Timer};
use crate::{budget, context};

/// "Never", for deadlines that an `Instant` cannot express. Ten years, which every platform can
/// add.
const FAR_FUTURE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// `duration` after `start`, or far in the future.
pub(super) fn after(start: Instant, duration: Duration) -> Instant {
    start.checked_add(duration).unwrap_or_else(|| start + FAR_FUTURE)
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
    let handle = context::expect_driver("sleep");
    let deadline = after(handle.clock.instant(), duration);
    Sleep::new(handle, deadline)
}

/// Waits until `deadline`; not at all if it has passed. Otherwise as [`sleep`].
///
/// # Panics
///
/// Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(context::expect_driver("sleep_until"), deadline)
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It is `Send` and `Sync`: it may be polled on any thread while its runtime runs on some thread.
///
/// # Panics
///
/// When polled on the thread on which its runtime ran, but outside of it: nothing would wake the task.
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    handle: Arc<Handle>,
    deadline: Instant,
    /// From the first poll that had to wait.
    armed: Option<Armed>,
}

struct Armed {
    timer: Arc<Timer>,
    /// Valid while the timer's state is "waiting".
    key: u32,
}

impl Sleep {
    pub(super) fn new(handle: Arc<Handle>, deadline: Instant) -> Self {
        Self { handle, deadline, armed: None }
    }

    /// Waits for `duration` on a driver that need not be current.
    pub(crate) fn on(handle: &Arc<Handle>, duration: Duration) -> Self {
        Self::new(handle.clone(), after(handle.clock.instant(), duration))
    }

    /// When it ends.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it has ended, so that awaiting would not suspend.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        match &self.armed {
            Some(armed) => armed.timer.state() == State::Fired,
            None => self.handle.clock.instant() >= self.deadline,
        }
    }

    /// Sets another deadline, also after it has ended.
    ///
    /// A task that waits for it is woken at the new one, and not at the old one unless that was up already.
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        if let Some(armed) = &self.armed {
            let waits = armed.timer.state() == State::Waiting;
            if !(waits && self.handle.rearm(armed.key, &armed.timer, deadline)) {
                self.armed = None;
            }
        }
    }

    pub(super) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// As `poll`, but at no cost. A poll that waits already compares wakers, and takes no lock.
    pub(super) fn poll_unpaid(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(armed) = &self.armed else { return self.arm(cx) };
        match armed.timer.state() {
            State::Fired => return Poll::Ready(()),
            State::Waiting if armed.timer.waker().will_wake(cx.waker()) => {}
            State::Waiting => {
                let timer = Timer::new(cx.waker().clone());
                if !self.handle.replace(armed.key, &armed.timer, &timer) {
                    return self.poll_unpaid(cx); // It has fired meanwhile.
                }
                self.armed = Some(Armed { timer, key: armed.key });
            }
            // Its time may come nevertheless.
            State::Gone if self.handle.clock.instant() >= self.deadline => return Poll::Ready(()),
            State::Gone => {}
        }
        self.handle.assert_attended("a timer was");
        Poll::Pending
    }

    fn arm(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.handle.clock.instant() >= self.deadline {
            return Poll::Ready(());
        }
        self.handle.assert_attended("a timer was");
        let timer = Timer::new(cx.waker().clone());
        let key = self.handle.arm(self.deadline, &timer);
        self.armed = Some(Armed { timer, key });
        Poll::Pending
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_unpaid(cx));
        budget::poll_proceed(cx)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(armed) = &self.armed {
            self.handle.cancel(armed.key, &armed.timer);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
