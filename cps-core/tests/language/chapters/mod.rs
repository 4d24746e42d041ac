//! The chapters that all editions share.

mod attributes;
mod closures;
mod coercions;
mod corners;
mod drops;
mod expressions;
mod fragments;
mod items;
mod loops;
mod macros;
mod matching;
mod operators;
mod pack;
mod pack_functions;
mod panics;
mod parameters;
mod returns;
mod signatures;
mod statements;
mod traits;
mod values;
