//! One file for each strategy; what they have in common is in `bodies`.

pub(crate) mod bodies;
mod memory;

pub mod cpp;
pub mod direct;
pub mod nested;
pub mod nested_boxed;
pub mod reblessive;
pub mod remote;
pub mod stackful;
pub mod state_machine;
