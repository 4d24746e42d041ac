// Where what a body yields does not fit.
use cps_core::{yield_, yield_from};

#[cps_core::coroutine(yields = u32)]
fn numbers() {
    yield_(1).await;
}

#[cps_core::coroutine(yields = u32)]
async fn async_numbers() {
    yield_(1).await;
}

#[cps_core::coroutine]
async fn coroutine() {}

#[cps_core::coroutine(yields = u32)]
fn wrong_item() {
    yield_("one").await;
}

#[cps_core::coroutine(yields = u64)]
fn wrong_delegate() {
    yield_from(numbers()).await;
}

#[cps_core::coroutine]
async fn yields_nothing() {
    yield_(1).await;
    yield_from(numbers()).await;
}

#[cps_core::coroutine(yields = u32)]
fn waits() {
    std::future::ready(1).await;
    coroutine().await;
    coroutine().boxed().await;
}

#[cps_core::coroutine(yields = u32)]
fn delegates_to_what_waits() {
    yield_from(async_numbers()).await;
}

#[cps_core::coroutine(yields = u32)]
fn delegates_to_an_iterator() {
    yield_from([1, 2].into_iter()).await;
}

#[cps_core::coroutine(yields = u32)]
fn awaits_a_generator() {
    numbers().await;
}

async fn no_body() {
    yield_(1).await;
    yield_from(numbers()).await;
    numbers().await;
}

fn main() {}
