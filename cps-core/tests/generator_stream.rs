//! Asynchronous generators: with futures between the items, as streams of the crate `futures`, and
//! under an executor.
#![cfg(feature = "alloc")]
#![allow(missing_docs)]

mod support;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use cps_core::{
    Body,
    generator::{AsyncGeneratorRoot, Ending, NextItem},
    yield_, yield_from,
};
use futures::executor::block_on;
use support::{Log, Note, Planned, Yield, panic_of};

/// Pending so many times; wakes itself.
async fn wait(times: u32) {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cps_core::coroutine]
async fn waiting(times: u32) -> u32 {
    wait(times).await;
    times
}

#[cps_core::coroutine(yields = u32)]
fn numbers(from: u32, to: u32) -> u32 {
    for n in from..to {
        yield_(n).await;
    }
    to - from
}

#[cps_core::coroutine(yields = u32, elision = "stack")]
async fn nested(depth: u32) -> u32 {
    wait(1).await;
    yield_(depth).await;
    let below = match depth {
        0 => yield_from(numbers(100, 102)).await,
        _ => yield_from(nested(depth - 1)).await,
    };
    below + waiting(1).await
}

#[cps_core::coroutine(yields = u32)]
async fn root(depth: u32) {
    let sum = yield_from(nested(depth)).await;
    yield_(1000 + sum).await;
}

fn poll_next<T, B: Body<Output: Ending<T>>>(
    root: Pin<&mut AsyncGeneratorRoot<T, B>>,
) -> Poll<Option<<B::Output as Ending<T>>::Item>> {
    root.poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn items_and_waits_come_in_the_order_of_the_bodies() {
    let mut root = pin!(root(1).into_root());
    let mut polls = Vec::new();
    loop {
        match poll_next(root.as_mut()) {
            Poll::Pending => polls.push(None),
            Poll::Ready(Some(item)) => polls.push(Some(item)),
            Poll::Ready(None) => break,
        }
    }
    let (wait, item) = (None, Some);
    assert_eq!(polls, [wait, item(1), wait, item(0), item(100), item(101), wait, wait, item(1004)]);
    assert_eq!(poll_next(root.as_mut()), Poll::Ready(None));
}

#[test]
fn next_awaits_the_items_in_turn() {
    let items = block_on(async {
        let mut root = pin!(root(0).into_root());
        let mut items = Vec::new();
        while let Some(item) = root.next().await {
            items.push(item);
        }
        items
    });
    assert_eq!(items, [0, 100, 101, 1003]);
}

#[test]
fn a_dropped_next_loses_no_item() {
    let mut root = pin!(root(0).into_root());
    let mut items = Vec::new();
    'items: loop {
        // A new future for each poll.
        let poll = pin!(root.next()).poll(&mut Context::from_waker(Waker::noop()));
        match poll {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => break 'items,
            Poll::Pending => {}
        }
    }
    assert_eq!(items, [0, 100, 101, 1003]);
}

#[test]
fn a_wake_up_resumes_the_leaf_alone() {
    struct Wakes(AtomicU32);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[cps_core::coroutine(yields = u32, elision = "stack")]
    async fn body(log: &Log, depth: u32) {
        if depth > 0 {
            poll_fn(|_| {
                log.did("caller polled", depth);
                Poll::Ready(())
            })
            .await;
            return yield_from(body(log, depth - 1)).await;
        }
        Yield::new(log, 3).await;
        yield_(1).await;
    }

    let log = Log::default();
    let wakes = Arc::new(Wakes(AtomicU32::new(0)));
    let waker = Waker::from(wakes.clone());
    let cx = &mut Context::from_waker(&waker);
    let mut root = pin!(body(&log, 20).into_root());
    let pending = (0..).take_while(|_| root.as_mut().poll_next(cx).is_pending()).count();
    assert_eq!((pending, wakes.0.load(Relaxed)), (3, 3));
    // Each caller once, when it called; the leaf four times; and its drop.
    assert_eq!(log.events().len(), 20 + 4 + 1);
}

#[test]
fn an_error_that_is_returned_is_the_last_item() {
    #[cps_core::coroutine(yields = u32)]
    async fn failing() -> Result<(), String> {
        yield_(1).await;
        wait(1).await;
        Err("broken")?;
        Ok(())
    }
    block_on(async {
        let mut items = pin!(failing().into_root());
        assert_eq!(items.next().await, Some(Ok(1)));
        assert_eq!(items.next().await, Some(Err("broken".to_owned())));
        assert_eq!(items.next().await, None);
    });
}

