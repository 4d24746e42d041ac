//! The public face of the executors.

mod handle;
mod local;
mod multi;
pub(crate) mod task_builder;

pub use self::handle::{Handle, block_on, spawn, spawn_local};
pub use self::local::{EnterGuard, LocalRuntime};
pub use self::multi::{Builder, Runtime, RuntimeGuard};
