//! Clocks of processor time, which other programs on a busy machine do not advance: what a thread does alone is timed by
//! [`ThreadTime`]. And a stopwatch for what is measured by two clocks at once.

use std::time::{Duration, Instant};

/// The time that this thread had a processor, waits for memory included. Only differences mean anything.
#[cfg(target_os = "linux")]
#[must_use]
pub fn thread() -> Duration {
    read(rustix::time::ClockId::ThreadCPUTime)
}

/// The time that all threads of this process had a processor.
#[cfg(target_os = "linux")]
#[must_use]
pub fn process() -> Duration {
    read(rustix::time::ClockId::ProcessCPUTime)
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The clock on the wall, where the system has no other that we use.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn thread() -> Duration {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The same.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn process() -> Duration {
    thread()
}

/// A moment of this thread's own time.
#[derive(Clone, Copy, Debug)]
pub struct ThreadTime(Duration);

impl ThreadTime {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self(thread())
    }

    /// The time that this thread has had a processor since then. For the thread that took the moment.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        thread().saturating_sub(self.0)
    }
}

/// Whose processor time is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of the thread that reads the clock.
    Thread,
    /// Of all threads of the process.
    Process,
}

impl Whose {
    fn now(self) -> Duration {
        match self {
            Whose::Thread => thread(),
            Whose::Process => process(),
        }
    }
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// On the wall.
    pub elapsed: Duration,
    /// Of processors.
    pub cpu: Duration,
    /// What single requests took, if that was measured.
    pub requests: Requests,
}

/// What single requests took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// The longest of the shorter half.
    pub p50: Duration,
    /// The longest but for one percent.
    pub p99: Duration,
    /// The longest but for one in a thousand.
    pub p999: Duration,
}

impl Requests {
    /// Of all of them, in any order.
    #[must_use]
    pub fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        let at = |thousandths| {
            latencies.get(latencies.len() * thousandths / 1000).copied().unwrap_or_default()
        };
        Self { p50: at(500), p99: at(990), p999: at(999) }
    }
}

impl From<Duration> for Cost {
    /// Of something that was measured by one clock.
    fn from(elapsed: Duration) -> Self {
        Cost { elapsed, ..Cost::default() }
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        self.cpu += other.cpu;
        self.requests.p50 = self.requests.p50.max(other.requests.p50);
        self.requests.p99 = self.requests.p99.max(other.requests.p99);
        self.requests.p999 = self.requests.p999.max(other.requests.p999);
    }
}

/// Runs from its making on.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    whose: Whose,
    start: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts.
    #[must_use]
    pub fn start(whose: Whose) -> Self {
        Self { whose, start: Instant::now(), cpu: whose.now() }
    }

    /// What it has taken since. On the thread that started it, if that thread's time is measured.
    #[must_use]
    pub fn stop(self) -> Cost {
        let cpu = self.whose.now().saturating_sub(self.cpu);
        Cost { elapsed: self.start.elapsed(), cpu, ..Cost::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_on_while_the_thread_works() {
        for now in [thread, process] {
            let start = now();
            while now() <= start {}
        }
    }

    #[test]
    fn percentiles_are_those_of_all_requests() {
        let requests = Requests::of((0..2000).rev().map(Duration::from_micros).collect());
        assert_eq!(requests.p50, Duration::from_micros(1000));
        assert_eq!(requests.p99, Duration::from_micros(1980));
        assert_eq!(requests.p999, Duration::from_micros(1998));
        assert_eq!(Requests::of(Vec::new()), Requests::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_sleeps_takes_no_processor_time() {
        let watch = Stopwatch::start(Whose::Thread);
        std::thread::sleep(Duration::from_millis(20));
        let cost = watch.stop();
        assert!(
            cost.elapsed >= Duration::from_millis(20) && cost.cpu < cost.elapsed / 2,
            "{cost:?}"
        );
    }
}
