//! Coroutines as other people's code polls them: by foreign combinators, on other threads, with ever other wakers,
//! and too often.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, select};

use crate::support::{Fate, Log, Planned, Yield, panic_of, poll, run};

#[cps_core::cps]
async fn leaf(log: Log, n: u32) -> u32 {
    let _note = log.note("leaf");
    Yield::new(&log, n).await;
    n
}

#[cps_core::cps]
async fn tree(log: Log, n: u32) -> u32 {
    let _note = log.note("tree");
    leaf(log.clone(), n).await + leaf(log.clone(), n).on_stack().await + leaf(log, n).boxed().await
}

#[test]
fn select_drops_the_loser_half_run() {
    let log = Log::default();
    let winner = futures::executor::block_on(async {
        let mut slow = Box::pin(tree(log.clone(), 9).fuse());
        let mut fast = Box::pin(tree(log.clone(), 1).fuse());
        select! {
            n = slow => n,
            n = fast => n,
        }
    });
    assert_eq!(winner, 3);
    log.assert_each_dropped_once();
}

#[test]
fn select_in_a_coroutine_leaves_what_it_borrowed_to_go_on() {
    #[cps_core::cps]
    async fn selects(log: Log) -> (u32, u32) {
        let mut slow = std::pin::pin!(tree(log.clone(), 3).fuse());
        let mut fast = std::pin::pin!(tree(log.clone(), 1).fuse());
        let first = select! {
            n = slow => n,
            n = fast => n,
        };
        (first, slow.await)
    }
    let log = Log::default();
    assert_eq!(futures::executor::block_on(selects(log.clone())), (3, 9));
    log.assert_each_dropped_once();
    for polls in 0..9 {
        let log = Log::default();
        run(&log, selects(log.clone()), polls);
        log.assert_each_dropped_once();
    }
}

#[test]
fn futures_unordered_runs_coroutines_as_they_are_woken() {
    let log = Log::default();
    let coroutines = (0..8).map(|n| tree(log.clone(), n % 4));
    let mut all: FuturesUnordered<_> = coroutines.collect();
    let mut results = futures::executor::block_on(all.by_ref().take(5).collect::<Vec<_>>());
    all.push(tree(log.clone(), 5));
    drop(all);
    results.sort_unstable();
    assert_eq!(results, [0, 0, 3, 3, 6]);
    log.assert_each_dropped_once();
}

#[cfg(not(miri))]
#[test]
fn tokios_select_and_spawn_run_coroutines() {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let value = runtime.block_on(async {
        let spawned = tokio::spawn(tree(log.clone(), 20));
        let first = tokio::select! {
            n = tree(log.clone(), 100) => n,
            n = tree(log.clone(), 2) => n,
        };
        first + spawned.await.unwrap()
    });
    assert_eq!(value, 6 + 60);
    drop(runtime);
    log.assert_each_dropped_once();
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn each_poll_may_have_another_waker_and_another_thread() {
    let log = Log::default();
    let mut root = Box::pin(tree(log.clone(), 2));
    let mut counts = Vec::new();
    loop {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let (back, poll) = std::thread::spawn(move || {
            let poll = root.as_mut().poll(&mut Context::from_waker(&waker));
            (root, poll)
        })
        .join()
        .unwrap();
        root = back;
        counts.push((count.0.load(SeqCst), Arc::strong_count(&count)));
        if poll.is_ready() {
            assert_eq!(poll, Poll::Ready(6));
            break;
        }
    }
    let mut expected = vec![(1, 1); 6];
    expected.push((0, 1));
    assert_eq!(counts, expected, "each is woken once, in its poll, and nobody keeps it");
}

const AGAIN: &str = "a coroutine was polled after it had returned or panicked";

type Root = Pin<Box<dyn Future<Output = u32>>>;

fn roots(panics: bool, log: &Log) -> Vec<Root> {
    #[cps_core::cps]
    async fn body(log: Log, panics: bool) -> u32 {
        let _note = log.note("body");
        if panics {
            leaf(log.clone(), 1).await;
            Planned::panic("body", 1);
        }
        leaf(log.clone(), 2).on_stack().await
    }
    let make = || body(log.clone(), panics);
    vec![
        Box::pin(make()),
        Box::pin(make().into_root()),
        Box::pin(make().boxed()),
        Box::pin(make().on_heap()),
        Box::pin(make().into_root_with(cps_core::placement::StackOptions::new().inside::<512>())),
    ]
}

#[test]
fn a_poll_after_the_end_panics_each_time() {
    for panics in [false, true] {
        let log = Log::default();
        for mut root in roots(panics, &log) {
            if panics {
                assert!(poll(&mut root).is_pending());
                assert_eq!(panic_of(|| poll(&mut root)), "body 1");
            } else {
                assert!(poll(&mut root).is_pending() && poll(&mut root).is_pending());
                assert_eq!(poll(&mut root), Poll::Ready(2));
            }
            for _ in 0..3 {
                assert_eq!(panic_of(|| poll(&mut root)), AGAIN);
            }
        }
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_panic_in_the_first_poll_ends_a_root() {
    #[cps_core::cps]
    async fn at_once(log: Log) -> u32 {
        let _note = log.note("body");
        leaf(log.clone(), 0).on_heap().await;
        Planned::panic("at once", 0)
    }
    let log = Log::default();
    let roots: Vec<Root> = vec![
        Box::pin(at_once(log.clone())),
        Box::pin(at_once(log.clone()).into_root()),
        Box::pin(at_once(log.clone()).boxed()),
    ];
    for mut root in roots {
        assert_eq!(panic_of(|| poll(&mut root)), "at once 0");
        assert_eq!(panic_of(|| poll(&mut root)), AGAIN);
    }
    log.assert_each_dropped_once();
}

#[test]
fn fates_are_those_of_a_plain_future_under_catch_unwind() {
    let log = Log::default();
    let caught = async {
        let tree = tree(log.clone(), 1);
        std::panic::AssertUnwindSafe(tree).catch_unwind().await.unwrap()
    };
    assert_eq!(run(&log, caught, 9), Fate::Returned(3));
    log.assert_each_dropped_once();
}
