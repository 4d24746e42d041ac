//! The host stack that calls take: as little as those of `async fn` do.

use cps_core::{BoxCoroutine, coroutine_block, join};

use super::run;

fn on_a_stack_of<T: Send + 'static>(size: usize, f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(size).spawn(f).expect("a thread");
    thread.join().expect("no panic")
}

#[cps_core::coroutine]
async fn first(x: [u8; 200 * 1024]) -> u8 {
    x[0]
}

#[test]
fn a_large_argument_is_not_copied_many_times() {
    assert_eq!(on_a_stack_of(2 << 20, || run(Box::pin(first([1; 200 * 1024])))), 1);
}

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
fn recursion_through_join_is_not_on_the_host_stack() {
    assert_eq!(on_a_stack_of(256 << 10, || run(walk(1_000))), 1_000);
}
