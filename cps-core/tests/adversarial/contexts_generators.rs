//! As `contexts`, in generators: what follows is a `yield_`, a delegation, an await, or the end.
#![forbid(unsafe_code)]

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use cps_core::{yield_, yield_from};

use crate::support::Log;
use crate::vandal::{ALL, By, Vandal, sampled, tick, unseen};

#[cps_core::cps(yields = u32)]
fn leaf(by: By, log: Log) {
    let _note = log.note("leaf");
    futures::join!(ready_vandal(by).future());
    yield_(10).await;
    unseen!(ready_vandal(by).future());
    yield_(11).await;
    unseen!(ready_vandal(by).future());
}

fn ready_vandal(by: By) -> Vandal {
    Vandal { by, on: 0, pends: 0 }
}

#[cps_core::cps(yields = u32)]
fn tree(by: By, log: Log) {
    unseen!(ready_vandal(by).future());
    yield_(1).await;
    unseen!(ready_vandal(by).future());
    yield_from(leaf(by, log.clone())).await;
    unseen!(ready_vandal(by).future());
    yield_from(leaf(by, log.clone()).on_stack()).await;
    unseen!(ready_vandal(by).future());
    yield_from(leaf(by, log).on_heap()).await;
    unseen!(ready_vandal(by).future());
}

const ITEMS: [u32; 7] = [1, 10, 11, 10, 11, 10, 11];

#[test]
fn an_iterators_items_are_those_of_its_text() {
    for by in ALL {
        let log = Log::default();
        let mut root = pin!(tree(by, log.clone()).into_root());
        for item in ITEMS {
            assert_eq!(root.next(), Some(item), "{by:?}");
        }
        assert_eq!(root.next(), None, "{by:?}");
        assert_eq!(log.drops(), ["leaf"; 3]);
    }
}

#[test]
fn a_fold_over_it_has_the_same_items() {
    for by in ALL {
        let log = Log::default();
        let items = pin!(tree(by, log.clone()).into_root()).fold(Vec::new(), |mut items, item| {
            items.push(item);
            items
        });
        assert_eq!(items, ITEMS, "{by:?}");
        log.assert_each_dropped_once();
    }
}

#[test]
fn an_iterator_that_is_dropped_after_any_item_drops_each_value_once() {
    for by in ALL {
        for count in 0..=ITEMS.len() {
            let log = Log::default();
            {
                let mut root = Box::pin(tree(by, log.clone()).into_root());
                assert_eq!(root.as_mut().take(count).collect::<Vec<_>>(), ITEMS[..count], "{by:?}");
            }
            log.assert_each_dropped_once();
        }
    }
}

/// It cannot wait: what is pending there ends it with a panic, whatever is in the context.
#[test]
fn an_iterator_that_waits_with_a_replaced_context_panics() {
    #[cps_core::cps(yields = u32)]
    fn waits(by: By, log: Log) {
        let _note = log.note("local");
        yield_(1).await;
        unseen!(Vandal { by, on: 0, pends: 1 }.future());
        yield_(2).await;
    }

    for by in ALL {
        let log = Log::default();
        let mut root = Box::pin(waits(by, log.clone()).into_root());
        assert_eq!(root.as_mut().next(), Some(1));
        let text = crate::support::panic_of(|| root.as_mut().next());
        assert!(text.contains("wait"), "{by:?}: {text}");
        log.assert_each_dropped_once();
        assert_eq!(root.as_mut().next(), None);
    }
}

#[cps_core::cps]
async fn callee(log: Log) -> u32 {
    let _note = log.note("callee");
    tick().await;
    20
}

#[cps_core::cps(yields = u32)]
async fn stream(v: Vandal, log: Log) {
    unseen!(v.future());
    yield_(1).await;
    unseen!(v.future());
    tick().await;
    yield_(2).await;
    unseen!(v.future());
    let called = callee(log.clone()).await;
    futures::join!(v.future());
    yield_(called).await;
    unseen!(v.future());
    yield_from(inner_stream(v, log)).await;
    unseen!(v.future());
}

#[cps_core::cps(yields = u32, elision = "stack")]
async fn inner_stream(v: Vandal, log: Log) {
    let _note = log.note("inner");
    unseen!(v.future());
    let called = callee(log).on_heap().await;
    unseen!(v.future());
    yield_(called + 1).await;
    unseen!(v.future());
}

/// The items of at most so many polls.
fn items(v: Vandal, log: &Log, polls: u32) -> (Vec<u32>, bool) {
    let mut root = Box::pin(stream(v, log.clone()).into_root());
    let mut items = Vec::new();
    for _ in 0..polls {
        let root: Pin<&mut _> = root.as_mut();
        match root.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return (items, true),
            Poll::Pending => {}
        }
    }
    (items, false)
}

#[test]
fn a_streams_items_are_those_of_its_text() {
    for v in sampled(Vandal::all(), 5) {
        let log = Log::default();
        assert_eq!(items(v, &log, 100), (vec![1, 2, 20, 21], true), "{v:?}");
        log.assert_each_dropped_once();
        for polls in sampled(0..25, 6) {
            let log = Log::default();
            let (items, _) = items(v, &log, polls);
            assert_eq!(items, [1, 2, 20, 21][..items.len()], "{v:?}");
            log.assert_each_dropped_once();
        }
    }
}
