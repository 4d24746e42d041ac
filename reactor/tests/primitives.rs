//! Channels, locks and events of other crates: they need no runtime of their own, so this crate has none of them.

#![cfg(not(loom))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use event_listener::Event;
use reactor::{Builder, JoinSet, block_on, sleep, spawn, timeout, yield_now};

const TASKS: usize = 8;
const ROUNDS: usize = 100;

/// Calls `f` with each kind of runtime. A wake that is lost ends it.
fn on_each(f: impl AsyncFn()) {
    const LIMIT: Duration = Duration::from_secs(120);
    block_on(async { timeout(LIMIT, f()).await.expect("a wake was lost") });
    let runtime = Builder::new().worker_threads(3).build().unwrap();
    runtime.block_on(async { timeout(LIMIT, f()).await.expect("a wake was lost") });
}

/// Waits for all tasks, none of which may panic.
async fn join_all(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

#[test]
fn channels_of_tokio() {
    on_each(async || {
        let (send, mut receive) = tokio::sync::mpsc::channel(2);
        let (results, sum) = tokio::sync::oneshot::channel();
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let send = send.clone();
            tasks.spawn(async move {
                for number in 0..ROUNDS {
                    send.send(number).await.unwrap();
                }
            });
        }
        drop(send);
        tasks.spawn(async move {
            let mut sum = 0;
            while let Some(number) = receive.recv().await {
                sum += number;
            }
            results.send(sum).unwrap();
        });
        assert_eq!(sum.await.unwrap(), TASKS * ROUNDS * (ROUNDS - 1) / 2);
        join_all(tasks).await;
    });
}

#[test]
fn watch_and_broadcast_of_tokio() {
    on_each(async || {
        let (set, _) = tokio::sync::watch::channel(0);
        let (tell, _) = tokio::sync::broadcast::channel(ROUNDS);
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (mut value, mut news) = (set.subscribe(), tell.subscribe());
            tasks.spawn(async move {
                value.wait_for(|&value| value == ROUNDS).await.unwrap();
                for number in 0..ROUNDS {
                    assert_eq!(news.recv().await.unwrap(), number);
                }
            });
        }
        for number in 0..ROUNDS {
            tell.send(number).unwrap();
            set.send(number + 1).unwrap();
            yield_now().await;
        }
        join_all(tasks).await;
    });
}

#[test]
fn locks_of_tokio() {
    on_each(async || {
        let shared = Arc::new((
            tokio::sync::Mutex::new(0),
            tokio::sync::RwLock::new(0),
            tokio::sync::Semaphore::new(2),
            tokio::sync::Barrier::new(TASKS),
            AtomicUsize::new(0),
        ));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let shared = shared.clone();
            tasks.spawn(async move {
                let (mutex, lock, semaphore, barrier, inside) = &*shared;
                for _ in 0..ROUNDS {
                    let mut number = mutex.lock().await;
                    let before = *number;
                    yield_now().await;
                    *number = before + 1;
                    drop(number);
                    *lock.write().await += 1;
                    let permit = semaphore.acquire().await.unwrap();
                    assert!(inside.fetch_add(1, SeqCst) < 2);
                    yield_now().await;
                    inside.fetch_sub(1, SeqCst);
                    drop(permit);
                }
                barrier.wait().await;
                assert_eq!(*mutex.lock().await, TASKS * ROUNDS);
                assert_eq!(*lock.read().await, TASKS * ROUNDS);
            });
        }
        join_all(tasks).await;
    });
}

#[test]
fn a_notify_of_tokio_wakes_from_another_thread() {
    on_each(async || {
        let notify = Arc::new(tokio::sync::Notify::new());
        let waits = notify.clone();
        let task = spawn(async move { waits.notified().await });
        sleep(Duration::from_millis(1)).await;
        std::thread::spawn(move || notify.notify_one()).join().unwrap();
        task.await.unwrap();
    });
}

#[test]
fn channels_of_async_channel() {
    on_each(async || {
        let (send, receive) = async_channel::bounded(2);
        let sum = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (send, receive, sum) = (send.clone(), receive.clone(), sum.clone());
            tasks.spawn(async move {
                for number in 0..ROUNDS {
                    send.send(number).await.unwrap();
                }
            });
            tasks.spawn(async move {
                while let Ok(number) = receive.recv().await {
                    sum.fetch_add(number, SeqCst);
                }
            });
        }
        drop(send);
        join_all(tasks).await;
        assert_eq!(sum.load(SeqCst), TASKS * ROUNDS * (ROUNDS - 1) / 2);
    });
}

#[test]
fn locks_of_async_lock() {
    on_each(async || {
        let shared = Arc::new((
            async_lock::Mutex::new(0),
            async_lock::RwLock::new(0),
            async_lock::Semaphore::new(2),
            async_lock::Barrier::new(TASKS),
        ));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let shared = shared.clone();
            tasks.spawn(async move {
                let (mutex, lock, semaphore, barrier) = &*shared;
                for _ in 0..ROUNDS {
                    let mut number = mutex.lock().await;
                    let before = *number;
                    yield_now().await;
                    *number = before + 1;
                    drop(number);
                    *lock.write().await += 1;
                    let _permit = semaphore.acquire().await;
                    yield_now().await;
                }
                barrier.wait().await;
                assert_eq!(*mutex.lock().await, TASKS * ROUNDS);
                assert_eq!(*lock.read().await, TASKS * ROUNDS);
            });
        }
        join_all(tasks).await;
    });
}

#[test]
fn events_of_event_listener() {
    on_each(async || {
        let shared = Arc::new((Event::new(), AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let shared = shared.clone();
            tasks.spawn(async move {
                let (event, is_set) = &*shared;
                while !is_set.load(SeqCst) {
                    let listener = event.listen();
                    if is_set.load(SeqCst) {
                        break;
                    }
                    listener.await;
                }
            });
        }
        sleep(Duration::from_millis(1)).await;
        std::thread::spawn(move || {
            shared.1.store(true, SeqCst);
            shared.0.notify(usize::MAX);
        })
        .join()
        .unwrap();
        join_all(tasks).await;
    });
}

/// A lock that is held across a wait, and one that is given up waiting for.
#[test]
fn a_wait_that_is_given_up_leaves_the_lock_to_others() {
    on_each(async || {
        let mutex = Arc::new(tokio::sync::Mutex::new(()));
        let held = mutex.lock().await;
        assert!(timeout(Duration::from_millis(1), mutex.lock()).await.is_err());
        let waits = mutex.clone();
        let task = spawn(async move { drop(waits.lock().await) });
        yield_now().await;
        drop(held);
        task.await.unwrap();
    });
}
