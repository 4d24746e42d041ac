//! The multi-thread runtime: tasks, their ends, and the runtime's.

#![cfg(not(loom))] // Threads and sockets are no model's matter.

use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use cps_core::cps;
use futures::AsyncReadExt;
use reactor::net::{TcpListener, TcpStream};
use reactor::{Builder, Handle, LocalRuntime, Runtime, sleep, spawn, timeout, yield_now};

const MANY: usize = if cfg!(miri) { 20 } else { 2_000 };

fn runtime(workers: usize) -> Runtime {
    Builder::new().worker_threads(workers).build().unwrap()
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn tasks_give_their_results() {
    let runtime = runtime(3);
    let sum: usize = runtime.block_on(async {
        let tasks: Vec<_> = (0..MANY).map(|n| spawn(async move { n })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, MANY * (MANY - 1) / 2);
}

#[test]
fn tasks_spawn_tasks_and_yield() {
    let runtime = runtime(2);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                spawn(async move {
                    let inner = spawn(async move {
                        for _ in 0..n {
                            yield_now().await;
                        }
                        n
                    });
                    inner.await.unwrap() + 1
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n + 1);
        }
    });
}

#[cps]
async fn deep(levels: usize, yields: usize) -> usize {
    if levels == 0 {
        for _ in 0..yields {
            yield_now().await;
        }
        return 0;
    }
    deep(levels - 1, yields).on_heap().await + 1
}

#[test]
fn coroutines_are_resumed_on_any_worker() {
    let runtime = runtime(3);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..30).map(|n| spawn(deep(n, 10))).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
    });
}

#[test]
fn threads_wake_tasks_while_workers_fall_asleep() {
    let runtime = runtime(2);
    let rounds = MANY / 2;
    let slot: Arc<Mutex<(usize, Option<Waker>)>> = Arc::default();
    let task = runtime.spawn({
        let slot = slot.clone();
        async move {
            for round in 1..=rounds {
                poll_fn(|cx| {
                    let mut slot = slot.lock().unwrap();
                    if slot.0 >= round {
                        return Poll::Ready(());
                    }
                    slot.1 = Some(cx.waker().clone());
                    Poll::Pending
                })
                .await;
            }
        }
    });
    let waking = thread::spawn(move || {
        for _ in 0..rounds {
            let waker = {
                let mut slot = slot.lock().unwrap();
                slot.0 += 1;
                slot.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
            thread::yield_now();
        }
    });
    runtime.block_on(task).unwrap();
    waking.join().unwrap();
}

#[test]
fn a_panic_ends_its_task_only() {
    let runtime = runtime(2);
    let error = runtime.block_on(async { spawn(async { panic!("loud") }).await.unwrap_err() });
    assert!(error.is_panic() && error.to_string().contains("loud"), "{error}");
    let error = runtime.block_on(async { spawn(panicking(3)).await.unwrap_err() });
    assert!(error.to_string().contains("deep"), "{error}");
    assert_eq!(runtime.block_on(async { spawn(async { 1 }).await.unwrap() }), 1);
}

#[cps]
async fn panicking(levels: u32) {
    yield_now().await;
    if levels == 0 {
        panic!("deep");
    }
    panicking(levels - 1).on_heap().await;
}

#[test]
fn abort_drops_the_future_and_says_so() {
    let runtime = runtime(2);
    let drops = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let counted = Counted(drops.clone());
        let task = spawn(async move {
            let _counted = counted;
            pending::<()>().await;
        });
        yield_now().await;
        let abort = task.abort_handle();
        assert!(!abort.is_finished());
        abort.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(abort.is_finished());
    });
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn a_dropped_runtime_drops_each_task_once() {
    for polls in [0, 1] {
        let drops = Arc::new(AtomicUsize::new(0));
        let runtime = runtime(2);
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let counted = Counted(drops.clone());
                runtime.spawn(async move {
                    let _counted = counted;
                    pending::<()>().await;
                })
            })
            .collect();
        if polls > 0 {
            runtime.block_on(async { sleep(Duration::from_millis(5)).await });
        }
        drop(runtime);
        assert_eq!(drops.load(SeqCst), 50);
        for task in tasks {
            assert!(reactor::block_on(task).unwrap_err().is_cancelled());
        }
    }
}

/// What is dropped with the runtime may spawn: that is cancelled, too.
#[test]
fn tasks_may_spawn_and_wake_while_they_are_dropped() {
    struct Spawns(Arc<AtomicUsize>, Option<Waker>);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let counted = Counted(self.0.clone());
            drop(Handle::current().spawn(async move {
                let _counted = counted;
                pending::<()>().await;
            }));
            self.1.take().unwrap().wake();
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let runtime = runtime(2);
    let (send, receive) = mpsc::channel();
    for _ in 0..10 {
        let mut spawns = Spawns(drops.clone(), None);
        let send = send.clone();
        runtime.spawn(async move {
            poll_fn(|cx| {
                spawns.1 = Some(cx.waker().clone());
                send.send(()).unwrap();
                Poll::<()>::Pending
            })
            .await;
        });
    }
    (0..10).for_each(|_| receive.recv().unwrap());
    drop(runtime);
    assert_eq!(drops.load(SeqCst), 10);
}

