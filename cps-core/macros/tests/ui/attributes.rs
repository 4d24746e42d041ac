// Other attributes that rewrite the function.
use cps_core::cps;

#[cps]
#[tracing::instrument]
async fn instrumented_below() -> u32 {
    1
}

#[cps(heap)]
#[tracing::instrument]
#[derive_nothing]
async fn several() -> u32 {
    1
}

#[cps(heap)]
#[tokio::main]
async fn main_below() {}

#[tokio::main]
#[cps]
async fn main_above() {}

#[cps]
async fn calls() -> u32 {
    instrumented_below().await
}

fn main() {}
