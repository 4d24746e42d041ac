//! The processor's own counters, through Linux's perf events, where the machine has them and lets
//! us at them. Virtual machines and containers often do not.

use anyhow::Result;

/// The events that are counted, by the beginnings of their names in the JSON.
pub const EVENTS: [&str; 5] =
    ["cycles", "instructions", "branch_misses", "l1d_misses", "llc_misses"];

/// Counters of this thread in user mode, one for each of [`EVENTS`].
#[derive(Debug)]
pub struct Counters {
    #[cfg(target_os = "linux")]
    counters: Vec<perf_event::Counter>,
}

#[cfg(target_os = "linux")]
impl Counters {
    /// Opens all counters.
    ///
    /// # Errors
    /// If one of them is not available.
    pub fn open() -> Result<Self> {
        use anyhow::Context as _;
        use perf_event::Builder;
        use perf_event::events::{Cache, CacheId, CacheOp, CacheResult, Hardware};

        let misses = |which| Cache { which, operation: CacheOp::READ, result: CacheResult::MISS };
        let counters = [
            Builder::new(Hardware::CPU_CYCLES).build(),
            Builder::new(Hardware::INSTRUCTIONS).build(),
            Builder::new(Hardware::BRANCH_MISSES).build(),
            Builder::new(misses(CacheId::L1D)).build(),
            Builder::new(misses(CacheId::LL)).build(),
        ];
        let counters = counters.into_iter().zip(EVENTS);
        let counters = counters.map(|(counter, event)| counter.context(event));
        Ok(Self { counters: counters.collect::<Result<_>>()? })
    }

    /// Sets all to zero.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn reset(&mut self) -> Result<()> {
        Ok(self.counters.iter_mut().try_for_each(perf_event::Counter::reset)?)
    }

    /// Starts all.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(&mut self) -> Result<()> {
        Ok(self.counters.iter_mut().try_for_each(perf_event::Counter::enable)?)
    }

    /// Stops all.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn stop(&mut self) -> Result<()> {
        Ok(self.counters.iter_mut().try_for_each(perf_event::Counter::disable)?)
    }

    /// The counts, in the order of [`EVENTS`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn read(&mut self) -> Result<Vec<u64>> {
        Ok(self.counters.iter_mut().map(perf_event::Counter::read).collect::<Result<_, _>>()?)
    }
}

#[cfg(not(target_os = "linux"))]
impl Counters {
    /// Opens all counters.
    ///
    /// # Errors
    /// Always: only Linux has an interface for this.
    pub fn open() -> Result<Self> {
        anyhow::bail!("needs Linux")
    }

    /// There are none to reset.
    pub fn reset(&mut self) -> Result<()> {
        Ok(())
    }

    /// There are none to start.
    pub fn start(&mut self) -> Result<()> {
        Ok(())
    }

    /// There are none to stop.
    pub fn stop(&mut self) -> Result<()> {
        Ok(())
    }

    /// There are none to read.
    pub fn read(&mut self) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }
}
