// An asynchronous generator that is taken for a stream.
use cps_core::{cps, yield_};
use futures::{Stream, StreamExt};

#[cps(yields = u32)]
async fn numbers() {
    yield_(1).await;
}

fn takes_stream(_: impl Stream<Item = u32>) {}

fn stream() {
    takes_stream(numbers());
}

fn adapter() {
    numbers().map(|n| n + 1);
}

async fn next() {
    numbers().next().await;
}

fn main() {}
