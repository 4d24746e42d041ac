//! What each way of packing coroutines would make of those in a real program.

pub mod dwarf;
pub mod liveness;
pub mod mir;
pub mod model;
pub mod program;
pub mod scheme;
