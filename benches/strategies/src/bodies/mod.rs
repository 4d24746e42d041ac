//! What strategies have in common whose source is an ordinary `async fn`.
//!
//! `nested` and `direct` differ by one attribute only; generating both from one text makes sure
//! that they stay the same work.

mod chain;
mod lookups;
mod moving;
mod service;

pub(crate) use chain::{leaf, unrolled_chain, with_static_chain};
pub(crate) use lookups::{descent, levels, lookups, with_depth};
pub(crate) use moving::moving;
pub(crate) use service::{service, with_handler};
