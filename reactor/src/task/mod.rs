//! Tasks, as all executors have them: their memory, their handles, and the protocols between threads.
//!
//! A task is one allocation (`cell.rs`). What an executor keeps of it is its own matter: see `local/task.rs`.

#[cfg(not(loom))]
pub(crate) mod cell;
pub mod counter;
#[cfg(not(loom))]
pub(crate) mod error;
#[cfg(not(loom))]
pub(crate) mod handle;
pub mod join_state;
pub mod references;
pub mod remote_queue;
#[cfg(not(loom))]
mod yield_now;

#[cfg(not(loom))]
pub use self::yield_now::{YieldNow, yield_now};
