//! The chapters that all editions share.

mod closures;
mod expressions;
mod items;
mod loops;
mod matching;
mod operators;
mod returns;
mod statements;
