//! Functions on the pool of threads: their results, panics and cancellation, and the end of the runtime meanwhile.

#![cfg(not(loom))]

mod common;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use reactor::{
    Builder, LocalRuntime, Runtime, block_on, sleep, spawn_blocking, timeout, yield_now,
};

use common::{message, panics};

fn two_workers() -> Runtime {
    Builder::new().worker_threads(2).build().unwrap()
}

/// Calls `f` with each kind of runtime.
fn on_each(f: impl AsyncFn()) {
    block_on(f());
    two_workers().block_on(f());
}

#[test]
fn the_result_comes_from_another_thread() {
    on_each(async || {
        let here = thread::current().id();
        let there = spawn_blocking(|| thread::current().id()).await.unwrap();
        assert_ne!(here, there);
    });
}

#[test]
fn the_executor_goes_on_meanwhile() {
    on_each(async || {
        let (send, receive) = mpsc::channel();
        let waits = spawn_blocking(move || receive.recv().unwrap());
        sleep(Duration::from_millis(1)).await;
        assert!(!waits.is_finished());
        send.send(42).unwrap();
        assert_eq!(waits.await.unwrap(), 42);
    });
}

#[test]
fn it_starts_while_the_executor_is_busy() {
    on_each(async || {
        let (send, receive) = mpsc::channel();
        let handle = spawn_blocking(move || send.send(()).unwrap());
        receive.recv().unwrap(); // Blocks the thread of the runtime.
        handle.await.unwrap();
    });
}

#[test]
fn a_panic_is_the_handles() {
    on_each(async || {
        let error = spawn_blocking(|| -> () { panic!("no such file") }).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(message(error.into_panic()), "no such file");
    });
}

#[test]
fn a_dropped_handle_detaches() {
    on_each(async || {
        let (go, wait) = mpsc::channel();
        let (done, ended) = mpsc::channel();
        drop(spawn_blocking(move || {
            wait.recv().unwrap();
            done.send(()).unwrap();
        }));
        yield_now().await;
        go.send(()).unwrap();
        spawn_blocking(move || ended.recv().unwrap()).await.unwrap();
    });
}

#[test]
fn an_abort_ends_the_wait_but_not_the_function() {
    on_each(async || {
        let (go, wait) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel();
        let (done, ended) = mpsc::channel();
        let handle = spawn_blocking(move || {
            started.send(()).unwrap();
            wait.recv().unwrap();
            done.send(()).unwrap();
        });
        start.recv().unwrap();
        handle.abort();
        assert!(handle.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        ended.recv().unwrap();
    });
}

#[test]
fn the_end_of_the_runtime_does_not_wait() {
    let (go, wait) = mpsc::channel::<()>();
    let (go_too, wait_too) = mpsc::channel::<()>();
    let begin = Instant::now();
    let local = LocalRuntime::new().unwrap();
    let of_local = local.handle().spawn_blocking(move || wait.recv());
    drop(local);
    let multi = two_workers();
    let of_multi = multi.handle().spawn_blocking(move || wait_too.recv());
    drop(multi);
    assert!(begin.elapsed() < Duration::from_secs(60));
    block_on(async {
        assert!(of_local.await.unwrap_err().is_cancelled());
        assert!(of_multi.await.unwrap_err().is_cancelled());
    });
    drop((go, go_too));
}

#[test]
fn a_handle_spawns_from_any_thread_and_after_the_end() {
    let runtime = LocalRuntime::new().unwrap();
    let handle = runtime.handle();
    let of_thread = handle.clone();
    let sum = thread::spawn(move || of_thread.spawn_blocking(|| 1 + 1)).join().unwrap();
    assert_eq!(runtime.block_on(sum).unwrap(), 2);
    drop(runtime);
    let late = handle.spawn_blocking(|| ());
    assert!(block_on(late).unwrap_err().is_cancelled());
}

#[test]
fn what_it_is_given_spawns_tasks() {
    on_each(async || {
        let handle = reactor::Handle::current();
        let task = spawn_blocking(move || handle.spawn(async { 42 })).await.unwrap();
        assert_eq!(task.await.unwrap(), 42);
    });
}

#[test]
fn many_run_at_a_time() {
    block_on(async {
        let all_are_there = Arc::new(std::sync::Barrier::new(20));
        let handles: Vec<_> = (0..20)
            .map(|_| {
                let barrier = all_are_there.clone();
                spawn_blocking(move || barrier.wait().is_leader())
            })
            .collect();
        let mut leaders = 0;
        for handle in handles {
            let is_leader = timeout(Duration::from_secs(120), handle).await;
            leaders += u32::from(is_leader.expect("a thread is missing").unwrap());
        }
        assert_eq!(leaders, 1);
    });
}

#[test]
fn outside_a_runtime_it_panics_before_anything_starts() {
    let started = Arc::new(AtomicBool::new(false));
    let flag = started.clone();
    let text = panics(move || drop(spawn_blocking(move || flag.store(true, SeqCst))));
    assert!(text.contains("`spawn_blocking` needs a runtime"), "{text}");
    assert_eq!(Arc::strong_count(&started), 1);
}

#[test]
fn functions_that_run_are_counted() {
    on_each(async || {
        let handle = reactor::Handle::current();
        let counts = || {
            let metrics = handle.metrics();
            (metrics.blocking_waiting, metrics.blocking_running)
        };
        let (says, is_there) = mpsc::channel();
        let calls: Vec<_> = (0..3)
            .map(|n| {
                let (says, (go_on, is_told)) = (says.clone(), mpsc::channel::<()>());
                let task = spawn_blocking(move || {
                    says.send(()).unwrap();
                    is_told.recv().unwrap();
                    assert!(n != 1, "loud");
                });
                (go_on, task)
            })
            .collect();
        (0..3).for_each(|_| is_there.recv().unwrap());
        assert_eq!(counts(), (0, 3));
        for (left, (go_on, task)) in (0..3).rev().zip(calls) {
            go_on.send(()).unwrap();
            assert_eq!(task.await.is_err(), left == 1, "the second one panics");
            assert_eq!(counts(), (0, left));
        }
    });
}
