//! The ends of a task, counted: results, panics, aborts, drops.

#![cfg(not(loom))] // Sockets and time are no model's matter.

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use common::{Bomb, counting, message};
use reactor::{LocalRuntime, block_on, sleep, spawn_local, yield_now};

#[test]
fn a_dropped_handle_detaches() {
    block_on(async {
        let done = Rc::new(Cell::new(false));
        let flag = done.clone();
        drop(spawn_local(async move {
            yield_now().await;
            flag.set(true);
        }));
        for _ in 0..3 {
            yield_now().await;
        }
        assert!(done.get());
    });
}

#[test]
fn the_handle_may_be_awaited_after_the_end() {
    block_on(async {
        let handle = spawn_local(async { "value" });
        assert!(!handle.is_finished());
        yield_now().await;
        assert!(handle.is_finished());
        assert_eq!(handle.await.unwrap(), "value");
    });
}

#[test]
fn a_result_nobody_wants_is_dropped_once() {
    let drops = Rc::new(Cell::new(0));
    block_on(async {
        let bomb = Bomb(drops.clone());
        drop(spawn_local(async move { bomb }));
        yield_now().await;
        assert_eq!(drops.get(), 1);
        let bomb = Bomb(drops.clone());
        let handle = spawn_local(async move { bomb });
        yield_now().await;
        assert_eq!(drops.get(), 1);
        drop(handle);
        assert_eq!(drops.get(), 2);
    });
    assert_eq!(drops.get(), 2);
}

#[test]
fn a_panic_ends_its_task_only() {
    let error = block_on(async {
        let bad = spawn_local(async {
            yield_now().await;
            panic!("task down");
        });
        let good = spawn_local(async {
            yield_now().await;
            yield_now().await;
            5
        });
        assert_eq!(good.await.unwrap(), 5);
        bad.await.unwrap_err()
    });
    assert!(error.is_panic() && !error.is_cancelled());
    assert_eq!(error.to_string(), "the task panicked: task down");
    assert_eq!(format!("{error:?}"), "Panicked(\"task down\")");
    assert_eq!(message(error.try_into_panic().unwrap()), "task down");
}

#[test]
fn a_panic_in_a_destructor_is_the_tasks_panic() {
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("loud");
        }
    }
    block_on(async {
        let loud = Loud;
        let task = spawn_local(async move {
            let _loud = loud;
            pending::<()>().await;
        });
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_panic());
        // A result whose destructor panics, wanted by nobody.
        drop(spawn_local(async { Loud }));
        yield_now().await;
        yield_now().await;
    });
}

#[test]
fn abort_drops_the_future_by_the_executor() {
    block_on(async {
        let drops = Rc::new(Cell::new(0));
        let bomb = Bomb(drops.clone());
        let task = spawn_local(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
        yield_now().await;
        task.abort();
        assert_eq!(drops.get(), 0);
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        assert_eq!(drops.get(), 1);
    });
}

#[test]
fn abort_before_the_first_poll_never_polls() {
    block_on(async {
        let (polls, waker) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
        let task = spawn_local(counting(&polls, &waker));
        task.abort();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn abort_after_the_end_keeps_the_result() {
    block_on(async {
        let task = spawn_local(async { 1 });
        yield_now().await;
        task.abort();
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[test]
fn a_task_may_abort_itself() {
    block_on(async {
        let slot = Rc::new(RefCell::new(None::<reactor::JoinHandle<()>>));
        let own = slot.clone();
        *slot.borrow_mut() = Some(spawn_local(async move {
            own.borrow().as_ref().unwrap().abort();
            pending::<()>().await;
        }));
        yield_now().await;
        yield_now().await;
        let handle = slot.borrow_mut().take().unwrap();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn dropping_the_runtime_drops_each_task_once() {
    let drops = Rc::new(Cell::new(0));
    let runtime = LocalRuntime::new().unwrap();
    let handles: Vec<_> = (0..10)
        .map(|n| {
            let bomb = Bomb(drops.clone());
            runtime.spawn_local(async move {
                if n % 2 == 0 {
                    yield_now().await;
                    pending::<()>().await;
                }
                drop(bomb);
            })
        })
        .collect();
    runtime.block_on(async {
        yield_now().await;
        yield_now().await;
    });
    assert_eq!(drops.get(), 5);
    drop(runtime);
    assert_eq!(drops.get(), 10);
    let results: Vec<_> = handles.into_iter().map(block_on).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
    assert!(results.iter().flat_map(|result| result.as_ref().err()).all(|e| e.is_cancelled()));
}

#[test]
fn tasks_may_spawn_wake_and_sleep_while_dropped() {
    struct Spawns(Rc<Cell<u32>>, Waker);
    impl Drop for Spawns {
        fn drop(&mut self) {
            self.1.wake_by_ref();
            let bomb = Bomb(self.0.clone());
            let handle = spawn_local(async move {
                let _bomb = bomb;
            });
            assert!(handle.is_finished());
            drop(sleep(Duration::from_secs(1)));
        }
    }
    let drops = Rc::new(Cell::new(0));
    let runtime = LocalRuntime::new().unwrap();
    for _ in 0..3 {
        let drops = drops.clone();
        drop(runtime.spawn_local(async move {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let _spawns = Spawns(drops, waker);
            pending::<()>().await;
        }));
    }
    runtime.block_on(yield_now());
    drop(runtime);
    assert_eq!(drops.get(), 3);
}

#[test]
fn all_tasks_are_dropped_though_a_destructor_panics() {
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("loud");
        }
    }
    let drops = Rc::new(Cell::new(0));
    let runtime = LocalRuntime::new().unwrap();
    let handles: Vec<_> = (0..2)
        .map(|_| {
            let (loud, bomb) = (Loud, Bomb(drops.clone()));
            runtime.spawn_local(async move {
                let _both = (bomb, loud);
                pending::<()>().await;
            })
        })
        .collect();
    runtime.block_on(yield_now());
    drop(runtime);
    assert_eq!(drops.get(), 2);
    for handle in handles {
        let error = block_on(handle).unwrap_err();
        assert_eq!(message(error.try_into_panic().unwrap()), "loud");
    }
}

#[test]
fn a_handle_re_polled_by_another_task_wakes_that_one() {
    block_on(async {
        let (send, receive) = futures::channel::oneshot::channel::<u32>();
        let mut handle = spawn_local(async move { receive.await.unwrap() });
        // Polled once by the root, then moved to a task.
        {
            let mut handle = pin!(&mut handle);
            assert!(futures::poll!(handle.as_mut()).is_pending());
        }
        let other = spawn_local(handle);
        yield_now().await;
        send.send(9).unwrap();
        assert_eq!(other.await.unwrap().unwrap(), 9);
    });
}
