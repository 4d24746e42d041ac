//! `join` and `try_join`: what is polled, when, and with which waker.

mod support;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, IntoFuture, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use cps_core::{join, try_join};
use support::gate::{Gate, gates, polls};
use support::wakers::counting;
use support::{Log, Yield};

#[cps_core::coroutine]
async fn outer(gate: Gate, resumes: &Cell<u32>) -> u32 {
    let value = inner(gate).await;
    resumes.set(resumes.get() + 1);
    value + 1
}

#[cps_core::coroutine]
async fn inner(gate: Gate) -> u32 {
    gate.await
}

#[test]
fn a_wake_up_resumes_the_woken_branches_and_no_other() {
    for count in [2, 60, 61, 1000] {
        let gates = gates(count);
        let resumes = Cell::new(0);
        let branches: Vec<_> = gates.iter().map(|gate| outer(gate.clone(), &resumes)).collect();
        let mut joined = pin!(join(branches));
        let (waker, counts) = counting();
        let mut cx = Context::from_waker(&waker);
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        let mut expected = vec![1; count];
        assert_eq!(polls(&gates), expected);
        for round in 0..3 {
            let index = (round * 17 + 1) % count;
            gates[index].nudge();
            assert_eq!(counts.wakes(), round + 1);
            assert!(joined.as_mut().poll(&mut cx).is_pending());
            expected[index] += 1;
            assert_eq!(polls(&gates), expected);
        }
        // A poll for nothing polls nothing.
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        assert_eq!(polls(&gates), expected);
        for (index, gate) in gates.iter().enumerate() {
            gate.open(index as u32);
        }
        assert_eq!(counts.wakes(), 4, "many wakes of a sleeping joiner are one");
        match joined.as_mut().poll(&mut cx) {
            Poll::Ready(values) => assert!(values.into_iter().eq(1..=count as u32)),
            Poll::Pending => panic!("all were woken"),
        }
        assert_eq!(resumes.get(), count as u32);
        expected.iter_mut().for_each(|n| *n += 1);
        assert_eq!(polls(&gates), expected);
    }
}

