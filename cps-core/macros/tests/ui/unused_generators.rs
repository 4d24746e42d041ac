#![deny(unused_must_use)]
use cps_core::{yield_, yield_from};

#[cps_core::coroutine(yields = u32)]
fn numbers() {
    yield_(1);
    yield_from(numbers());
    numbers();
    yield_(1).await;
}

#[cps_core::coroutine(yields = u32)]
async fn stream() {
    stream();
    stream().into_root();
}

fn main() {}
