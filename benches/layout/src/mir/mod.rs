//! Dumps of MIR: the body of a coroutine before it becomes a state machine, and what rustc then found out about it.
//!
//! rustc writes them with `-Zdump-mir='coroutine_before | coroutine_resume'`. Their text is no interface, and may
//! change with any version; it was read for [`READ_FOR`]. So whatever is concluded from a body is compared with what
//! the compiler concluded ([`saved`]).

mod body;
mod effects;
mod moved_once;
mod place;
pub mod saved;

pub use body::{Block, Body, Terminator};
pub use effects::Effects;

/// The number of a local of a body: `_5` is 5.
pub type Local = u32;

/// The versions of rustc whose dumps this parser was written for.
pub const READ_FOR: [&str; 2] = ["1.95", "1.97"];

/// The coroutine itself, `_1`.
pub const SELF: Local = 1;
/// What it is resumed with, `_2`.
pub const RESUMED_WITH: Local = 2;
