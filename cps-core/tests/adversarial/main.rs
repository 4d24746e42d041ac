//! Safe code that does what it should not: every combination is right or refused, and none is undefined behaviour,
//! by Miri and by the address sanitizer. One module for each kind of attack.
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod abandoned;
mod boxes;
mod branches;
mod combinators;
mod contexts;
mod contexts_generators;
mod contexts_seen;
mod destructors;
mod hostile_code;
mod layouts;
mod macros;
mod macros_crate;
mod macros_names;
mod self_references;
mod vandal;
mod wakers;
