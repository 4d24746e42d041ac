//! Programs to start from:
//!
//! - `fetch`: HTTP requests by coroutines that run under tokio and under `reactor` alike.
//! - `deep`: a recursion of a million levels on a small stack, resumed and cancelled at its bottom.
//! - `sizes`: how large futures are.
//!
//! Run one with `cargo run --release -p examples --bin fetch`. This library holds no code; it has
//! the code in the README compiled and run as a test.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
