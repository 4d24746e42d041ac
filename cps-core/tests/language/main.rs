//! What a body means under `#[coroutine]` is what it means in a plain `async fn`.
//!
//! Each body stands once and is compiled both ways by `both!`; `harness.rs` runs both and compares
//! what they did. The chapters follow those of the Rust reference. The package `edition2021`
//! compiles the same chapters in its edition; what only this edition has stands in `edition2024`.
#![cfg(not(miri))]
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
mod harness;
mod chapters;
mod edition2024;
