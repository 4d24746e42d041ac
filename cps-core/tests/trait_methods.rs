//! Coroutines in traits: who may implement them, who calls them directly, and when they are `Send`.

use std::future::{Future, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::{
    BoxCoroutine, coroutine_block,
    placement::{Heap, Inline, InlineUpTo, Placement, Stack},
    scope,
};

/// Suspends once.
async fn suspend() {
    let mut is_ready = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut is_ready, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// To be implemented by a coroutine or by any `async fn`.
trait Open {
    async fn open(&self, n: u32) -> u32;
}

struct Direct;
struct Plain;

impl Open for Direct {
    #[cps_core::cps]
    async fn open(&self, n: u32) -> u32 {
        suspend().await;
        n + 1
    }
}

impl Open for Plain {
    async fn open(&self, n: u32) -> u32 {
        suspend().await;
        n + 2
    }
}

/// Its implementations are coroutines.
trait Closed {
    #[cps_core::cps(send)]
    async fn closed(&self, n: u32) -> u32;
}

impl Closed for Direct {
    #[cps_core::cps(send)]
    async fn closed(&self, n: u32) -> u32 {
        suspend().await;
        n + 3
    }
}

/// What is a future only becomes a coroutine by a block.
impl Closed for Plain {
    #[cps_core::cps]
    async fn closed(&self, n: u32) -> u32 {
        ready(n).await + 4
    }
}

#[cps_core::cps]
async fn on_a_type() -> u32 {
    Direct.open(1).await
}

#[cps_core::cps]
async fn on_a_parameter<O: Open>(open: O) -> u32 {
    open.open(1).await
}

#[cps_core::cps]
async fn on_a_closed_parameter<C: Closed>(closed: C) -> u32 {
    closed.closed(1).await
}

fn spawned<C: Closed + Sync>(closed: &C) -> impl Future<Output = u32> + Send {
    closed.closed(1)
}

/// The value, and how many frames are in the chain while the leaf waits.
fn run<B: cps_core::Body>(coroutine: cps_core::Coroutine<B>) -> (B::Output, usize) {
    let mut coroutine = pin!(coroutine);
    let mut cx = Context::from_waker(Waker::noop());
    let mut frames = 0;
    loop {
        match coroutine.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return (value, frames),
            Poll::Pending => frames = frames.max(coroutine.backtrace().frames().len()),
        }
    }
}

#[test]
fn an_async_fn_of_a_trait_is_implemented_by_either_kind() {
    assert_eq!(run(on_a_type()), (2, 2), "called: the type tells that it is a coroutine");
    assert_eq!(
        run(on_a_parameter(Direct)),
        (2, 2),
        "called, also where a future is all that is known"
    );
    assert_eq!(run(on_a_parameter(Plain)), (3, 1));
}

#[test]
fn a_coroutine_of_a_trait_is_called_in_generic_code() {
    assert_eq!(run(on_a_closed_parameter(Direct)), (4, 2));
    assert_eq!(futures::executor::block_on(on_a_closed_parameter(Plain)), 5);
    assert_eq!(futures::executor::block_on(spawned(&Direct)), 4);
}

fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(future: F) -> T {
    std::thread::spawn(|| futures::executor::block_on(future)).join().unwrap()
}

#[cps_core::cps(send)]
async fn spawns_itself(n: u32) -> u32 {
    if n == 0 { 0 } else { spawn(spawns_itself(n - 1)) + 1 }
}

#[cps_core::cps(send)]
async fn even(n: u32) -> bool {
    n == 0 || odd(n - 1).boxed().await
}

#[cps_core::cps]
async fn odd(n: u32) -> bool {
    n != 0 && even(n - 1).boxed().await
}

#[test]
fn what_says_that_it_is_send_spawns_and_boxes_itself() {
    assert_eq!(spawn(spawns_itself(3)), 3);
    assert!(spawn(even(6)));
    assert!(spawn(odd(7)));
}

#[cps_core::cps]
async fn one(n: &u32) -> u32 {
    suspend().await;
    *n
}

#[cps_core::cps]
async fn placed<P: Placement>(placement: P) -> u32 {
    let n = 1;
    one(&n).placed(placement).await
}

fn spawned_by<P: Placement + Send + 'static>(placement: P) -> u32 {
    spawn(placed(placement))
}

#[test]
fn a_coroutine_is_send_whatever_its_callee_s_placement() {
    assert_eq!(spawned_by(Inline), 1);
    assert_eq!(spawned_by(Stack), 1);
    assert_eq!(spawned_by(Heap), 1);
    assert_eq!(spawned_by(InlineUpTo::<16>), 1);
}

#[cps_core::cps]
async fn scoped(numbers: Vec<u32>) -> u32 {
    let numbers = &numbers;
    let by_future = scope(|s| async move { s.spawn(one(&numbers[0])).await }).await;
    let by_closure = scope(async |s| s.spawn(one(&numbers[1])).await).await;
    let by_block = scope(|s| coroutine_block! { s.spawn(one(&numbers[2])).await }).await;
    by_future + by_closure + by_block
}

#[test]
fn what_awaits_scopes_is_boxed_and_spawned() {
    let boxed: BoxCoroutine<'_, u32> = scoped(vec![1, 2, 3]).boxed();
    assert_eq!(spawn(boxed), 6);
    assert_eq!(spawn(scoped(vec![1, 2, 3])), 6);
}
