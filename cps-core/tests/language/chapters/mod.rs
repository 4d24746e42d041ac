//! The chapters that all editions share.

mod closures;
mod expressions;
mod fragments;
mod items;
mod loops;
mod macros;
mod matching;
mod operators;
mod parameters;
mod returns;
mod signatures;
mod statements;
