//! Sight into a runtime: what its tasks do at the moment.

#![forbid(unsafe_code)]

mod dump;

pub(crate) use self::dump::PATIENCE;
pub use self::dump::{Dump, TaskDump, TaskState};
