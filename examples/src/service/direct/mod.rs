//! The service of coroutines.

mod deliveries;
mod handlers;
mod inventory;
mod lines;
mod memory;
mod repository;
mod requests;
mod retry;
mod server;

pub use server::serve;
