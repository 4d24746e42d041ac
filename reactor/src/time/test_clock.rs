//! A clock that stands still, for tests.

use std::time::Duration;

use crate::task::yield_now;
use crate::{context, driver};

/// Stops the runtime's clock.
///
/// From now on timers see time only by [`advance`], and by itself: when the runtime has nothing else to do, the clock
/// jumps to the first deadline. So a test of an hour of timers takes no time. Other threads, and sockets with other
/// ends than in this runtime, keep the system's time: what they do may come at any time of a clock that jumps.
///
/// The clock is the runtime's: all of its tasks see it.
///
/// # Panics
///
/// If it stands still already, or outside a runtime.
#[track_caller]
pub fn pause() {
    assert!(context::expect_driver("pause").clock.pause(), "the clock is paused already");
}

/// Lets the runtime's clock run on, from the time at which it stands.
///
/// # Panics
///
/// If it is not paused, or outside a runtime.
#[track_caller]
pub fn resume() {
    assert!(context::expect_driver("resume").clock.resume(), "the clock is not paused");
}

/// Moves the paused clock on by `duration`, then lets other tasks run: timers that are due have fired by then.
///
/// # Panics
///
/// If the clock is not paused, or outside a runtime.
pub async fn advance(duration: Duration) {
    let driver = context::expect_driver("advance");
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let to = driver.clock.now().saturating_add(nanos);
    assert!(driver.clock.advance(to), "`advance` needs a paused clock: call `pause` before");
    let fired = driver::fire(&driver);
    yield_now().await;
    if let Some(panic) = fired {
        std::panic::resume_unwind(panic);
    }
}
