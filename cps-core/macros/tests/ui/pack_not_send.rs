//! `pack!` keeps a reference to what it only reads.

use cps_core::{cps, pack};
use std::cell::Cell;

async fn pause() {}

#[cps]
async fn reads(cell: Cell<u32>) {
    pack! {
        pause().await;
        cell.set(1);
    }
}

#[cps]
async fn tries_nothing(text: &str) -> Option<usize> {
    pack! {
        pause().await;
        text.len()?;
    }
    None
}

fn main() {
    fn is_send<T: Send>(_: T) {}
    is_send(reads(Cell::new(0)));
}
