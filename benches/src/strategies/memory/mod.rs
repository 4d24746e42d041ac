//! The programs of [`crate::memory`], for each strategy that takes part.

mod bodies;

pub(super) mod cpp;
pub(super) mod direct;
pub(super) mod nested;
pub(super) mod nested_boxed;
pub(super) mod stackful;
