//! The lab's strategies: a module for each, and their [`registry`]. What they have in common is in
//! `bodies`.

// Eight wrappers around one another are more types within types than the compiler's default admits.
#![recursion_limit = "256"]

use lab_work::memory::meter::Metered;

mod bodies;
mod foreign;

pub mod adaptive;
pub mod cpp;
pub mod direct;
pub mod direct_fold;
pub mod direct_nested;
pub mod explicit_stack;
pub mod futures_unordered;
pub mod genawaiter;
pub mod group_prefetch;
pub mod join_set;
pub mod llvm_coro;
pub mod naive;
pub mod nested;
pub mod nested_boxed;
pub mod nested_iterator;
pub mod reblessive;
pub mod registry;
pub mod remote;
pub mod stackful;
pub mod state_machine;
pub mod visitor;

/// In this package, so that allocations are inlined into the strategies, as they would not be from
/// another.
#[global_allocator]
static ALLOCATOR: Metered = Metered;

/// The Rust compiler that they are built by.
pub const COMPILER: &str = env!("LAB_RUSTC");

/// Their optimisation level.
pub const OPT_LEVEL: &str = env!("LAB_OPT_LEVEL");
