//! Sight into a runtime: what its tasks do at the moment, and its figures.

#![forbid(unsafe_code)]

pub(crate) mod blocking;
pub(crate) mod count;
mod dump;
#[cfg(feature = "metrics")]
pub(crate) mod histogram;
mod metrics;

pub(crate) use self::dump::PATIENCE;
pub use self::dump::{Dump, TaskDump, TaskState};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use self::histogram::Histogram;
pub use self::metrics::{RuntimeMetrics, WorkerMetrics};
