//! A body draws the same lints under `#[coroutine]` as in a plain `async fn`.
//!
//! Each body stands once and is compiled both ways. What is drawn is expected: an expectation that
//! is not met is an error here, as is every lint that is not expected. Those of Clippy count only
//! when Clippy runs.
#![cfg(not(miri))]
#![deny(warnings, clippy::all)]
#![allow(missing_docs)]
#![allow(dead_code, unreachable_pub, reason = "nothing is called: it is what is drawn that counts")]

/// Compiles the items plainly and as coroutines: see `both!` in `language/harness.rs`.
macro_rules! both {
    ($($body:tt)*) => {
        /// Plain.
        mod plain {
            #[allow(unused_imports)]
            use super::*;
            $($body)*
        }

        /// Under the attribute.
        mod cps {
            #[allow(unused_imports)]
            use super::*;
            use crate::coroutine as rustfmt;
            $($body)*
        }
    };
}

mod clean;
mod clippy_lints;
#[cfg(any())]
mod pending;
mod rustc_lints;

/// Stands where `both!` puts it under the name of a tool.
mod coroutine {
    pub(crate) use cps_core::coroutine as co;
}
