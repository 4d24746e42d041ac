//! `scope`: children that run whatever the body awaits, and never outlive it.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use cps_core::{
    coroutine_block, join, local_scope, scope,
    scope::{Child, Scope},
};
use support::gate::{Gate, gates, polls};
use support::wakers::counting;
use support::{Log, Planned, YieldOnce, panic_of};

fn poll_by<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// Polls for as long as it is woken; gives the number of polls too.
fn run_until_idle<F: Future>(future: &mut Pin<Box<F>>) -> (Poll<F::Output>, usize) {
    let (waker, counts) = counting();
    for polls in 1..10_000 {
        let wakes = counts.wakes();
        let poll = poll_by(future, &waker);
        if poll.is_ready() || counts.wakes() == wakes {
            return (poll, polls);
        }
    }
    panic!("never idle");
}

#[cps_core::coroutine]
async fn add(to: &AtomicU32, gate: Gate) -> u32 {
    let value = gate.await;
    to.fetch_add(value, Relaxed);
    value
}

#[test]
fn children_run_while_the_body_awaits_something_else() {
    let (sum, gates, body) = (AtomicU32::new(0), gates(3), Gate::default());
    let mut scope = Box::pin(scope(|s| {
        let (sum, gates, body) = (&sum, &gates, &body);
        coroutine_block! {
            for gate in gates {
                s.spawn(add(sum, gate.clone()));
            }
            body.clone().await
        }
    }));
    assert!(run_until_idle(&mut scope).0.is_pending());
    assert_eq!(polls(&gates), [1; 3], "started in the poll that spawned them");
    gates[1].open(10);
    assert!(run_until_idle(&mut scope).0.is_pending());
    assert_eq!((sum.load(Relaxed), polls(&gates)), (10, vec![1, 2, 1]));
    assert_eq!(body.polls(), 1);
    body.open(5);
    assert!(run_until_idle(&mut scope).0.is_pending(), "two children are left");
    assert_eq!(body.polls(), 2);
    gates[2].open(1);
    gates[0].open(2);
    assert_eq!(run_until_idle(&mut scope).0, Poll::Ready(5));
    assert_eq!(sum.load(Relaxed), 13);
}

#[test]
fn a_wake_up_resumes_the_woken_child_and_no_other_among_thousands() {
    let count = if cfg!(miri) { 100 } else { 5000 };
    let gates = gates(count);
    let mut scope = Box::pin(scope(|s| {
        let gates = &gates;
        async move {
            for gate in gates {
                s.spawn(gate.clone());
            }
        }
    }));
    let (waker, counts) = counting();
    assert!(poll_by(&mut scope, &waker).is_pending());
    assert_eq!(counts.wakes(), 0);
    for (round, n) in [count - 1, 0, 17, 16, 15, count / 2].into_iter().enumerate() {
        gates[n].nudge();
        assert_eq!(counts.wakes(), round + 1);
        assert!(poll_by(&mut scope, &waker).is_pending());
        assert_eq!(gates[n].polls(), 2);
        assert_eq!(polls(&gates).iter().sum::<usize>(), count + round + 1);
    }
    gates.iter().for_each(|gate| gate.open(0));
    assert!(poll_by(&mut scope, &waker).is_ready());
}

#[test]
fn handles_are_awaited_in_any_order_by_anyone_or_dropped() {
    futures::executor::block_on(async {
        let words = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let text = scope(|s| {
            let words = &words;
            coroutine_block! {
                let [a, b, c] = [0, 1, 2].map(|n: usize| s.spawn(async move {
                    YieldOnce::default().now().await;
                    words[n].as_str()
                }));
                let last = s.spawn(async move { format!("{}{}", c.await, a.await) });
                s.spawn(ready(1)); // Nobody waits for it but the scope.
                format!("{}{}", last.await, b.await)
            }
        })
        .await;
        assert_eq!(text, "cab");
    });
}

trait Now {
    fn now(self) -> impl Future<Output = ()> + Send;
}

impl Now for YieldOnce {
    /// Yields once, and wakes itself.
    async fn now(self) {
        let mut this = self;
        std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            Pin::new(&mut this).poll(cx)
        })
        .await;
    }
}

