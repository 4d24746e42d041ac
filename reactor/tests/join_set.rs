//! Sets of tasks: the order of results, cancellation, and what a task that ends costs.

#![cfg(not(loom))]

mod common;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use reactor::{Builder, JoinSet, LocalRuntime, block_on, sleep, spawn_local, timeout, yield_now};

use common::{Bomb, message, panics};

/// Calls `f` with each kind of runtime.
fn on_each(f: impl AsyncFn()) {
    block_on(f());
    Builder::new().worker_threads(2).build().unwrap().block_on(f());
}

#[test]
fn results_come_in_the_order_in_which_tasks_end() {
    on_each(async || {
        let (send, receive): (Vec<_>, Vec<_>) =
            (0..3).map(|_| futures::channel::oneshot::channel::<()>()).unzip();
        let mut send: Vec<_> = send.into_iter().map(Some).collect();
        let mut set = JoinSet::new();
        for (number, receive) in receive.into_iter().enumerate() {
            set.spawn(async move {
                receive.await.unwrap();
                number
            });
        }
        for number in [1, 2, 0] {
            assert!(set.try_join_next().is_none());
            send[number].take().unwrap().send(()).unwrap();
            assert_eq!(set.join_next().await.unwrap().unwrap(), number);
        }
        assert!(set.is_empty() && set.join_next().await.is_none());
    });
}

#[test]
fn all_results_come_once() {
    on_each(async || {
        let mut set = JoinSet::new();
        let mut seen = vec![0; 1_000];
        for number in 0..1_000 {
            set.spawn(async move {
                for _ in 0..number % 3 {
                    yield_now().await;
                }
                number
            });
            // Numbers of the slab are used again.
            if number % 2 == 0 {
                if let Some(result) = set.try_join_next() {
                    seen[result.unwrap()] += 1;
                }
            }
        }
        let joined: usize = seen.iter().sum();
        assert_eq!(set.len(), 1_000 - joined);
        while let Some(result) = set.join_next().await {
            seen[result.unwrap()] += 1;
        }
        assert!(seen.iter().all(|&times| times == 1));
    });
}

#[test]
fn panics_and_aborts_are_results() {
    on_each(async || {
        let mut set = JoinSet::new();
        set.spawn(async { panic!("oh") });
        let error = set.join_next().await.unwrap().unwrap_err();
        assert_eq!(message(error.into_panic()), "oh");
        let abort = set.spawn(pending::<()>());
        abort.abort();
        assert!(set.join_next().await.unwrap().unwrap_err().is_cancelled());
        assert!(abort.is_finished());
    });
}

