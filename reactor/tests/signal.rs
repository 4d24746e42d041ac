//! Signals, which this process sends to itself. Each test has a signal of its own: all are of the process.

#![cfg(all(unix, feature = "signal", not(loom)))]

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use reactor::signal::{Signal, SignalKind, ctrl_c, signal};
use reactor::{Builder, LocalRuntime, block_on, spawn, timeout, yield_now};
use signal_hook::low_level::raise;

use common::panics;

const SOON: Duration = Duration::from_millis(20);

fn send(kind: SignalKind) {
    raise(kind.as_raw()).unwrap();
}

async fn has_none(signal: &mut Signal) -> bool {
    timeout(SOON, signal.recv()).await.is_err()
}

#[test]
fn each_receiver_receives_it_in_its_runtime() {
    let multi = Builder::new().worker_threads(2).build().unwrap();
    let mut of_multi = multi.block_on(async { signal(SignalKind::user_defined1()).unwrap() });
    block_on(async {
        let mut one = signal(SignalKind::user_defined1()).unwrap();
        let mut two = signal(SignalKind::user_defined1()).unwrap();
        assert!(has_none(&mut one).await);
        send(SignalKind::user_defined1());
        one.recv().await.unwrap();
        two.recv().await.unwrap();
        assert!(has_none(&mut one).await && has_none(&mut two).await);
    });
    multi.block_on(async { spawn(async move { of_multi.recv().await }).await.unwrap().unwrap() });
}

#[test]
fn signals_before_a_recv_are_one() {
    block_on(async {
        let mut signals = signal(SignalKind::user_defined2()).unwrap();
        for count in [1, 63, 64, 65, 10_000] {
            for _ in 0..count {
                send(SignalKind::user_defined2());
            }
            signals.recv().await.unwrap();
            assert!(has_none(&mut signals).await, "{count}");
        }
        // It goes on.
        send(SignalKind::user_defined2());
        signals.recv().await.unwrap();
    });
}

#[test]
fn a_signal_wakes_a_task_that_waits() {
    block_on(async {
        let task = spawn(ctrl_c());
        yield_now().await;
        yield_now().await;
        assert!(!task.is_finished());
        std::thread::spawn(|| send(SignalKind::interrupt())).join().unwrap();
        task.await.unwrap().unwrap();
        // The process does not end by it, either, when nobody waits any more.
        send(SignalKind::interrupt());
    });
}

#[test]
fn after_the_end_of_the_runtime_it_is_an_error() {
    let runtime = LocalRuntime::new().unwrap();
    let mut hangups = runtime.block_on(async { signal(SignalKind::hangup()).unwrap() });
    drop(runtime);
    assert!(block_on(hangups.recv()).is_err());
    assert_eq!(format!("{hangups:?}"), format!("Signal({:?})", SignalKind::hangup()));
}

#[test]
fn what_cannot_be_received_is_an_error() {
    block_on(async {
        for number in signal_hook::consts::FORBIDDEN {
            let error = signal(SignalKind::from_raw(*number)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert!(signal(SignalKind::from_raw(10_000)).is_err());
    });
    let text = panics(|| drop(signal(SignalKind::alarm())));
    assert!(text.contains("`signal` needs a runtime"), "{text}");
}
