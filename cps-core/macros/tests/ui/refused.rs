// A function that is refused is there nevertheless: its callers are not refused too.
use cps_core::{cps, yield_};

#[cps(heap)]
async fn unknown_option() -> u32 {
    1
}

#[cps(elision = "somewhere")]
async fn unknown_elision() -> u32 {
    1
}

#[cps(crate)]
async fn without_path() -> u32 {
    1
}

#[cps]
const fn constant() {}

#[cps]
const async fn constant_too() -> u32 {
    1
}

#[cps]
async extern "C" fn external() -> u32 {
    1
}

#[cps]
fn not_async() -> u32 {
    1
}

#[cps]
async fn documented(
    /// What it is.
    n: u32,
) -> u32 {
    n
}

#[cps(yields = u32, elision = "nowhere")]
fn generator() {
    yield_(1).await;
}

#[cps(heap)]
#[must_use]
#[allow(unused)]
#[rustfmt::skip]
async fn with_attributes() -> u32 {
    1
}

struct Struct;

impl Struct {
    #[cps(heap)]
    async fn method(&self) -> u32 {
        unknown_option().await
    }
}

#[cps]
async fn calls() {
    let sum: u32 = unknown_option().await + unknown_elision().on_stack().await + without_path().await;
    let sum: u32 = sum + constant_too().await + external().await + not_async();
    let sum: u32 = sum + documented(sum).await + with_attributes().await + Struct.method().await;
    let _: u32 = sum + generator().into_iter().sum::<u32>();
}

fn main() {}
