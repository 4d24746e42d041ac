//! Nothing of a runtime stays behind. One test, in a program of its own: it counts the process's descriptors.

#![cfg(all(target_os = "linux", not(loom)))]

use std::future::{pending, poll_fn};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use reactor::net::TcpListener;
use reactor::{LocalRuntime, sleep, yield_now};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_runtime_dropped_with_woken_tasks_closes_its_descriptors() {
    let before = descriptors();
    for _ in 0..20 {
        let runtime = LocalRuntime::new().unwrap();
        let (send, receive) = mpsc::channel();
        drop(runtime.spawn_local(async move {
            // Owns what refers back to the runtime.
            let _listener = TcpListener::bind(([127, 0, 0, 1], 0)).unwrap();
            let _timer = sleep(std::time::Duration::from_secs(1));
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            send.send(waker).unwrap();
            pending::<()>().await;
        }));
        runtime.block_on(yield_now());
        // The task is in the queue from other threads when the runtime goes.
        let waker = receive.recv().unwrap();
        thread::spawn(move || waker.wake()).join().unwrap();
        drop(runtime);
    }
    assert_eq!(descriptors(), before);
}
