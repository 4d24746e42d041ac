//! Runtimes as strategies of the lab.
//!
//! What a runtime has to offer is the trait `Runtime`, with an implementation for each runtime and flavour; the work is
//! written once, for any of them. The calls to a runtime go through its functions that find the runtime of the thread,
//! as programs write them.

mod runtime;

mod async_executor;
mod reactor;
mod tokio;

mod tasks;
mod wakes;

pub mod service;

mod strategy;

pub use strategy::{AsyncExecutor, Reactor, Tokio};
