//! Waiting for a time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use crate::driver::{Handle, State};
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
    Sleep::lasting(context::expect_driver("sleep"), duration)
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
    /// The deadline was ahead when the sleep was made: the first poll spares a look at the clock. (If it is up by then,
    /// the driver says so at its next turn.)
    is_ahead: bool,
}

struct Armed {
    /// Valid while it waits.
    key: u32,
    /// The deadline, as the driver counts.
    time: u64,
    waker: Known,
}

/// A waker that the driver has, by the addresses of its parts: to know it again. As long as the timer waits, the
/// waker's data stay where they are, and no other waker has these.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Known(usize, usize);

impl Known {
    fn of(waker: &Waker) -> Self {
        Known(waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
    }
}

impl Sleep {
    pub(super) fn new(handle: Arc<Handle>, deadline: Instant) -> Self {
        Self { handle, deadline, armed: None, is_ahead: false }
    }

    /// Waits for `duration` on a driver that need not be current.
    #[inline]
    pub(super) fn lasting(handle: Arc<Handle>, duration: Duration) -> Self {
        let now = handle.clock.instant();
        let is_ahead = !duration.is_zero();
        Self { handle, deadline: after(now, duration), armed: None, is_ahead }
    }

    /// The same.
    pub(crate) fn on(handle: &Arc<Handle>, duration: Duration) -> Self {
        Self::lasting(handle.clone(), duration)
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
            Some(armed) if self.handle.timer_state(armed.time) == State::Waiting => false,
            _ => self.handle.clock.instant() >= self.deadline,
        }
    }

    /// Sets another deadline, also after it has ended.
    ///
    /// A task that waits for it is woken at the new one, and not at the old one unless that was up already.
    pub fn reset(&mut self, deadline: Instant) {
        (self.deadline, self.is_ahead) = (deadline, false);
        if let Some(armed) = &mut self.armed {
            let time = self.handle.time(deadline);
            match self.handle.rearm(armed.key, armed.time, time) {
                Ok(_) => armed.time = time,
                Err(_) => self.armed = None,
            }
        }
    }

    pub(super) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// As `poll`, but at no cost. A poll that waits already compares wakers, and takes no lock.
    pub(super) fn poll_unpaid(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(armed) = &self.armed else { return self.arm(cx) };
        match self.handle.timer_state(armed.time) {
            State::Fired => return Poll::Ready(()),
            State::Waiting if armed.waker == Known::of(cx.waker()) => {}
            State::Waiting => {
                let (waker, known) = (cx.waker().clone(), Known::of(cx.waker()));
                if !self.handle.replace(armed.key, armed.time, waker) {
                    return self.poll_unpaid(cx); // It has fired meanwhile.
                }
                self.armed = Some(Armed { waker: known, ..*armed });
            }
            // Its time may come nevertheless.
            State::Gone if self.handle.clock.instant() >= self.deadline => return Poll::Ready(()),
            State::Gone => {}
        }
        self.handle.assert_attended("a timer was");
        Poll::Pending
    }

    fn arm(&mut self, cx: &Context<'_>) -> Poll<()> {
        let is_ahead = std::mem::take(&mut self.is_ahead);
        if !is_ahead && self.handle.clock.instant() >= self.deadline {
            return Poll::Ready(());
        }
        self.handle.assert_attended("a timer was");
        let time = self.handle.time(self.deadline);
        match self.handle.arm(time, cx.waker().clone()) {
            Ok(key) => {
                self.armed = Some(Armed { key, time, waker: Known::of(cx.waker()) });
                Poll::Pending
            }
            // Others have seen its time come.
            Err(State::Fired) => Poll::Ready(()),
            Err(_) => Poll::Pending,
        }
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
            self.handle.cancel(armed.key, armed.time);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
