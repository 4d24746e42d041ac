//! `Child::abort`: one child of a scope is dropped, and nothing else.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cps_core::{local_scope, scope};
use support::gate::Gate;
use support::wakers::counting;
use support::{Log, panic_of};

fn poll_by<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

#[cps_core::coroutine]
async fn waits(log: Log, name: &'static str, gate: Gate) -> u32 {
    let _note = log.note(name);
    gate.await
}

#[test]
fn an_aborted_child_is_dropped_in_the_next_poll_and_its_siblings_run_on() {
    let (log, gates, body) = (Log::default(), support::gate::gates(40), Gate::default());
    let handles = RefCell::new(Vec::new());
    let mut scope = Box::pin(local_scope(|s| {
        for gate in &gates {
            handles.borrow_mut().push(s.spawn(waits(log.clone(), "child", gate.clone())));
        }
        body.clone()
    }));
    let (waker, counts) = counting();
    assert!(poll_by(&mut scope, &waker).is_pending());
    let before = counts.wakes();
    handles.borrow_mut().remove(20).abort();
    handles.borrow_mut().remove(0).abort();
    assert_eq!(log.drops().len(), 0, "not before the poll");
    assert_eq!(counts.wakes(), before + 1, "the scope asks for it");
    assert!(poll_by(&mut scope, &waker).is_pending());
    assert_eq!(log.drops().len(), 2);
    gates[0].nudge_if_waiting();
    gates[39].open(7);
    assert!(poll_by(&mut scope, &waker).is_pending());
    assert_eq!((gates[0].polls(), gates[1].polls(), gates[39].polls()), (1, 1, 2));
    handles.borrow_mut().clear();
    gates.iter().for_each(|gate| gate.open(1));
    body.open(2);
    while poll_by(&mut scope, &waker).is_pending() {}
    assert_eq!(gates[20].polls(), 1, "never again");
    log.assert_each_dropped_once();
}

#[test]
fn a_child_that_is_aborted_before_it_starts_is_never_polled() {
    let gate = Gate::default();
    let mut scope = Box::pin(scope(|s| {
        let gate = gate.clone();
        async move {
            s.spawn(gate).abort();
        }
    }));
    let (waker, _) = counting();
    assert!(poll_by(&mut scope, &waker).is_ready());
    assert_eq!(gate.polls(), 0);
}

#[test]
fn to_abort_a_finished_child_or_one_of_a_scope_that_is_gone_does_nothing() {
    let log = Log::default();
    let kept = RefCell::new(Vec::new());
    let mut scope = Box::pin(local_scope(|s| {
        kept.borrow_mut().push(s.spawn(ready(log.note("output"))));
        kept.borrow_mut().push(s.spawn(async { pending::<support::Note>().await }));
        ready(())
    }));
    let (waker, counts) = counting();
    assert!(poll_by(&mut scope, &waker).is_pending());
    kept.borrow_mut().remove(0).abort();
    assert_eq!(log.drops(), ["output"], "an output that nobody awaits any more");
    assert!(poll_by(&mut scope, &waker).is_pending());
    drop(scope);
    let wakes = counts.wakes();
    kept.borrow_mut().remove(0).abort();
    assert_eq!(counts.wakes(), wakes);
    log.assert_each_dropped_once();
}

#[test]
fn a_panic_in_the_drop_of_an_aborted_child_leaves_nothing_undropped() {
    let log = Log::default();
    let child = |note| async move {
        let _note = note;
        pending::<()>().await;
    };
    let bomb = Cell::new(None);
    let mut scope = Box::pin(local_scope(|s| {
        s.spawn(child(log.note("first")));
        bomb.set(Some(s.spawn(child(log.bomb("second")))));
        s.spawn(child(log.note("third")));
        child(log.note("body"))
    }));
    let (waker, _) = counting();
    assert!(poll_by(&mut scope, &waker).is_pending());
    bomb.take().unwrap().abort();
    assert!(panic_of(|| poll_by(&mut scope, &waker)).starts_with("bomb"));
    assert_eq!(log.drops(), ["second", "third", "first", "body"]);
    drop(scope);
    log.assert_each_dropped_once();
}

#[test]
fn other_threads_abort_children() {
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for _ in 0..rounds {
        let gate = Gate::default();
        std::thread::scope(|threads| {
            let run = scope(|s| {
                let child = s.spawn(gate.clone());
                threads.spawn(move || child.abort());
                ready(())
            });
            futures::executor::block_on(run);
        });
    }
}
