//! A system that gives no more threads. One test, in a program of its own: it sets a limit of the process.

#![cfg(all(target_os = "linux", not(loom), not(miri)))]

mod common;

use std::sync::mpsc;
use std::thread;

use common::panics;
use reactor::{LocalRuntime, spawn_blocking};

/// Limits the memory of the process to what it has and a mebibyte: less than the stack of a thread.
fn limit_memory() {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    set_limit(pages * 4096 + (1 << 20));
}

/// Whether the limit keeps threads from starting. (An emulator does not heed it.)
fn limit_counts() -> bool {
    limit_memory();
    let started = thread::Builder::new().spawn(|| ());
    set_limit(libc::RLIM_INFINITY);
    assert!(started.is_err() || cfg!(target_arch = "aarch64"), "a thread starts without memory");
    started.is_err()
}

fn set_limit(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer is to a live value of the type that the function reads.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[test]
fn a_function_waits_for_a_thread_that_is_there_and_panics_if_there_is_none() {
    if !limit_counts() {
        println!("SKIPPED: limits of memory are not heeded here");
        return;
    }
    let runtime = LocalRuntime::new().unwrap();
    runtime.block_on(async {
        limit_memory();
        let text = panics(|| drop(spawn_blocking(|| ())));
        assert!(text.contains("no thread"), "{text}");
        set_limit(libc::RLIM_INFINITY);

        let (go, wait) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel();
        let first = spawn_blocking(move || {
            started.send(()).unwrap();
            wait.recv()
        });
        start.recv().unwrap();
        limit_memory();
        let second = spawn_blocking(|| 2);
        assert!(!second.is_finished());
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(second.await.unwrap(), 2);
        // What looks at the process at its end has a thread, too.
        set_limit(libc::RLIM_INFINITY);
    });
}
