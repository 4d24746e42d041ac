//! Recursion through branching points.
#![allow(missing_docs)]
use cps_core::{BoxCoroutine, coroutine_block, join};
use std::future::IntoFuture;
fn walk(depth: u32) -> BoxCoroutine<'static, u32> {
    coroutine_block! { if depth == 0 { return 0 } let (a, b) = join((walk(depth - 1), async { 1 })).await; a + b }.boxed()
}
#[test]
fn ready() {
    let n = 100000;
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || assert_eq!(futures::executor::block_on(walk(n).into_future()), n))
        .unwrap()
        .join()
        .unwrap();
}
