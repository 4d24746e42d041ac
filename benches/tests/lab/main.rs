//! The lab from outside. One program, so that the strategies are linked once.

mod browser;
mod cli;
mod compare;
mod failures;
mod layout;
mod llvm_coro;
mod memory;
mod rooms;
mod service;
mod strategies;
mod tables;
