//! An HTTP service twice: of coroutines, and in plain `async`.
//!
//! Each file of [`plain`] has its counterpart in [`direct`]; `diff -r` of the two folders shows what
//! coroutines change. What does not wait is in [`shared`].

pub mod direct;
pub mod plain;
pub mod shared;
