//! Several futures side by side in one task: branches, each a chain of its own with wakers of its own.

pub(crate) mod branch;
pub(crate) mod engine;
pub(crate) mod frame;
pub(crate) mod join;
pub(crate) mod race;
mod rows;
pub mod scope;
pub(crate) mod timeout;
mod tuples;

pub use branch::{Branch, Branches, Concurrent, Many, TryBranches, UniformBranches};
pub use join::{Join, TryJoin, join, try_join};
pub use race::{During, Next, Race, Select, race, select};
pub use timeout::{Elapsed, Timeout, timeout};
