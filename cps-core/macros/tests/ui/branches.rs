// What is no group of branches.
use cps_core::{cps, join, race, select, try_join};

#[cps]
async fn square(n: u32) -> u32 {
    n * n
}

#[cps]
async fn iterators(numbers: Vec<u32>) {
    join(numbers.iter().map(|&n| square(n))).await;
    race(numbers.iter().map(|&n| square(n))).await;
    select(numbers.iter().map(|&n| square(n)));
    try_join(numbers.iter().map(|&n| square(n))).await;
}

#[cps]
async fn alone() {
    join(square(1)).await;
    race(square(1)).await;
}

#[cps]
async fn slices(numbers: &mut [std::future::Ready<u32>]) {
    join(numbers).await;
}

#[cps]
async fn no_future() {
    join((square(1), 2)).await;
}

#[cps]
async fn no_result() {
    try_join([square(1), square(2)]).await;
}

#[cps]
async fn several_types() {
    race((square(1), std::future::ready('a'))).await;
}

#[cps]
async fn race_of_nothing() {
    race(()).await;
}

fn main() {}
