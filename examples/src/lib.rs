//! Programs to start from:
//!
//! - `fetch`: HTTP requests by coroutines that run under tokio and under `reactor` alike.
//! - `deep`: a recursion of a million levels on a small stack, resumed and cancelled at its bottom.
//! - `sizes`: how large futures are.
//! - `lookup`: lookups in large tables, one after the other and interleaved.
//! - `service`: an HTTP service on axum, and the same in plain `async`.
//!
//! Run one with `cargo run --release -p examples --bin fetch`. The library holds the tables of
//! `lookup`, in [`index`], and has the code in the README compiled and run as a test.

pub mod index;
pub mod service;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
