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

#[macro_use]
#[path = "../../language/harness.rs"]
mod harness;
#[path = "../../language/chapters/mod.rs"]
mod chapters;
