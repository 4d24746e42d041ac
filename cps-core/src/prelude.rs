//! The everyday names: `use cps_core::prelude::*`.
//!
//! The attribute, ad-hoc bodies, what yields, branches and their like, and the type of a boxed coroutine. Where a
//! frame is placed is said by methods, which need no name.
//!
//! ```
//! use cps_core::prelude::*;
//!
//! #[cps]
//! async fn square(n: u32) -> u32 {
//!     n * n
//! }
//!
//! #[cps]
//! async fn norm(x: u32, y: u32) -> u32 {
//!     let (x, y) = join((square(x), square(y))).await;
//!     x + y
//! }
//! # assert_eq!(futures::executor::block_on(norm(3, 4)), 25);
//! ```
//!
//! It may be imported beside `futures::prelude::*`, and beside all that `futures` and `tokio` have at their top: their
//! `join!` and `select!` are macros, the functions here are none.

pub use crate::{coroutine_block, cps, yield_, yield_from};

#[cfg(feature = "alloc")]
pub use crate::{BoxCoroutine, join, local_scope, race, scope, select, timeout, try_join};
