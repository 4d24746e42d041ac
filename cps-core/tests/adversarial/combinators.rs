//! Coroutines as other people's code polls them: by foreign combinators, on other threads, with ever other wakers,
//! too often, never again; and dropped at a bad moment.
#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, select};

use crate::support::gate::Gate;
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
        Box::pin(make().with_stack_inside::<512>(cps_core::StackOptions::new())),
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

/// Nothing of a chain is used once its root is forgotten. (It stays reachable, so that it is no leak.)
#[test]
fn a_half_run_root_that_is_never_polled_again_does_no_harm() {
    static KEPT: Mutex<Vec<Pin<&'static mut (dyn Future<Output = u32> + Send)>>> =
        Mutex::new(Vec::new());
    let (log, gate) = (Log::default(), Gate::default());
    #[cps_core::cps]
    async fn waits(log: Log, gate: Gate) -> u32 {
        let _note = log.note("waits");
        leaf(log.clone(), 0).await;
        gate.await
    }
    #[cps_core::cps]
    async fn outer(log: Log, gate: Gate) -> u32 {
        waits(log, gate).on_stack().await
    }
    let roots: [&'static mut (dyn Future<Output = u32> + Send); 2] = [
        Box::leak(Box::new(outer(log.clone(), gate.clone()))),
        Box::leak(Box::new(outer(log.clone(), gate.clone()).boxed())),
    ];
    for root in roots {
        let mut root = Pin::static_mut(root);
        assert!(root.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        KEPT.lock().unwrap().push(root);
    }
    gate.open(1);
    gate.nudge_if_waiting();
    assert_eq!(log.drops(), ["yield", "leaf", "yield", "leaf"]);
}

/// A task that drops its future when it is woken.
struct Suicidal(Mutex<Option<Pin<Box<dyn Future<Output = u32> + Send>>>>);

impl Wake for Suicidal {
    fn wake(self: Arc<Self>) {
        let future = self.0.lock().unwrap().take();
        drop(future);
    }
}

#[test]
fn a_root_may_be_dropped_by_the_waker_that_its_own_leaf_keeps() {
    #[cps_core::cps]
    async fn inner(log: Log, gate: Gate) -> u32 {
        let _note = log.note("inner");
        gate.await
    }
    #[cps_core::cps]
    async fn outer(log: Log, gate: Gate) -> u32 {
        let _note = log.note("outer");
        cps_core::join((inner(log.clone(), gate).on_stack(), std::future::ready(1))).await.0
    }
    for boxed in [false, true] {
        let (log, gate) = (Log::default(), Gate::default());
        let future: Pin<Box<dyn Future<Output = u32> + Send>> = if boxed {
            Box::pin(outer(log.clone(), gate.clone()).boxed())
        } else {
            Box::pin(outer(log.clone(), gate.clone()))
        };
        let task = Arc::new(Suicidal(Mutex::new(Some(future))));
        let waker = Waker::from(task.clone());
        let polled = task
            .0
            .lock()
            .unwrap()
            .as_mut()
            .map(|future| future.as_mut().poll(&mut Context::from_waker(&waker)));
        assert_eq!(polled, Some(Poll::Pending));
        drop(waker);
        gate.open(1);
        assert_eq!(log.drops(), ["inner", "outer"]);
        assert_eq!(Arc::strong_count(&task), 1);
    }
}

/// The future that holds its own waker, in a task that holds the future: dropped by hand.
#[test]
fn a_cycle_of_task_and_leaf_ends_with_the_root() {
    #[cps_core::cps]
    async fn keeps() -> u32 {
        let mut own = None;
        poll_fn(|cx| {
            own = Some(cx.waker().clone());
            Poll::<()>::Pending
        })
        .await;
        drop(own);
        1
    }
    let task = Arc::new(Suicidal(Mutex::new(Some(Box::pin(keeps().boxed())))));
    let waker = Waker::from(task.clone());
    let poll = |future: &mut Pin<Box<dyn Future<Output = u32> + Send>>| {
        future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
    };
    assert_eq!(task.0.lock().unwrap().as_mut().map(poll), Some(true));
    assert_eq!(Arc::strong_count(&task), 3);
    let future = task.0.lock().unwrap().take();
    drop(future);
    assert_eq!(Arc::strong_count(&task), 2, "this one and `waker`");
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
