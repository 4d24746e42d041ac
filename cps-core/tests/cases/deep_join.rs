//! Recursion through `join` is as deep as one likes.

use cps_core::{BoxCoroutine, coroutine_block, join};

use super::run;

fn walk(depth: u32) -> BoxCoroutine<'static, u32> {
    coroutine_block! {
        if depth == 0 {
            return 0;
        }
        let (a, b) = join((walk(depth - 1), async { 1 })).await;
        a + b
    }
    .boxed()
}

#[test]
fn a_small_stack_is_enough() {
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let deep = thread.spawn(|| run(walk(20_000))).unwrap();
    assert_eq!(deep.join().unwrap(), 20_000);
}
