//! Workers of the multi-thread runtime that are blocked: what is left to them is done by the others.

#![cfg(not(loom))] // Threads are no model's matter.

use std::collections::HashSet;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use reactor::{Builder, Runtime, sleep, spawn};

/// After so long what is waited for will not come.
const PATIENCE: Duration = Duration::from_secs(300);

fn runtime(workers: usize) -> Runtime {
    Builder::new().worker_threads(workers).build().unwrap()
}

/// Tasks that block their workers run on all of them at once.
#[test]
fn every_worker_runs_tasks() {
    let runtime = runtime(3);
    let barrier = Arc::new(Barrier::new(3));
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let (barrier, threads) = (barrier.clone(), threads.clone());
            runtime.spawn(async move {
                barrier.wait();
                threads.lock().unwrap().insert(thread::current().id());
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(threads.lock().unwrap().len(), 3);
}

/// A worker that blocks in a task that it has spawned others from has all of them stolen: from its queue, and from its
/// slot, in which the last one is.
#[test]
fn what_a_blocked_worker_has_left_is_stolen() {
    for count in 1..=3 {
        let runtime = runtime(2);
        let (send, receive) = mpsc::channel();
        let task = runtime.spawn(async move {
            let here = thread::current().id();
            for n in 0..count {
                let send = send.clone();
                drop(spawn(async move { send.send((n, thread::current().id())).unwrap() }));
            }
            let seen = (0..count).map(|_| receive.recv_timeout(PATIENCE).unwrap());
            let mut seen: Vec<_> =
                seen.inspect(|(_, thread)| assert_ne!(*thread, here)).map(|(n, _)| n).collect();
            seen.sort_unstable();
            seen
        });
        assert_eq!(runtime.block_on(task).unwrap(), (0..count).collect::<Vec<_>>());
    }
}

/// A task that is woken into the slot of a worker which blocks then is run by another worker, and so is what that one
/// leaves behind.
#[test]
fn what_a_blocked_worker_has_woken_is_stolen() {
    let runtime = runtime(3);
    let (tell, is_told) = futures::channel::oneshot::channel::<()>();
    let (tell_next, is_told_next) = futures::channel::oneshot::channel::<()>();
    let (send, receive) = mpsc::channel();
    let (send_on, receive_on) = mpsc::channel();
    let last = runtime.spawn(async move {
        is_told_next.await.unwrap();
        send_on.send(()).unwrap();
    });
    let middle = runtime.spawn(async move {
        is_told.await.unwrap();
        tell_next.send(()).unwrap();
        receive_on.recv_timeout(PATIENCE).unwrap();
        send.send(()).unwrap();
    });
    runtime.block_on(async {
        let first = spawn(async move {
            tell.send(()).unwrap();
            receive.recv_timeout(PATIENCE).unwrap();
        });
        for task in [first, middle, last] {
            task.await.unwrap();
        }
    });
}

/// The worker that has seen the first event blocks until the second.
#[test]
fn events_are_seen_while_the_worker_that_saw_the_last_one_is_blocked() {
    let runtime = runtime(2);
    let (send, receive) = mpsc::channel::<()>();
    let second = runtime.spawn(async move {
        sleep(Duration::from_millis(20)).await;
        send.send(()).unwrap();
    });
    let first = runtime.spawn(async move {
        sleep(Duration::from_millis(10)).await;
        receive.recv_timeout(PATIENCE).unwrap();
    });
    runtime.block_on(async {
        first.await.unwrap();
        second.await.unwrap();
    });
}

/// How often the threads whose names end so have gone to sleep.
#[cfg(all(target_os = "linux", not(miri)))]
fn sleeps(name: &str) -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let of_thread = |path: std::path::PathBuf| {
        let status = std::fs::read_to_string(path.join("status")).unwrap_or_default();
        let line = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key))?;
            Some(value.trim().to_owned())
        };
        let is_named = line("Name:").is_some_and(|its| its.ends_with(name));
        is_named.then(|| line("voluntary_ctxt_switches:").unwrap().parse::<u64>().unwrap())
    };
    threads.filter_map(|thread| of_thread(thread.unwrap().path())).sum()
}

/// The watch looks while a worker is awake, and sleeps when all sleep.
#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn the_watch_sleeps_when_all_workers_do() {
    let runtime = Builder::new().worker_threads(2).thread_name("w8").build().unwrap();
    let (send, receive) = mpsc::channel::<()>();
    let task = runtime.spawn(async move { receive.recv_timeout(PATIENCE).unwrap() });
    let start = std::time::Instant::now();
    let before = sleeps("w8-watch");
    while sleeps("w8-watch") < before + 5 {
        assert!(start.elapsed() < PATIENCE, "it does not look");
        thread::yield_now();
    }
    send.send(()).unwrap();
    runtime.block_on(task).unwrap();
    loop {
        let before = sleeps("w8-watch");
        thread::sleep(Duration::from_millis(100));
        if sleeps("w8-watch") == before {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "it looks for ever");
    }
}