#[test]
fn spawning_on_a_dropped_runtime_cancels() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    drop(runtime);
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = Counted(drops.clone());
    let task = handle.spawn(async move { drop(counted) });
    assert_eq!(drops.load(SeqCst), 1);
    assert!(reactor::block_on(task).unwrap_err().is_cancelled());
    let local = LocalRuntime::new().unwrap();
    let handle = local.handle();
    drop(local);
    let counted = Counted(drops.clone());
    let task = thread::spawn(move || handle.spawn(async move { drop(counted) })).join().unwrap();
    assert_eq!(drops.load(SeqCst), 2);
    assert!(reactor::block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn wakers_outlive_the_runtime() {
    let runtime = runtime(2);
    let (send, receive) = mpsc::channel();
    drop(runtime.spawn(poll_fn(move |cx| {
        let _ = send.send(cx.waker().clone());
        Poll::<()>::Pending
    })));
    let waker = receive.recv().unwrap();
    drop(runtime);
    waker.wake_by_ref();
    let other = waker.clone();
    thread::spawn(move || other.wake()).join().unwrap();
    waker.wake();
}

#[test]
fn threads_may_wake_and_spawn_while_the_runtime_is_dropped() {
    for _ in 0..if cfg!(miri) { 3 } else { 100 } {
        let runtime = runtime(2);
        let drops = Arc::new(AtomicUsize::new(0));
        let (send, receive) = mpsc::channel::<Waker>();
        let counted = Counted(drops.clone());
        drop(runtime.spawn(async move {
            let _counted = counted;
            poll_fn(|cx| {
                let _ = send.send(cx.waker().clone());
                Poll::<()>::Pending
            })
            .await;
        }));
        let waker = receive.recv().unwrap();
        let (handle, counted) = (runtime.handle(), Counted(drops.clone()));
        let other = thread::spawn(move || {
            let by_value = waker.clone();
            by_value.wake();
            drop(handle.spawn(async move {
                let _counted = counted;
                pending::<()>().await;
            }));
            waker.wake();
        });
        drop(runtime);
        other.join().unwrap();
        assert_eq!(drops.load(SeqCst), 2);
    }
}

#[test]
fn a_runtime_may_be_dropped_by_its_own_task() {
    let runtime = runtime(2);
    let drops = Arc::new(AtomicUsize::new(0));
    let (send, receive) = mpsc::channel::<Runtime>();
    let counted = Counted(drops.clone());
    let task = runtime.spawn(async move {
        let _counted = counted;
        drop(receive.recv().unwrap());
        yield_now().await;
        pending::<()>().await;
    });
    send.send(runtime).unwrap();
    assert!(reactor::block_on(task).unwrap_err().is_cancelled());
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn a_poll_that_does_not_return_does_not_keep_a_shutdown_with_a_timeout() {
    let runtime = runtime(2);
    let (go_on, is_told) = mpsc::channel::<()>();
    let is_running = Arc::new(AtomicBool::new(false));
    let task = runtime.spawn({
        let is_running = is_running.clone();
        async move {
            is_running.store(true, SeqCst);
            is_told.recv().unwrap();
        }
    });
    while !is_running.load(SeqCst) {
        thread::yield_now();
    }
    assert!(!runtime.shutdown_timeout(Duration::from_millis(10)));
    go_on.send(()).unwrap();
    reactor::block_on(task).unwrap();
    assert!(self::runtime(1).shutdown_timeout(Duration::from_secs(100)));
}

#[test]
fn sockets_and_timers_wake_tasks_on_workers() {
    let runtime = runtime(2);
    runtime.block_on(async {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0)).unwrap();
        let address = listener.local_addr().unwrap();
        spawn(async move {
            loop {
                let (mut peer, _) = listener.accept().await.unwrap();
                spawn(async move {
                    let mut byte = [0];
                    while peer.read_exact(&mut byte).await.is_ok() {
                        peer.write_all(&[byte[0] + 1]).await.unwrap();
                    }
                });
            }
        });
        let clients: Vec<_> = (0..8)
            .map(|n: u8| {
                spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    for round in 0..50 {
                        stream.write_all(&[n + round]).await.unwrap();
                        let mut byte = [0];
                        stream.read_exact(&mut byte).await.unwrap();
                        assert_eq!(byte, [n + round + 1]);
                        if round % 10 == 0 {
                            sleep(Duration::from_millis(1)).await;
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        assert!(timeout(Duration::from_millis(1), pending::<()>()).await.is_err());
    });
}

/// A task that never waits does not keep its worker's others, nor timers, from running: each leaf pays for what it
/// does.
#[test]
fn a_task_that_yields_for_ever_does_not_starve_timers() {
    let runtime = runtime(1);
    let task = runtime.spawn(async {
        loop {
            yield_now().await;
        }
    });
    runtime.block_on(async {
        spawn(sleep(Duration::from_millis(2))).await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn misuse_says_what_to_do() {
    let runtime = runtime(1);
    let text = runtime.block_on(async {
        let task = spawn(async { reactor::block_on(async {}) });
        task.await.unwrap_err().to_string()
    });
    assert!(text.contains("`spawn` it, instead"), "{text}");
    let text = runtime.block_on(async {
        let task = spawn(async { drop(reactor::spawn_local(async {})) });
        task.await.unwrap_err().to_string()
    });
    assert!(text.contains("needs a current-thread runtime"), "{text}");
    let text = std::panic::catch_unwind(|| Builder::new().worker_threads(0)).unwrap_err();
    assert!(text.downcast::<String>().unwrap().contains("between 1 and 64 workers, not 0"));
}

#[test]
fn handles_are_awaited_on_any_executor() {
    let runtime = runtime(1);
    let (go_on, is_told) = futures::channel::oneshot::channel();
    let mut task = Box::pin(runtime.spawn(is_told));
    let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    go_on.send(7).unwrap();
    assert_eq!(futures::executor::block_on(task).unwrap(), Ok(7));
}
