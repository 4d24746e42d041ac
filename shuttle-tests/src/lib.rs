//! The executor of several threads, under schedules that `shuttle` chooses: see `README.md`.
//!
//! The sources are those of `reactor`, with this crate as their root. What they take of their crate is here: `sync`,
//! whose threads, locks and atomics are shuttle's, and a driver without an operating system below it.

#![allow(
    dead_code,
    unexpected_cfgs,
    unreachable_pub,
    unused_imports,
    missing_docs,
    missing_debug_implementations
)]

#[path = "../../reactor/src/budget.rs"]
mod budget;
mod context;
mod driver;
#[path = "../../reactor/src/pool/hand_off.rs"]
mod hand_off;
#[path = "../../reactor/src/multi/mod.rs"]
mod multi;
mod runtime;
#[path = "../../reactor/src/sight/mod.rs"]
mod sight;
mod sync;
#[path = "../../reactor/src/task/mod.rs"]
mod task;

pub use runtime::{Run, Runtime, Spawner, block_on, on_thread};
pub use task::error::JoinError;
pub use task::handle::{AbortHandle, JoinHandle};
pub use task::{YieldNow, yield_now};

/// What scenarios use.
pub mod rt {
    pub use shuttle::sync::{Arc, Condvar, Mutex, atomic, mpsc};
    pub use shuttle::thread;
}

/// Runs a scenario under many schedules: random ones, and those of PCT (Burckhardt et al., ASPLOS 2010), which find each
/// fault that needs so many changes of threads with a known probability. The seeds are fixed. A failure prints the
/// schedule, which `SHUTTLE_REPLAY` runs again.
///
/// # Panics
/// If the scenario does, or is in a deadlock.
pub fn check(scenario: fn()) {
    use shuttle::scheduler::{PctScheduler, RandomScheduler};
    if let Ok(schedule) = std::env::var("SHUTTLE_REPLAY") {
        return shuttle::replay(scenario, &schedule);
    }
    let schedules = std::env::var("SHUTTLE_SCHEDULES")
        .map_or(1_000, |text| text.parse().expect("SHUTTLE_SCHEDULES is a number"));
    let config = shuttle::Config::new;
    let random = RandomScheduler::new_from_seed(1, schedules);
    shuttle::Runner::new(random, config()).run(scenario);
    let pct = PctScheduler::new_from_seed(2, 3, schedules);
    shuttle::Runner::new(pct, config()).run(scenario);
}
