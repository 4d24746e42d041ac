//! The programs of the lab's experiment `memory` whose source is an ordinary `async fn`: one text for
//! the strategies `direct`, `nested` and `nested-boxed`.
//!
//! They are many, in many sizes, and take longer to compile than anything else here: a package of
//! their own is compiled once, and again only if they change. They are optimised as all others are: a
//! call is started on the host stack as long as there is room, so what they allocate depends on how
//! much of it their frames use.

// Eight wrappers around one another are more types within types than the compiler's default admits.
#![recursion_limit = "256"]

mod bodies;

pub mod direct;
pub mod nested;
pub mod nested_boxed;
