//! The timer of `hyper::rt`.

use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::time;

/// A timer for hyper, on the runtime that is current where it is used.
///
/// ```
/// # use reactor::time::HyperTimer;
/// # #[cfg(any())]
/// hyper::server::conn::http1::Builder::new().timer(HyperTimer);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct HyperTimer;

impl hyper::rt::Sleep for time::Sleep {}

impl hyper::rt::Timer for HyperTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(time::sleep(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(time::sleep_until(deadline))
    }

    /// Moves a timer, which allocates nothing.
    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<time::Sleep>() {
            Some(mut sleep) => sleep.reset(deadline),
            None => *sleep = self.sleep_until(deadline),
        }
    }

    fn now(&self) -> Instant {
        time::now()
    }
}
