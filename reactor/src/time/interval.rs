//! Doing something again and again.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::time::sleep::{Sleep, after};
use crate::{budget, context};

/// A tick is missed if it is later than this. Less is the granularity of the system's timeouts.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Ticks at once, then every `period`. Otherwise as [`interval_at`].
///
/// # Panics
///
/// - If `period` is zero.
/// - Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    let handle = context::expect_driver("interval");
    let start = handle.clock.instant();
    Interval::new(Sleep::new(handle, start), period)
}

/// Ticks at `start`, then every `period`.
///
/// What happens to ticks that nobody awaited in time is for [`MissedTickBehavior`] to say.
///
/// # Panics
///
/// - If `period` is zero.
/// - Outside a runtime: call it inside [`block_on`](crate::block_on) or a task spawned there.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::new(Sleep::new(context::expect_driver("interval_at"), start), period)
}

/// What an [`Interval`] does after a tick that came more than 5 ms late, as because the task was busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissedTickBehavior {
    /// Ticks without a pause until it has caught up: as many ticks as periods.
    #[default]
    Burst,
    /// Ticks a period after the late tick: never two ticks in less than a period.
    Delay,
    /// Leaves out what it missed: ticks stay at multiples of the period after the start.
    Skip,
}

/// Ticks again and again: see [`interval`].
#[must_use = "an interval does nothing unless its ticks are awaited"]
pub struct Interval {
    /// Until the next tick.
    sleep: Sleep,
    period: Duration,
    behavior: MissedTickBehavior,
}

impl Interval {
    #[track_caller]
    fn new(sleep: Sleep, period: Duration) -> Self {
        assert!(!period.is_zero(), "the period of an interval is zero");
        Self { sleep, period, behavior: MissedTickBehavior::default() }
    }

    /// Waits for the next tick. Gives the time for which it was due.
    ///
    /// # Cancellation
    ///
    /// Loses no tick.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// As [`tick`](Interval::tick), for futures written by hand.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.sleep.poll_unpaid(cx));
        ready!(budget::poll_proceed(cx));
        let due = self.sleep.deadline();
        let now = self.sleep.handle().clock.instant();
        self.sleep.reset(self.next(due, now));
        Poll::Ready(due)
    }

    /// The tick after the one of `due`, which is given `now`.
    fn next(&self, due: Instant, now: Instant) -> Instant {
        let late = now.saturating_duration_since(due);
        if late <= TOLERANCE || self.behavior == MissedTickBehavior::Burst {
            return after(due, self.period);
        }
        match self.behavior {
            MissedTickBehavior::Skip => {
                // Of at most a period, so it fits.
                let over = late.as_nanos() % self.period.as_nanos();
                let over =
                    Duration::new((over / 1_000_000_000) as u64, (over % 1_000_000_000) as u32);
                after(now, self.period - over)
            }
            _ => after(now, self.period),
        }
    }

    /// Ticks next a period from now.
    pub fn reset(&mut self) {
        let now = self.sleep.handle().clock.instant();
        self.sleep.reset(after(now, self.period));
    }

    /// Ticks next at `deadline`.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.reset(deadline);
    }

    /// Ticks next at once.
    pub fn reset_immediately(&mut self) {
        let now = self.sleep.handle().clock.instant();
        self.sleep.reset(now);
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What it does after a late tick.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Says what it does after a late tick.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("next", &self.sleep.deadline())
            .field("period", &self.period)
            .field("missed_tick_behavior", &self.behavior)
            .finish()
    }
}
