//! What each way of packing coroutines would make of those in a real program.
//!
//! ```text
//!   build ──▶ program (DWARF) ──▶ dwarf ───┐
//!     │                                    ├──▶ program ──▶ scheme ──▶ survey: totals, details, advice
//!     └─────▶ dumps of MIR ──▶ mir ──▶ liveness            (model)
//! ```
//!
//! Everything that is concluded is compared with the compiler: the size of every type that is modelled, and what the
//! analyses find about every definition ([`program::Checked`]).

pub mod advice;
pub mod build;
pub mod detail;
pub mod dwarf;
pub mod liveness;
pub mod mir;
pub mod model;
pub mod program;
pub mod scheme;
pub mod totals;
