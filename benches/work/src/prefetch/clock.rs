//! The clock of the lookups: the time that this thread had a processor, waits for memory included.
//! A batch is long enough to be interrupted by other programs, which with a clock on the wall would
//! decide over the figures of a busy machine.

use std::time::Duration;

/// The clock's reading. Only differences mean anything.
#[cfg(target_os = "linux")]
#[must_use]
pub fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The clock on the wall, where the system has no other that we use.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn now() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_while_the_thread_works() {
        let start = now();
        while now() <= start {}
    }
}
