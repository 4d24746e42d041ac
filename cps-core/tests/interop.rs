//! Coroutines among other futures: foreign wakers, threads, `futures`' collections and macros.

mod support;

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::Mutex;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use cps_core::{BoxCoroutine, coroutine_block, suspend, suspend::Continuation, try_suspend};
use futures::executor::block_on;
use futures::stream::{FuturesUnordered, StreamExt};
use support::wakers::counting;
use support::{Log, Yield, YieldOnce, drive, poll};

#[cps_core::coroutine]
async fn nest<F: Future>(leaf: F, levels: u32) -> F::Output {
    match levels {
        0 => leaf.await,
        _ => nest(leaf, levels - 1).on_heap().await,
    }
}

/// Pending `pending` times; each time it hands its waker to `see`.
async fn seen(mut pending: u32, mut see: impl FnMut(&Waker)) {
    poll_fn(|cx| {
        see(cx.waker());
        pending = pending.wrapping_sub(1);
        if pending == u32::MAX { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Different wakers, in different places.
fn wakers<const N: usize>() -> [Waker; N] {
    std::array::from_fn(|_| counting().0)
}

#[test]
fn the_leaf_sees_the_waker_of_the_current_poll() {
    for levels in [0, 1, 5] {
        let last = Mutex::new(None);
        let leaf = seen(4, |waker| *last.lock().unwrap() = Some(waker.clone()));
        let mut root = pin!(nest(leaf, levels).into_future());
        for (n, waker) in wakers::<5>().iter().enumerate() {
            let outcome = root.as_mut().poll(&mut Context::from_waker(waker));
            assert_eq!(outcome.is_ready(), n == 4);
            assert!(last.lock().unwrap().take().unwrap().will_wake(waker), "poll {n}");
        }
    }
}

#[test]
fn a_callee_started_after_a_resume_sees_the_waker_of_that_poll() {
    #[cps_core::coroutine]
    async fn caller(last: &Mutex<Option<Waker>>) {
        YieldOnce::default().await;
        nest(seen(1, |waker| *last.lock().unwrap() = Some(waker.clone())), 2).await;
        nest(seen(0, |waker| *last.lock().unwrap() = Some(waker.clone())), 2).await;
    }
    let last = Mutex::new(None);
    let mut root = pin!(caller(&last).into_future());
    for (n, waker) in wakers::<3>().iter().enumerate() {
        let outcome = root.as_mut().poll(&mut Context::from_waker(waker));
        assert_eq!(outcome.is_ready(), n == 2);
        let seen = last.lock().unwrap().take();
        assert_eq!(seen.map(|seen| seen.will_wake(waker)), (n > 0).then_some(true), "poll {n}");
    }
}

#[test]
fn threads_wake_a_deep_leaf() {
    #[cps_core::coroutine]
    async fn asks(levels: u32) -> u32 {
        match levels {
            0 => suspend(|k| drop(thread::spawn(move || k.resume(7).unwrap()))).await,
            _ => asks(levels - 1).on_heap().await + 1,
        }
    }
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for _ in 0..rounds {
        assert_eq!(block_on(asks(5).into_future()), 12);
    }
}

#[test]
fn a_continuation_outlives_a_cancelled_chain() {
    let (sender, receiver) = std::sync::mpsc::channel::<Continuation<Box<u32>>>();
    let leaf = suspend(move |k| sender.send(k).unwrap());
    let mut root = Box::pin(nest(leaf, 3).into_future());
    assert!(poll(&mut root).is_pending());
    let k = receiver.recv().unwrap();
    assert!(!k.is_abandoned());
    drop(root);
    let given_back = thread::spawn(move || k.resume(Box::new(5))).join().unwrap();
    assert_eq!(given_back, Err(Box::new(5)));
}

#[test]
fn a_dropped_continuation_unwinds_the_callers_or_is_an_error() {
    let leaf = try_suspend(|k: Continuation<u32>| drop(k));
    assert!(drive(nest(leaf, 3).into_future()).0.is_err());
    let text =
        support::panic_of(|| drive(nest(suspend(|k: Continuation<u32>| drop(k)), 3).into_future()));
    assert!(text.starts_with("continuation dropped without being resumed"), "{text}");
}

#[test]
fn a_root_is_a_foreign_future_inside_another_chain() {
    #[cps_core::coroutine]
    async fn outer(log: &Log) -> usize {
        let inner: Pin<Box<dyn Future<Output = usize> + '_>> =
            Box::pin(middle(log, 2).into_future());
        let inline = middle(log, 1).into_future();
        inner.await + inline.await
    }
    #[cps_core::coroutine]
    async fn middle(log: &Log, levels: u32) -> usize {
        nest(Yield::new(log, 2), levels).await;
        1
    }
    let log = Log::default();
    assert_eq!(drive(outer(&log).into_future()), (2, 5));
    for polls in 0..5 {
        let log = Log::default();
        support::run(&log, outer(&log).into_future(), polls);
        log.assert_each_dropped_once();
    }
}

#[test]
fn plain_async_awaits_coroutines_and_coroutines_plain_async() {
    #[cps_core::coroutine]
    async fn even(n: u32) -> bool {
        YieldOnce::default().await;
        if n == 0 { true } else { odd(n - 1).await }
    }
    fn odd(n: u32) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(async move {
            YieldOnce::default().await;
            if n == 0 { false } else { even(n - 1).await }
        })
    }
    assert_eq!(drive(even(8).into_future()), (true, 10));
    assert_eq!(drive(odd(8)), (false, 10));
}

#[test]
fn roots_of_one_type_run_in_futures_unordered() {
    let mut all: FuturesUnordered<_> =
        (0..8u32).map(|n| nest(Yields(n % 4, n), n % 3).into_future()).collect();
    let mut values = block_on(async move {
        let mut values = Vec::new();
        while let Some(value) = all.next().await {
            values.push(value);
        }
        values
    });
    values.sort_unstable();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7]);
}

/// Pending so many times, waking itself; then its number.
struct Yields(u32, u32);

impl Future for Yields {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        match self.0.checked_sub(1) {
            None => Poll::Ready(self.1),
            Some(left) => {
                self.0 = left;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

#[test]
fn roots_of_several_types_are_one_boxed_future_type() {
    let all: Vec<Pin<Box<dyn Future<Output = u32> + Send>>> = vec![
        Box::pin(nest(Yields(2, 1), 3).into_future()),
        Box::pin(nest(std::future::ready(2), 0).into_future()),
        Box::pin(nest(Yields(1, 3), 1).boxed().into_future()),
        Box::pin(coroutine_block! { nest(Yields(1, 4), 2).await }.into_future()),
    ];
    assert_eq!(block_on(futures::future::join_all(all)), [1, 2, 3, 4]);
}

#[test]
fn join_and_select_run_coroutines_from_within_a_body() {
    #[cps_core::coroutine]
    async fn body() -> (u32, u32, u32) {
        let (a, b) = futures::join!(
            nest(Yields(3, 10), 2).into_future(),
            nest(Yields(1, 20), 1).into_future()
        );
        let mut slow = pin!(futures::FutureExt::fuse(nest(Yields(9, 1), 2).into_future()));
        let mut fast = pin!(futures::FutureExt::fuse(nest(Yields(2, 2), 3).into_future()));
        let first = futures::select! {
            value = slow => value,
            value = fast => value,
        };
        (a, b, first)
    }
    assert_eq!(block_on(body().into_future()), (10, 20, 2));
    assert_eq!(block_on(nest(body().into_future(), 2).into_future()), (10, 20, 2));
}

#[test]
fn try_join_ends_at_the_first_error_and_drops_the_other_chain() {
    #[cps_core::coroutine]
    async fn task(log: &Log, pending: u32, outcome: Result<u32, u32>) -> Result<u32, u32> {
        let _local = log.note("task");
        nest(Yield::new(log, pending), 2).await;
        outcome
    }
    let log = Log::default();
    let outcome = block_on(async {
        futures::try_join!(task(&log, 9, Ok(1)).into_future(), task(&log, 2, Err(2)).into_future())
    });
    assert_eq!(outcome, Err(2));
    log.assert_each_dropped_once();
}

#[test]
fn a_root_is_polled_by_a_waker_that_other_threads_use_at_any_time() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    #[cps_core::coroutine]
    async fn many(rounds: u32) -> u32 {
        let mut sum = 0;
        for n in 0..rounds {
            sum += nest(suspend(move |k| drop(thread::spawn(move || k.resume(n)))), 2).await;
        }
        sum
    }
    let rounds = if cfg!(miri) { 3 } else { 100 };
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut root = pin!(many(rounds).into_future());
    let sum = loop {
        match root.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(sum) => break sum,
            Poll::Pending => thread::park(),
        }
    };
    assert_eq!(sum, rounds * (rounds - 1) / 2);
}

#[test]
fn a_boxed_coroutine_is_stored_sent_and_called_elsewhere() {
    #[cps_core::coroutine]
    async fn calls(all: Vec<BoxCoroutine<'static, u32>>) -> u32 {
        let mut sum = 0;
        for one in all {
            sum += one.await;
        }
        sum
    }
    let all: Vec<BoxCoroutine<'static, u32>> =
        vec![nest(Yields(1, 1), 2).boxed(), nest(Yields(0, 2), 0).boxed()];
    let sum = thread::spawn(move || block_on(calls(all).into_future())).join().unwrap();
    assert_eq!(sum, 3);
}
