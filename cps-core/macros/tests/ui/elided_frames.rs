// What P2477 warns of where frames are elided, a frame that outlives its block and `whenAll` over
// such frames: none of it compiles.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{Context, Waker};

use cps_core::{Body, Coroutine, placement::Inline};

#[cps_core::coroutine(elision = "inline")]
async fn length(text: &str) -> usize {
    text.len()
}

// A callee in a block that ends before it is awaited.
#[cps_core::coroutine]
async fn outlives_its_block() -> usize {
    let callee = {
        let text = String::from("of the block");
        length(&text)
    };
    callee.await
}

// `whenAll` over callees that were made in a loop, each with its iteration's local.
#[cps_core::coroutine]
async fn all() -> usize {
    let mut callees = Vec::new();
    for n in 0..3 {
        let text = n.to_string();
        callees.push(length(&text));
    }
    let mut sum = 0;
    for callee in callees {
        sum += callee.await;
    }
    sum
}

// A callee that is returned with a borrow of the caller's frame.
#[cps_core::coroutine]
async fn escapes() -> Coroutine<impl Body<Output = usize>, Inline> {
    let text = String::from("of the caller");
    length(&text)
}

// A frame that is started and then moved.
fn moves() -> impl Future<Output = usize> {
    let mut root = length("text").into_future();
    let _ = pin!(&mut root).poll(&mut Context::from_waker(Waker::noop()));
    root
}

// A frame that is started and awaited a second time.
#[cps_core::coroutine]
async fn twice() -> usize {
    let callee = length("text");
    callee.await + callee.await
}

// A frame in place in itself.
#[cps_core::coroutine(elision = "inline")]
async fn recursive(n: u32) -> u32 {
    if n == 0 { 0 } else { recursive(n - 1).await }
}

fn main() {}
