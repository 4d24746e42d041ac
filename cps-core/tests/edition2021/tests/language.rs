//! The language suite of `cps-core/tests/language`, in the edition of this package.
#![allow(missing_docs)]
#![allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    unused,
    double_negations,
    unreachable_pub,
    reason = "the bodies are all that the language permits, not only what is good style"
)]

// Formatted as parts of the suite itself, in its edition.
#[macro_use]
#[rustfmt::skip]
#[path = "../../language/harness.rs"]
mod harness;
#[rustfmt::skip]
#[path = "../../language/chapters/mod.rs"]
mod chapters;
