//! Logical backtraces: the callers of a suspended chain, or of the one that runs.

#[cfg(not(feature = "backtrace"))]
mod disabled;
#[cfg(feature = "backtrace")]
mod enabled;
#[cfg(feature = "alloc")]
mod tree;

#[cfg(not(feature = "backtrace"))]
pub(crate) mod running {
    pub(crate) use super::disabled::*;
}
#[cfg(feature = "backtrace")]
pub(crate) mod running {
    pub(crate) use super::enabled::*;
}
#[cfg(feature = "backtrace")]
pub use enabled::{backtrace, install_panic_hook};
#[cfg(feature = "alloc")]
pub use tree::{Backtrace, BacktraceBranch, BacktraceFrame};