#[test]
fn children_spawn_children() {
    fn tree<'env>(s: Scope<'env>, leaves: &'env AtomicU32, depth: u32) {
        let handle = s.clone();
        s.spawn(async move {
            YieldOnce::default().now().await;
            if depth == 0 {
                leaves.fetch_add(1, Relaxed);
            } else {
                tree(handle.clone(), leaves, depth - 1);
                tree(handle, leaves, depth - 1);
            }
        });
    }
    let leaves = AtomicU32::new(0);
    let depth = if cfg!(miri) { 4 } else { 10 };
    futures::executor::block_on(scope(|s| {
        let leaves = &leaves;
        async move { tree(s, leaves, depth) }
    }));
    assert_eq!(leaves.load(Relaxed), 1 << depth);
}

#[test]
fn a_scope_whose_children_come_and_go_keeps_the_places_of_those_that_went() {
    let live = Cell::new(0u32);
    let turns = if cfg!(miri) { 50 } else { 5000 };
    futures::executor::block_on(local_scope(|s| {
        let live = &live;
        async move {
            for _ in 0..turns {
                let children: Vec<Child<()>> = (0..3)
                    .map(|_| {
                        s.spawn(async move {
                            live.set(live.get() + 1);
                            YieldOnce::default().now().await;
                            live.set(live.get() - 1);
                        })
                    })
                    .collect();
                join(children).await;
                assert_eq!(live.get(), 0);
            }
        }
    }));
}

#[test]
fn a_dropped_scope_drops_its_children_last_first_then_the_body_at_each_suspension() {
    #[cps_core::coroutine]
    async fn child(log: Log, name: &'static str, gate: Gate) {
        let _note = log.note(name);
        gate.await;
    }
    for opened in 0..4 {
        let (log, gates) = (Log::default(), gates(3));
        let mut scope = Box::pin(scope(|s| {
            let (log, gates) = (&log, &gates);
            coroutine_block! {
                let _note = log.note("body");
                let a = s.spawn(child(log.clone(), "a", gates[0].clone()));
                let b = s.spawn(child(log.clone(), "b", gates[1].clone()));
                a.await;
                let c = s.spawn(child(log.clone(), "c", gates[2].clone()));
                join((b, c)).await;
                pending::<()>().await;
            }
        }));
        for gate in &gates[..opened] {
            assert!(run_until_idle(&mut scope).0.is_pending());
            gate.open(0);
        }
        assert!(run_until_idle(&mut scope).0.is_pending());
        drop(scope);
        log.assert_each_dropped_once();
        let expected: &[&str] = match opened {
            0 => &["b", "a", "body"],
            1 => &["a", "c", "b", "body"],
            2 => &["a", "b", "c", "body"],
            _ => &["a", "b", "c", "body"],
        };
        assert_eq!(log.drops(), expected, "{opened} opened");
    }
}

