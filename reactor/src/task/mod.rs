//! Tasks: their numbers, and spawning with a name.

// As all executors have them: their memory, their handles, and the protocols between threads. A task is one allocation
// (`cell.rs`). What an executor keeps of it is its own matter: see `local/task.rs`.

#[cfg(not(loom))]
pub(crate) mod cell;
#[doc(hidden)]
pub mod counter;
#[cfg(not(loom))]
pub(crate) mod error;
#[cfg(not(loom))]
pub(crate) mod handle;
#[cfg(not(loom))]
pub(crate) mod id;
#[doc(hidden)]
pub mod join_state;
#[cfg(not(loom))]
pub(crate) mod member;
#[doc(hidden)]
pub mod members;
#[cfg(not(loom))]
mod memory;
#[cfg(not(loom))]
pub(crate) mod origin;
#[doc(hidden)]
pub mod references;
#[doc(hidden)]
pub mod remote_queue;
#[cfg(all(feature = "tracing", not(loom)))]
pub(crate) mod traced;
#[cfg(all(feature = "metrics", not(loom)))]
pub(crate) mod woken;
#[cfg(not(loom))]
mod yield_now;

#[cfg(not(loom))]
pub use self::id::Id;
#[cfg(not(loom))]
pub use self::yield_now::{YieldNow, yield_now};
#[cfg(not(loom))]
pub use crate::runtime::task_builder::Builder;