#[test]
fn abort_all_leaves_results_that_are_there() {
    block_on(async {
        let mut set = JoinSet::new();
        set.spawn(async { 1 });
        set.spawn(pending());
        yield_now().await;
        yield_now().await;
        set.abort_all();
        assert_eq!(set.len(), 2);
        assert_eq!(set.join_next().await.unwrap().unwrap(), 1);
        assert!(set.join_next().await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn dropping_it_aborts_all() {
    block_on(async {
        let drops = Rc::new(Cell::new(0));
        let mut set = JoinSet::new();
        for _ in 0..3 {
            let bomb = Bomb(drops.clone());
            set.spawn_local(async move {
                let _bomb = bomb;
                pending::<()>().await;
            });
        }
        yield_now().await;
        drop(set);
        while drops.get() < 3 {
            yield_now().await;
        }
    });
}

#[test]
fn shutdown_waits_until_all_futures_are_dropped() {
    block_on(async {
        let drops = Rc::new(Cell::new(0));
        let mut set = JoinSet::new();
        for _ in 0..3 {
            let bomb = Bomb(drops.clone());
            set.spawn_local(async move {
                let _bomb = bomb;
                pending::<()>().await;
            });
        }
        set.shutdown().await;
        assert_eq!((drops.get(), set.len()), (3, 0));
    });
}

#[test]
fn detached_tasks_run_on_and_their_results_come_to_nobody() {
    on_each(async || {
        let ended = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        for _ in 0..3 {
            let ended = ended.clone();
            set.spawn(async move {
                sleep(Duration::from_millis(1)).await;
                ended.fetch_add(1, SeqCst);
                0
            });
        }
        set.detach_all();
        assert!(set.is_empty() && set.join_next().await.is_none());
        // By the same numbers.
        for _ in 0..3 {
            set.spawn(pending());
        }
        while ended.load(SeqCst) < 3 {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(timeout(Duration::from_millis(1), set.join_next()).await.is_err());
        assert!(set.try_join_next().is_none());
    });
}

#[test]
fn tasks_are_spawned_on_any_runtime_and_on_none_that_is_gone() {
    let multi = Builder::new().worker_threads(2).build().unwrap();
    let gone = LocalRuntime::new().unwrap().handle();
    block_on(async {
        let mut set = JoinSet::new();
        set.spawn_on(async { 1 }, &multi.handle());
        assert_eq!(set.join_next().await.unwrap().unwrap(), 1);
        set.spawn_blocking(|| 2);
        assert_eq!(set.join_next().await.unwrap().unwrap(), 2);
        set.spawn_on(async { 3 }, &gone);
        assert!(set.try_join_next().unwrap().unwrap_err().is_cancelled());
    });
    let text = panics(|| drop(JoinSet::new().spawn(async {})));
    assert!(text.contains("`spawn` needs a runtime"), "{text}");
}

#[test]
fn a_join_that_is_given_up_loses_nothing() {
    on_each(async || {
        let (send, receive) = futures::channel::oneshot::channel::<()>();
        let mut set = JoinSet::new();
        set.spawn(receive);
        assert!(timeout(Duration::from_millis(1), set.join_next()).await.is_err());
        send.send(()).unwrap();
        set.join_next().await.unwrap().unwrap().unwrap();
    });
}

/// A waker that counts.
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Tasks that have ended wake the joiner once, and a join looks at no task that has not.
#[test]
fn a_burst_of_results_is_one_wake_and_the_last_joiner_is_woken() {
    block_on(async {
        let (first, last) = (Arc::new(Wakes(0.into())), Arc::new(Wakes(0.into())));
        let mut set = JoinSet::new();
        for _ in 0..100 {
            set.spawn_local(yield_now());
        }
        for wakes in [&first, &first, &last] {
            let waker = Waker::from(wakes.clone());
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
        }
        for _ in 0..4 {
            yield_now().await;
        }
        assert_eq!((first.0.load(SeqCst), last.0.load(SeqCst)), (0, 1));
        for _ in 0..100 {
            set.try_join_next().unwrap().unwrap();
        }
        assert!(set.is_empty());
    });
}

#[test]
fn results_that_are_there_are_paid_for() {
    block_on(async {
        let joiner = spawn_local(async {
            let mut set = JoinSet::new();
            for _ in 0..300 {
                set.spawn_local(async {});
            }
            while !set.is_empty() && set.try_join_next().is_none() {
                yield_now().await;
            }
            for _ in 0..4 {
                yield_now().await;
            }
            let mut polls = Vec::new();
            poll_fn(|cx| {
                let joined =
                    (0..).take_while(|_| matches!(set.poll_join_next(cx), Poll::Ready(Some(_))));
                polls.push(joined.count());
                if set.is_empty() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            polls
        });
        let polls = joiner.await.unwrap();
        assert_eq!(polls.iter().sum::<usize>(), 299);
        assert!(polls.iter().all(|&joined| joined <= 128), "{polls:?}");
    });
}

#[test]
fn a_set_is_send_if_its_results_are() {
    fn assert_send<T: Send + Sync + Unpin>(_: &T) {}
    let mut set = JoinSet::<u32>::default();
    assert_send(&set);
    assert_eq!(format!("{set:?}"), "JoinSet { len: 0, .. }");
    assert!(pin!(set.join_next()).poll(&mut Context::from_waker(Waker::noop())).is_ready());
}
