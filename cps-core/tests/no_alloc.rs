//! What works without an allocator: `cargo test -p cps-core --no-default-features --test no_alloc`.

#[path = "support/allocator.rs"]
mod allocator;

use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use cps_core::placement::StackOptions;

/// Pending once.
#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let (value, counts) = allocator::during(|| {
        loop {
            let cx = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return value;
            }
        }
    });
    assert_eq!(counts.allocations, 0);
    value
}

#[cps_core::coroutine]
async fn depth(levels: u32) -> u32 {
    if levels == 0 {
        Yield::default().await;
        return 0;
    }
    depth(levels - 1).on_stack().await + 1
}

#[cps_core::coroutine]
async fn depth_or_less(levels: u32) -> u32 {
    if levels == 0 {
        Yield::default().await;
        return 0;
    }
    match depth_or_less(levels - 1).try_on_stack().await {
        Ok(below) => below + 1,
        Err(_) => 1,
    }
}

#[test]
fn recursion_runs_in_a_chunk_inside_its_root() {
    let options = StackOptions::new().limit(2048).inside::<2048>();
    assert_eq!(run(depth(20).into_root_with(options)), 20);
}

#[test]
fn a_full_stack_is_an_error_for_those_who_ask() {
    let options = StackOptions::new().limit(1024).inside::<1024>();
    let reached = run(depth_or_less(1_000).into_root_with(options));
    assert!((5..48).contains(&reached), "{reached}");
}

#[test]
#[should_panic(expected = "the frame stack")]
fn a_full_stack_is_a_panic_otherwise() {
    let options = StackOptions::new().limit(1024).inside::<1024>();
    run(depth(1_000).into_root_with(options));
}

#[test]
fn calls_in_place_need_no_stack() {
    #[cps_core::coroutine]
    async fn outer() -> u32 {
        depth(0).inline().await + depth(0).inline_up_to::<128>().await
    }
    assert_eq!(run(outer().into_future()), 0);
}

#[cps_core::coroutine(yields = u32, elision = "stack")]
fn countdown(from: u32) {
    cps_core::yield_(from).await;
    if from > 0 {
        cps_core::yield_from(countdown(from - 1)).await;
    }
}

#[test]
fn generators_delegate_in_a_chunk_inside_their_root() {
    let options = StackOptions::new().limit(2048).inside::<2048>();
    let (items, counts) = allocator::during(|| {
        let mut items = pin!(countdown(20).into_root_with(options));
        assert!(items.as_mut().eq((0..=20).rev()));
        items.next()
    });
    assert_eq!((items, counts.allocations), (None, 0));
}

#[cps_core::coroutine]
async fn doubles(levels: u32) -> u32 {
    let depth = depth(levels).nested().await;
    Yield::default().await;
    2 * depth
}

#[test]
fn a_nested_body_calls_in_the_chunk_of_its_root() {
    let root = doubles(5).into_root_with(StackOptions::new().inside::<2048>());
    assert_eq!(run(root), 10);
}