#[test]
fn a_panic_reaches_the_poll_and_ends_the_stream() {
    #[cps_core::coroutine(yields = u32, elision = "stack")]
    async fn body(log: &Log, depth: u32) {
        let _note = log.note(["outer", "inner"][depth as usize]);
        yield_(depth).await;
        if depth == 1 {
            wait(1).await;
            Planned::panic("depth", depth);
        }
        yield_from(body(log, depth + 1)).await;
    }
    let log = Log::default();
    let mut root = pin!(body(&log, 0).into_root());
    assert_eq!(poll_next(root.as_mut()), Poll::Ready(Some(0)));
    assert_eq!(poll_next(root.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(poll_next(root.as_mut()), Poll::Pending);
    assert_eq!(panic_of(|| poll_next(root.as_mut())), "depth 1");
    assert_eq!(log.drops_in_panic(), ["inner", "outer"]);
    assert_eq!(poll_next(root.as_mut()), Poll::Ready(None));
    assert_eq!(format!("{root:?}"), "AsyncGeneratorRoot(ended)");
}

#[test]
fn dropping_a_waiting_stream_drops_frames_leaf_first() {
    #[cps_core::coroutine(yields = Note)]
    async fn inner(log: &Log) {
        let _inner = log.note("inner");
        yield_(log.note("item")).await;
        Yield::new(log, 1).await;
    }
    #[cps_core::coroutine(yields = Note)]
    async fn outer(log: &Log) {
        let _outer = log.note("outer");
        yield_from(inner(log)).await;
    }
    let log = Log::default();
    let mut root = Box::pin(outer(&log).into_root());
    assert!(poll_next(root.as_mut()).is_ready());
    assert!(poll_next(root.as_mut()).is_pending());
    drop(root);
    assert_eq!(log.drops(), ["item", "yield", "inner", "outer"]);
    log.assert_each_dropped_once();
}

#[test]
fn streams_are_send_if_their_bodies_are() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    fn next_is_send<T: Send, B: Body + Send>(_: &NextItem<'_, T, B>) {
        fn is_send<T: Send>() {}
        is_send::<NextItem<'_, T, B>>();
    }
    let generator = root(1);
    is_send_and_sync(&generator);
    let mut root = pin!(generator.into_root());
    is_send_and_sync(&*root);
    next_is_send(&root.next());
}

#[test]
fn a_generator_in_a_generator_is_a_chain_of_its_own_when_it_is_consumed_there() {
    #[cps_core::coroutine(yields = u64)]
    async fn doubled() {
        let mut inner = pin!(root(0).into_root());
        while let Some(n) = inner.next().await {
            yield_(2 * u64::from(n)).await;
        }
    }
    let items = block_on(async {
        let mut root = pin!(doubled().into_root());
        let mut items = Vec::new();
        while let Some(item) = root.next().await {
            items.push(item);
        }
        items
    });
    assert_eq!(items, [0, 200, 202, 2006]);
}

#[cfg(feature = "stream")]
mod stream {
    use futures::stream::{FusedStream, Stream, StreamExt, TryStreamExt};

    use super::*;

    #[test]
    fn combinators_of_futures_take_a_generator() {
        let items: Vec<u32> = block_on(root(2).into_root().map(|n| n + 1).take(3).collect());
        assert_eq!(items, [3, 2, 1]);
        let both = futures::stream::select(root(0).into_root(), root(1).into_root());
        let mut items: Vec<u32> = block_on(both.collect());
        items.sort_unstable();
        assert_eq!(items, [0, 0, 1, 100, 100, 101, 101, 1003, 1004]);
    }

    #[test]
    fn a_boxed_generator_is_a_boxed_stream() {
        let mut streams: Vec<Pin<Box<dyn Stream<Item = u32> + Send>>> =
            vec![Box::pin(root(0).into_root()), Box::pin(futures::stream::iter([7]))];
        let items: Vec<u32> = block_on(futures::stream::select_all(&mut streams).collect());
        assert_eq!(items.len(), 5);
    }

    #[test]
    fn try_combinators_take_a_generator_that_returns_a_result() {
        #[cps_core::coroutine(yields = u32)]
        async fn until(limit: u32) -> Result<(), String> {
            for n in 0.. {
                if n == limit {
                    Err("limit")?;
                }
                yield_(n).await;
            }
            Ok(())
        }
        let sum = until(4).into_root().try_fold(0, |sum, n| async move { Ok(sum + n) });
        assert_eq!(block_on(sum), Err("limit".to_owned()));
        assert_eq!(
            block_on(until(4).into_root().take(4).try_collect::<Vec<_>>()),
            Ok(vec![0, 1, 2, 3])
        );
    }

    #[test]
    fn a_stream_knows_when_it_has_ended() {
        block_on(async {
            let mut stream = pin!(root(0).into_root());
            while !stream.is_terminated() {
                assert_eq!(Stream::size_hint(&stream), (0, None));
                let _ = StreamExt::next(&mut stream).await;
            }
            assert_eq!(Stream::size_hint(&stream), (0, Some(0)));
            assert_eq!(StreamExt::next(&mut stream).await, None);
        });
    }

    #[cfg(not(miri))]
    #[test]
    fn tokio_runs_streams_whose_bodies_use_timers_and_channels() {
        use std::time::Duration;

        #[cps_core::coroutine(yields = u32)]
        async fn received(mut from: tokio::sync::mpsc::Receiver<u32>) {
            while let Some(n) = from.recv().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
                yield_(n).await;
            }
        }
        #[cps_core::coroutine(yields = u32)]
        async fn all(from: tokio::sync::mpsc::Receiver<u32>) {
            yield_from(received(from)).await;
            yield_(99).await;
        }

        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let items = runtime.block_on(async {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move {
                for n in 0..5 {
                    sender.send(n).await.unwrap();
                }
            });
            tokio::spawn(all(receiver).into_root().collect::<Vec<_>>()).await.unwrap()
        });
        assert_eq!(items, [0, 1, 2, 3, 4, 99]);
    }
}
