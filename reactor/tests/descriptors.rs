//! System calls and descriptors, counted. One test, in a program of its own: it counts those of the process.

#![cfg(all(target_os = "linux", not(loom)))]

use std::future::{pending, poll_fn};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use reactor::net::UdpSocket;
use reactor::{LocalRuntime, block_on, sleep, yield_now};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// `write` system calls of this process.
fn writes() -> u64 {
    let counters = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = counters.lines().find_map(|line| line.strip_prefix("syscw: "));
    line.unwrap().parse().unwrap()
}

#[test]
fn counted() {
    what_outlives_a_runtime_keeps_no_descriptor_of_it();
    a_wake_of_an_executor_that_is_not_parked_writes_nothing();
    a_sleep_of_thirty_days_does_not_spin();
}

fn what_outlives_a_runtime_keeps_no_descriptor_of_it() {
    const RUNTIMES: usize = 20;
    let before = descriptors();
    let (mut survivors, mut wakers) = (Vec::new(), Vec::new());
    for _ in 0..RUNTIMES {
        let runtime = LocalRuntime::new().unwrap();
        survivors.push(runtime.block_on(async {
            let root = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let socket = UdpSocket::bind(([127, 0, 0, 1], 0)).unwrap();
            let mut timer = Box::pin(sleep(Duration::from_secs(3600)));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(timer.as_mut().poll(&mut cx).is_pending());
            yield_now().await;
            (root, socket, timer)
        }));
        let (send, receive) = std::sync::mpsc::channel();
        drop(runtime.spawn_local(async move {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            send.send(waker).unwrap();
            pending::<()>().await;
        }));
        runtime.block_on(yield_now());
        wakers.push(receive.recv().unwrap());
    }
    assert_eq!(descriptors(), before + RUNTIMES, "the sockets themselves");
    survivors.iter().for_each(|(root, ..)| root.wake_by_ref());
    wakers.iter().for_each(Waker::wake_by_ref);
    drop(survivors);
    assert_eq!(descriptors(), before);
}

fn a_wake_of_an_executor_that_is_not_parked_writes_nothing() {
    block_on(async {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let before = writes();
        for _ in 0..10 {
            let waker = waker.clone();
            // This thread is inside a poll meanwhile.
            thread::spawn(move || (0..100).for_each(|_| waker.wake_by_ref())).join().unwrap();
            yield_now().await;
        }
        assert_eq!(writes(), before);
    });
    // One that is parked is told, by one write. On a slow machine it parks later than it is woken: then again.
    let mut pause = Duration::from_millis(50);
    loop {
        let before = writes();
        woken_after(pause, |_| ());
        let written = writes() - before;
        assert!(written <= 1, "{written} writes");
        if written == 1 {
            break;
        }
        pause *= 2;
    }
}

/// Runs a runtime that a thread wakes after `pause`, and that does `f` in each poll.
fn woken_after(pause: Duration, mut f: impl FnMut(&mut Context<'_>)) {
    let mut thread = None;
    block_on(poll_fn(|cx| {
        f(cx);
        if thread.is_some() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        thread = Some(thread::spawn(move || {
            thread::sleep(pause);
            waker.wake();
        }));
        Poll::Pending
    }));
    thread.unwrap().join().unwrap();
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of the type that the function writes.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn a_sleep_of_thirty_days_does_not_spin() {
    let rests = |pause| {
        let mut days = None;
        let before = processor_time();
        woken_after(pause, |cx| {
            let month = || Box::pin(sleep(Duration::from_secs(30 * 24 * 3600)));
            assert!(days.get_or_insert_with(month).as_mut().poll(cx).is_pending());
        });
        processor_time() - before < pause / 4
    };
    // What it costs besides is less than a part of the longest, on any machine.
    assert!([200, 2_000, 20_000].map(Duration::from_millis).into_iter().any(rests));
}