#[test]
fn branches_of_many_kinds_are_joined_in_their_order() {
    #[cps_core::coroutine]
    async fn text(s: &str) -> String {
        s.to_owned()
    }
    futures::executor::block_on(async {
        assert_eq!(join((text("a"), ready(1), async { 'c' })).await, ("a".to_owned(), 1, 'c'));
        assert_eq!(join([ready(1), ready(2)]).await, [1, 2]);
        assert_eq!(join(Vec::<std::future::Ready<u32>>::new()).await, []);
        assert_eq!(join([(); 0].map(ready)).await, []);
        assert_eq!(join((text("alone"),)).await, ("alone".to_owned(),));
        let () = join(()).await;
        assert_eq!(try_join(()).await, Ok(()));
        assert_eq!(try_join([(); 0].map(|()| ready(Ok::<u32, ()>(1)))).await, Ok([]));
        assert_eq!(try_join(Vec::<std::future::Ready<Result<u32, ()>>>::new()).await, Ok(vec![]));
        let one = || ready(1);
        assert_eq!(
            join((
                one(),
                one(),
                one(),
                one(),
                one(),
                one(),
                one(),
                one(),
                one(),
                one(),
                one(),
                one()
            ))
            .await,
            (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
        );
    });
}

#[test]
fn a_join_of_nothing_is_ready_once_and_in_a_coroutine_too() {
    #[cps_core::coroutine]
    async fn nothing() -> Result<(), Infallible> {
        join(()).await;
        join((join(()), join([(); 0].map(ready)))).await;
        try_join(()).await
    }
    assert_eq!(futures::executor::block_on(nothing()), Ok(()));

    let mut joined = pin!(join(()));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(joined.as_mut().poll(&mut cx), Poll::Ready(()));
    let again = catch_unwind(AssertUnwindSafe(|| joined.as_mut().poll(&mut cx)));
    assert!(again.is_err(), "polled after it was ready");
}

#[test]
fn woken_branches_are_resumed_in_the_order_of_their_wakes() {
    let order = RefCell::new(Vec::new());
    let gates = gates(100);
    let branches = gates.iter().enumerate().map(|(n, gate)| {
        let order = &order;
        async move {
            gate.clone().await;
            order.borrow_mut().push(n);
        }
    });
    let mut joined = pin!(join(branches.collect::<Vec<_>>()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    for n in [70, 3, 99, 0] {
        gates[n].open(0);
    }
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    assert_eq!(*order.borrow(), [70, 3, 99, 0]);
}

#[test]
fn a_branch_woken_during_a_poll_comes_with_the_next_one() {
    for count in [2, 100] {
        let gates = gates(count);
        let polled = Cell::new(0);
        // Each branch, when woken, wakes the first.
        let branches = gates.iter().map(|gate| {
            let (first, polled) = (&gates[0], &polled);
            async move {
                gate.clone().await;
                polled.set(polled.get() + 1);
                first.open(0);
            }
        });
        let mut joined = pin!(join(branches.collect::<Vec<_>>()));
        let (waker, counts) = counting();
        let mut cx = Context::from_waker(&waker);
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        gates[1].open(0);
        assert_eq!(counts.wakes(), 1);
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        assert_eq!(polled.get(), 1);
        assert_eq!(counts.wakes(), 2, "the joiner asks for another poll");
        let done = joined.as_mut().poll(&mut cx).is_ready();
        assert_eq!(polled.get(), 2);
        assert_eq!(done, count == 2);
    }
}

#[test]
fn a_wake_after_completion_or_drop_does_nothing_and_keeps_nothing_but_the_wake_state() {
    for count in [2, 100] {
        let gates = gates(count);
        let log = Log::default();
        let (waker, counts) = counting();
        let mut cx = Context::from_waker(&waker);
        let mut joined = Box::pin(join(
            gates
                .iter()
                .map(|gate| {
                    let (gate, note) = (gate.clone(), log.note("branch"));
                    async move {
                        gate.await;
                        drop(note);
                    }
                })
                .collect::<Vec<_>>(),
        ));
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        let kept: Vec<Waker> = gates.iter().map(Gate::waker).collect();
        assert_eq!(counts.live(), 2, "the joiner's set has one");
        gates[0].open(0);
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        kept[0].wake_by_ref(); // Its branch has finished.
        assert_eq!(counts.wakes(), 2);
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        assert_eq!(gates[0].polls(), 2);
        drop(joined);
        assert_eq!(log.drops().len(), count);
        assert_eq!(counts.live(), 1, "the task's waker is not kept");
        for waker in &kept {
            waker.wake_by_ref();
            let other = waker.clone();
            other.wake();
        }
        assert_eq!(counts.wakes(), 2);
        drop(gates);
        kept.into_iter().rev().for_each(Waker::wake);
        assert_eq!((counts.live(), counts.wakes()), (1, 2));
    }
}

#[test]
fn the_wakers_of_a_branch_are_equal_and_those_of_two_are_not() {
    let gates = gates(3);
    let mut joined = pin!(join(gates.to_vec()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    let first: Vec<Waker> = gates.iter().map(Gate::waker).collect();
    gates.iter().for_each(Gate::nudge);
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    assert_eq!(polls(&gates), [2; 3]);
    for (a, gate) in gates.iter().enumerate() {
        for (b, waker) in first.iter().enumerate() {
            assert_eq!(gate.waker().will_wake(waker), a == b);
        }
    }
}

#[test]
fn the_last_branch_alone_is_polled_with_the_executors_own_waker() {
    let gate = Gate::default();
    let mut joined = pin!(join((ready(1), ready(2), gate.clone())));
    let (waker, counts) = counting();
    let mut cx = Context::from_waker(&waker);
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    assert!(gate.waker().will_wake(&waker));
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    assert_eq!(gate.polls(), 2);
    gate.open(3);
    assert_eq!(counts.wakes(), 1);
    assert_eq!(joined.as_mut().poll(&mut cx), Poll::Ready((1, 2, 3)));
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let gates = gates(2);
    let mut joined = pin!(join((gates[0].clone(), gates[1].clone())));
    let (old, old_counts) = counting();
    let (new, new_counts) = counting();
    assert!(joined.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
    assert!(joined.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
    assert_eq!(old_counts.clones(), 1, "an equal waker is not cloned again");
    assert!(joined.as_mut().poll(&mut Context::from_waker(&new)).is_pending());
    assert_eq!((old_counts.live(), new_counts.live()), (1, 2));
    gates[1].open(0);
    assert_eq!((old_counts.wakes(), new_counts.wakes()), (0, 1));
}

#[test]
fn a_waker_may_be_lent_to_other_threads_before_there_is_a_set() {
    let kept = Mutex::new(Vec::new());
    let branch = || {
        poll_fn(|cx| {
            let first = kept.lock().unwrap().len() < 4;
            let lent = cx.waker();
            std::thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| {
                        let clone = lent.clone();
                        assert!(!first || clone.will_wake(&clone.clone()));
                        kept.lock().unwrap().push(clone);
                    });
                }
            });
            if first { Poll::Pending } else { Poll::Ready(()) }
        })
    };
    let mut joined = pin!(join((branch(), branch())));
    let (waker, counts) = counting();
    let mut cx = Context::from_waker(&waker);
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    let wakers = std::mem::take(&mut *kept.lock().unwrap());
    assert!(wakers[0].will_wake(&wakers[1]) && wakers[2].will_wake(&wakers[3]));
    *kept.lock().unwrap() = wakers.clone();
    wakers.into_iter().for_each(Waker::wake);
    assert_eq!(counts.wakes(), 1);
    assert!(joined.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn a_branch_that_only_wakes_itself_is_resumed_once_a_poll() {
    let log = Log::default();
    let mut joined = pin!(join((Yield::new(&log, 3), Yield::new(&log, 1), pending::<()>())));
    let (waker, counts) = counting();
    let mut cx = Context::from_waker(&waker);
    let mut seen = 0;
    for expected in [2, 2, 1, 1, 0] {
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        let polls = log.events().iter().filter(|e| format!("{e:?}").starts_with("leaf")).count();
        assert_eq!(polls - seen, expected);
        seen = polls;
    }
    assert_eq!(counts.wakes(), 3, "woken for each poll that finds work, and no other");
}

#[test]
fn a_branch_alone_among_many_that_wakes_itself_each_time_is_heard_each_time() {
    for count in [2, 60, 61, 200] {
        let busy_polls = Cell::new(0);
        let busy = || {
            poll_fn(|cx| {
                busy_polls.set(busy_polls.get() + 1);
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
        };
        let branches = (0..count).map(|n| {
            let busy = busy();
            async move { if n == 1 { busy.await } else { pending().await } }
        });
        let mut joined = pin!(join(branches.collect::<Vec<_>>()));
        let (waker, counts) = counting();
        let mut cx = Context::from_waker(&waker);
        for n in 1..10 {
            assert!(joined.as_mut().poll(&mut cx).is_pending());
            assert_eq!((busy_polls.get(), counts.wakes()), (n, n));
        }
    }
}

#[test]
fn a_try_join_without_an_error_gives_all_values() {
    futures::executor::block_on(async {
        let ok = |n: u32| ready(Ok::<_, String>(n));
        assert_eq!(try_join((ok(1), ready(Ok::<_, String>('b')))).await, Ok((1, 'b')));
        assert_eq!(try_join([ok(1), ok(2)]).await, Ok([1, 2]));
        assert_eq!(try_join(vec![ok(1), ok(2)]).await, Ok(vec![1, 2]));
        let failed = try_join(vec![ok(1), ready(Err("no".to_owned()))]).await;
        assert_eq!(failed, Err("no".to_owned()));
    });
}

#[test]
fn a_join_is_send_if_its_branches_are() {
    fn assert_send<T: Send>(_: &T) {}
    #[cps_core::coroutine]
    async fn branch(gate: Gate) -> u32 {
        gate.await
    }
    let joined = join((branch(Gate::default()), branch(Gate::default())));
    assert_send(&joined);
    let all = join(vec![branch(Gate::default()).into_future()]);
    assert_send(&all);
}

#[test]
fn a_join_moves_between_threads_while_other_threads_wake_its_branches() {
    let rounds = if cfg!(miri) { 2 } else { 50 };
    for _ in 0..rounds {
        for count in [3, 100] {
            let gates = gates(if cfg!(miri) { count.min(66) } else { count });
            let branches: Vec<_> = gates.to_vec();
            let expected: Vec<u32> = (0..gates.len() as u32).collect();
            std::thread::scope(|threads| {
                threads.spawn(|| {
                    for (n, gate) in gates.iter().enumerate().rev() {
                        gate.open(n as u32);
                    }
                });
                let sum = threads
                    .spawn(move || {
                        let mut joined = Box::pin(join(branches));
                        match joined.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                            Poll::Ready(all) => all,
                            Poll::Pending => std::thread::scope(|inner| {
                                inner
                                    .spawn(move || futures::executor::block_on(joined))
                                    .join()
                                    .unwrap()
                            }),
                        }
                    })
                    .join()
                    .unwrap();
                assert_eq!(sum, expected);
            });
        }
    }
}
