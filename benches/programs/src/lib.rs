//! The programs of the lab's experiment `memory` whose source is an ordinary `async fn`: one text for
//! the strategies `direct`, `nested` and `nested-boxed`.
//!
//! They are many, in many sizes, and no clock runs while they do: what is counted is what they ask of
//! the allocator, which does not depend on optimisation. So this package is compiled without, which
//! takes a fraction of the time.

// Eight wrappers around one another are more types within types than the compiler's default admits.
#![recursion_limit = "256"]

mod bodies;

pub mod direct;
pub mod nested;
pub mod nested_boxed;
