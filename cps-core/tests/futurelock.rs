//! The deadlock of Oxide's RFD 609 ("futurelock"), written from its description: a task awaits a lock
//! while a future that it keeps, but does not poll, is the next in the queue for that lock.
//!
//! Each form runs in a process of its own, which the test kills if it does not end.
#![cfg(not(miri))]

use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cps_core::{coroutine_block, race, scope, select};
use tokio::sync::{Mutex, oneshot};

const CASE: &str = "FUTURELOCK_CASE";
/// What a process says when the second operation is about to wait for the lock.
const WAITING: &str = "the second operation waits for the lock";
const DONE: &str = "both operations are done";

type Lock = Arc<Mutex<u32>>;

/// An operation that needs the lock.
#[cps_core::coroutine]
async fn operation(lock: Lock) {
    *lock.lock().await += 1;
}

/// The second arm is ready after the first operation has queued for the lock. Then the task that holds
/// it is told to release it: the next in the queue is the first operation.
async fn second_arm(release: oneshot::Sender<()>) {
    tokio::task::yield_now().await;
    release.send(()).expect("the holder waits");
    println!("{WAITING}");
}

/// The program as it is usually written.
async fn tokio_select(lock: Lock, release: oneshot::Sender<()>) {
    let mut first = Box::pin(async { operation(lock.clone()).await });
    tokio::select! {
        biased;
        () = &mut first => unreachable!("the lock is held"),
        () = second_arm(release) => {
            operation(lock.clone()).await; // `first` owns the lock by now, and is not polled.
        }
    }
    first.await;
}

/// The first operation is a child: it runs whatever the body awaits.
#[cps_core::coroutine]
async fn child_of_a_scope(lock: Lock, release: oneshot::Sender<()>) {
    let lock = &lock;
    scope(|s| {
        coroutine_block! {
            let mut first = s.spawn(operation(lock.clone()));
            let child_first = race((
                async { (&mut first).await; true },
                async { second_arm(release).await; false },
            ))
            .await;
            assert!(!child_first, "the lock is held");
            operation(lock.clone()).await;
            first.await;
        }
    })
    .await;
}

/// The same with tokio's own macro around the handle.
#[cps_core::coroutine]
async fn child_in_tokio_select(lock: Lock, release: oneshot::Sender<()>) {
    let lock = &lock;
    scope(|s| async move {
        let mut first = s.spawn(operation(lock.clone()));
        tokio::select! {
            biased;
            () = &mut first => unreachable!("the lock is held"),
            () = second_arm(release) => operation(lock.clone()).await,
        }
        first.await;
    })
    .await;
}

/// The loser is kept, and runs during what is awaited next.
#[cps_core::coroutine]
async fn kept_loser(lock: Lock, release: oneshot::Sender<()>) {
    let mut first = pin!(select([operation(lock.clone())]));
    let first_won = race((async { first.as_mut().next().await.is_some() }, async {
        second_arm(release).await;
        false
    }))
    .await;
    assert!(!first_won, "the lock is held");
    first.as_mut().during(operation(lock.clone())).await;
    assert_eq!(first.as_mut().next().await, Some((0, ())));
}

async fn program(case: &str) {
    let lock = Lock::default();
    let (held, is_held) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let background = lock.clone();
    tokio::spawn(async move {
        let guard = background.lock().await;
        held.send(()).expect("the program waits");
        let _ = released.await;
        drop(guard);
    });
    is_held.await.expect("the holder has started");
    match case {
        "tokio_select" => tokio_select(lock.clone(), release).await,
        "child_of_a_scope" => child_of_a_scope(lock.clone(), release).await,
        "child_in_tokio_select" => child_in_tokio_select(lock.clone(), release).await,
        "kept_loser" => kept_loser(lock.clone(), release).await,
        _ => pending().await,
    }
    assert_eq!(*lock.lock().await, 2);
    println!("{DONE}");
}

#[test]
#[ignore = "one form, run by the others in a process of its own"]
fn one_form() {
    let Ok(case) = std::env::var(CASE) else { return };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(program(&case));
}

/// Whether the form ends within `limit` from where its second operation waits for the lock.
fn ends(case: &str, limit: Duration) -> bool {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_form", "--ignored", "--nocapture"])
        .env(CASE, case)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(WAITING) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "{case}: ended too early");
    }
    let start = Instant::now();
    let status = loop {
        match process.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if start.elapsed() > limit => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let Some(status) = status else {
        process.kill().unwrap();
        process.wait().unwrap();
        return false;
    };
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(status.success() && rest.contains(DONE), "{case}: {status}, {rest}");
    true
}

/// Whether this program can start itself: not under an emulator of another processor.
fn can_start_itself() -> bool {
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output();
    let can = listed.is_ok_and(|listed| listed.stdout.starts_with(b"a_tokio_select"));
    if !can {
        println!("SKIPPED: the program cannot start itself here");
    }
    can
}

#[test]
fn a_tokio_select_that_keeps_a_queued_future_never_ends() {
    if !can_start_itself() {
        return;
    }
    assert!(!ends("tokio_select", Duration::from_secs(1)));
}

#[test]
fn the_same_program_ends_with_children_of_a_scope_and_with_losers_that_are_kept_running() {
    if !can_start_itself() {
        return;
    }
    for case in ["child_of_a_scope", "child_in_tokio_select", "kept_loser"] {
        assert!(ends(case, Duration::from_secs(60)), "{case} does not end");
    }
}
