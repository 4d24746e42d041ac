//! The runtime's clock: the system's, unless a test has paused or advanced it.

#![forbid(unsafe_code)]

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Counts nanoseconds from the start of the driver. They last 584 years.
pub(crate) struct Clock {
    start: Instant,
    /// Whether a test has ever paused it. It spares the lock otherwise.
    is_altered: AtomicBool,
    altered: Mutex<Altered>,
}

#[derive(Default)]
struct Altered {
    /// The time at which it stands still.
    paused: Option<u64>,
    /// What is to be added to the system's time when it runs. Wraps.
    offset: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            is_altered: AtomicBool::new(false),
            altered: Mutex::default(),
        }
    }

    fn system(&self) -> u64 {
        self.nanos(Instant::now())
    }

    /// `instant` in nanoseconds, or the nearest time that they can tell.
    pub(crate) fn nanos(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.start).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    pub(crate) fn now(&self) -> u64 {
        if !self.is_altered.load(Acquire) {
            return self.system();
        }
        let altered = lock(&self.altered);
        altered.paused.unwrap_or_else(|| self.system().wrapping_add(altered.offset))
    }

    pub(crate) fn instant(&self) -> Instant {
        if self.is_altered.load(Acquire) {
            self.start + Duration::from_nanos(self.now())
        } else {
            Instant::now()
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_altered.load(Acquire) && lock(&self.altered).paused.is_some()
    }

    /// Stops it. `false` if it stands still already.
    pub(crate) fn pause(&self) -> bool {
        let now = self.now();
        let mut altered = lock(&self.altered);
        self.is_altered.store(true, Release);
        let running = altered.paused.is_none();
        altered.paused.get_or_insert(now);
        running
    }

    /// Lets it run on. `false` if it runs already.
    pub(crate) fn resume(&self) -> bool {
        let system = self.system();
        let mut altered = lock(&self.altered);
        let Some(paused) = altered.paused.take() else { return false };
        altered.offset = paused.wrapping_sub(system);
        true
    }

    /// Sets a paused clock to `to`, unless it is later already. `false` if it is not paused.
    pub(crate) fn advance(&self, to: u64) -> bool {
        let mut altered = lock(&self.altered);
        let Some(paused) = &mut altered.paused else { return false };
        *paused = (*paused).max(to);
        true
    }
}
