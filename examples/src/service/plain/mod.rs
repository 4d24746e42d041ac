//! The service in plain `async`.

mod deliveries;
mod handlers;
mod inventory;
mod lines;
mod memory;
mod repository;
mod retry;
mod server;

pub use server::serve;
