//! Programs to start from:
//!
//! - `fetch`: HTTP requests by coroutines that run under tokio and under `reactor` alike.
//! - `deep`: a recursion of a million levels on a small stack, resumed and cancelled at its bottom.
//! - `sizes`: how large futures are.
//! - `lookup`: lookups in large tables, one after the other and interleaved.
//! - `traverse`: generators.
//! - `echo`, `kv`, `http`: servers on `reactor`.
//! - `service`: an HTTP service on axum, and the same in plain `async`.
//!
//! Run one with `cargo run --release -p examples --bin fetch`. The library holds the tables of
//! `lookup`, in [`index`], and has the code in READMEs compiled and run as a test.

pub mod index;
pub mod service;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

// The crate of the macros cannot depend on `cps-core`, whose attribute the example uses.
#[cfg(doctest)]
#[doc = include_str!("../../cps-core/macros/README.md")]
mod readme_of_the_macros {}