#[test]
fn a_panic_of_a_child_or_the_body_drops_the_others_and_reaches_the_joiner() {
    for by_body in [false, true] {
        let (log, gate) = (Log::default(), Gate::default());
        let branch = |name, panics: bool| {
            let (note, gate) = (log.note(name), gate.clone());
            async move {
                let _note = note;
                if panics {
                    gate.await;
                    Planned::panic("planned", 3);
                }
                pending::<()>().await;
            }
        };
        let mut scope = Box::pin(scope(|s| {
            s.spawn(branch("first", false));
            s.spawn(branch("second", !by_body));
            s.spawn(branch("third", false));
            branch("body", by_body)
        }));
        assert!(run_until_idle(&mut scope).0.is_pending());
        gate.open(0);
        assert_eq!(panic_of(|| support::poll(&mut scope)), "planned 3");
        let expected = if by_body {
            ["body", "third", "second", "first"]
        } else {
            ["second", "third", "first", "body"]
        };
        assert_eq!(log.drops(), expected);
        assert!(panic_of(|| support::poll(&mut scope)).contains("panicked"));
        drop(scope);
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_panic_in_the_drop_of_a_child_leaves_no_other_undropped() {
    for started in [false, true] {
        let log = Log::default();
        let child = |note| async move {
            let _note = note;
            pending::<()>().await;
        };
        let mut scope = Box::pin(scope(|s| {
            let (a, b, c) = (log.note("a"), log.bomb("b"), log.note("c"));
            let note = log.note("body");
            async move {
                let _note = note;
                s.spawn(child(a));
                s.spawn(child(b));
                s.spawn(child(c));
                if !started {
                    Planned::panic("body", 0);
                }
                pending::<()>().await;
            }
        }));
        if started {
            assert!(support::poll(&mut scope).is_pending());
            assert!(panic_of(|| drop(scope)).starts_with("bomb"));
            assert_eq!(log.drops(), ["c", "b", "a", "body"]);
        } else {
            assert_eq!(panic_of(|| support::poll(&mut scope)), "body 0");
            assert_eq!(log.drops(), ["body", "c", "b", "a"]);
        }
        log.assert_each_dropped_once();
    }
}

#[test]
fn the_children_of_a_forgotten_scope_never_run() {
    let (value, gate) = (Cell::new(1), Gate::default());
    let mut leaked = ManuallyDrop::new(Box::pin(local_scope(|s| {
        let (value, gate) = (&value, &gate);
        async move {
            let handle = s.spawn(async move {
                gate.clone().await;
                value.set(2);
            });
            if !cfg!(miri) {
                std::mem::forget(handle); // A leaked handle is no handle.
            }
            pending::<()>().await;
        }
    })));
    assert!(support::poll(&mut leaked).is_pending());
    gate.open(0);
    assert_eq!((value.get(), gate.polls()), (1, 1));
    if cfg!(miri) {
        drop(ManuallyDrop::into_inner(leaked)); // Miri counts leaks.
    }
    value.set(3);
}

#[test]
fn a_handle_may_outlive_the_scope_but_nothing_starts_there() {
    let (kept, child) = futures::executor::block_on(scope(|s| async move {
        let child = s.spawn(ready(7));
        (s, child)
    }));
    assert_eq!(futures::executor::block_on(child), 7);
    let log = Log::default();
    let note = log.note("refused");
    let text = panic_of(|| kept.spawn(async move { drop(note) }));
    assert!(text.contains("scope that has ended"), "{text}");
    log.assert_each_dropped_once();
}

#[test]
fn a_child_that_is_spawned_from_another_thread_wakes_the_scope() {
    let kept = Arc::new(std::sync::Mutex::new(None));
    let mut scope = Box::pin(scope(|s| {
        *kept.lock().unwrap() = Some(s);
        pending::<()>()
    }));
    let (waker, counts) = counting();
    assert!(poll_by(&mut scope, &waker).is_pending());
    let gate = Gate::default();
    std::thread::scope(|threads| {
        threads.spawn(|| drop(kept.lock().unwrap().take().unwrap().spawn(gate.clone())));
    });
    assert_eq!(counts.wakes(), 1);
    assert!(poll_by(&mut scope, &waker).is_pending());
    assert_eq!(gate.polls(), 1);
}

#[test]
fn a_scope_is_send_and_moves_between_threads() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let (sum, gates) = (AtomicU32::new(0), gates(4));
    let mut scope = assert_send(Box::pin(scope(|s| {
        let (sum, gates) = (&sum, &gates);
        coroutine_block! {
            let children: Vec<_> = gates.iter().map(|gate| s.spawn(add(sum, gate.clone()))).collect();
            join(children).await.into_iter().sum::<u32>()
        }
    })));
    assert!(support::poll(&mut scope).is_pending());
    std::thread::scope(|threads| {
        threads.spawn(|| gates.iter().for_each(|gate| gate.open(2)));
        let total = threads.spawn(move || futures::executor::block_on(scope)).join().unwrap();
        assert_eq!(total, 8);
    });
    assert_eq!(sum.load(Relaxed), 8);
}

#[test]
fn a_local_scope_takes_children_that_are_not_send() {
    let order = RefCell::new(Vec::new());
    futures::executor::block_on(local_scope(|s| {
        let order = &order;
        async move {
            let rc = std::rc::Rc::new(1);
            let first = s.spawn(async move { order.borrow_mut().push(*rc) });
            s.spawn(async move { order.borrow_mut().push(2) });
            first.await;
            order.borrow_mut().push(3);
        }
    }));
    assert_eq!(*order.borrow(), [1, 2, 3]);
}

#[test]
fn a_scope_that_was_never_polled_drops_its_body_closure() {
    let log = Log::default();
    let note = log.note("closure");
    drop(scope(|_s| async move { drop(note) }));
    assert_eq!(log.drops(), ["closure"]);
}

#[test]
fn many_children_are_dropped_in_a_loop() {
    let count = if cfg!(miri) { 100 } else { 200_000 };
    let mut scope = Box::pin(scope(|s| async move {
        for _ in 0..count {
            s.spawn(pending::<()>());
        }
        pending::<()>().await;
    }));
    assert!(support::poll(&mut scope).is_pending());
    drop(scope);
}
