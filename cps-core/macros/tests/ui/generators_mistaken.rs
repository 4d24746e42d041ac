// Generators that are taken for futures, iterators or streams.
use cps_core::{cps, yield_, yield_from};

#[cps(yields = u32)]
fn numbers() {
    yield_(1).await;
}

#[cps(yields = u32)]
async fn async_numbers() {
    yield_(1).await;
}

#[cps]
async fn awaits() {
    numbers().await;
    async_numbers().await;
}

async fn plain() {
    numbers().await;
}

fn items() {
    numbers().map(|n| n + 1);
    numbers().next();
    for _ in async_numbers() {}
}

fn takes_iterator(_: impl Iterator<Item = u32>) {}

fn iterator() {
    takes_iterator(numbers());
}

#[cps]
async fn next() {
    async_numbers().next().await;
    let mut items = async_numbers();
    while let Some(_) = items.next().await {}
}

#[cps(yields = u32)]
async fn select() {
    tokio::select! {
        () = std::future::ready(()) => yield_(1).await,
    }
    futures::join!(yield_from(numbers()));
}

fn main() {}
