//! Time: sleeping, limits, intervals.
//!
//! ```
//! use std::time::Duration;
//!
//! use reactor::time::{interval, sleep, timeout};
//!
//! reactor::block_on(async {
//!     let mut ticks = interval(Duration::from_millis(1));
//!     ticks.tick().await; // At once.
//!     ticks.tick().await;
//!     let hour = sleep(Duration::from_secs(3600));
//!     assert!(timeout(Duration::from_millis(1), hour).await.is_err());
//! });
//! ```
//!
//! Tests need not wait: a clock that is [`pause`]d jumps from deadline to deadline.
//!
//! ```
//! use std::time::Duration;
//!
//! use reactor::time;
//!
//! reactor::block_on(async {
//!     time::pause();
//!     let start = time::now();
//!     time::sleep(Duration::from_secs(24 * 3600)).await;
//!     assert_eq!(time::now() - start, Duration::from_secs(24 * 3600));
//! });
//! ```

#![forbid(unsafe_code)]

#[cfg(feature = "hyper")]
mod hyper;
mod interval;
mod sleep;
mod test_clock;
mod timeout;

use std::time::Instant;

#[cfg(feature = "hyper")]
pub use self::hyper::HyperTimer;
pub use self::interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use self::sleep::{Sleep, sleep, sleep_until};
pub use self::test_clock::{advance, pause, resume};
pub use self::timeout::{Elapsed, Timeout, timeout, timeout_at};
use crate::context;

/// The time by the runtime's clock: the system's, unless a test has [`pause`]d it.
///
/// Outside a runtime it is the system's time.
#[must_use]
pub fn now() -> Instant {
    context::driver().map_or_else(Instant::now, |driver| driver.clock.instant())
}
