//! The chapters that all editions share.

mod items;
mod statements;
