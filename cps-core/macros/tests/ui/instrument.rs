//! What cannot be instrumented, and arguments that are none.

use cps_core::{coroutine_block, cps};
use tracing::instrument;

#[cps(instrument(skip(nobody)))]
async fn skips(n: u32) -> u32 {
    n
}

#[cps(instrument(colour = "red"))]
async fn colours() {}

#[cps(instrument(level = "loud"))]
async fn loud() {}

#[cps(instrument)]
#[instrument]
async fn twice() {}

#[cps(yields = u32, instrument)]
async fn yields() {}

trait Method {
    #[cps(instrument)]
    async fn method(&self);
}

struct Opaque;

#[cps]
#[instrument]
async fn shows(opaque: Opaque) {
    drop(opaque);
}

#[cps]
#[instrument(err)]
async fn fails() -> Option<u32> {
    None
}

fn main() {
    let _ = coroutine_block!(#![coroutine(instrument)] async {});
}
