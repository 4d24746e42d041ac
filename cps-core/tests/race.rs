//! `race`, `select` and `timeout`: who wins, what becomes of the losers, and when.

mod support;

use std::cell::Cell;
use std::future::{Future, IntoFuture, pending, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use cps_core::{
    concurrent::{Select, UniformBranches},
    race, select, timeout,
};
use support::gate::{Gate, gates, polls};
use support::wakers::counting;
use support::{Log, Planned, panic_of};

fn poll_by<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[cps_core::coroutine]
async fn outer(log: Log, name: &'static str, gate: Gate) -> u32 {
    let _note = log.note(name);
    inner(log.clone(), gate).await
}

#[cps_core::coroutine]
async fn inner(log: Log, gate: Gate) -> u32 {
    let _note = log.note("inner");
    gate.await
}

#[test]
fn the_losers_of_a_race_are_dropped_in_order_innermost_first_before_it_is_ready() {
    for winner in 0..3 {
        let (log, gates) = (Log::default(), gates(3));
        let mut race = pin!(race((
            outer(log.clone(), "a", gates[0].clone()),
            outer(log.clone(), "b", gates[1].clone()),
            outer(log.clone(), "c", gates[2].clone()),
        )));
        assert!(poll_by(race.as_mut(), Waker::noop()).is_pending());
        gates[winner].open(7);
        assert_eq!(poll_by(race.as_mut(), Waker::noop()), Poll::Ready(7));
        let names = ["a", "b", "c"];
        let mut expected = vec!["inner", names[winner]];
        for loser in (0..3).filter(|&n| n != winner) {
            expected.extend(["inner", names[loser]]);
        }
        assert_eq!(log.drops(), expected);
        log.assert_each_dropped_once();
        assert!(panic_of(|| poll_by(race.as_mut(), Waker::noop())).contains("finished"));
    }
}

#[test]
fn branches_behind_one_that_is_ready_at_once_are_never_started() {
    let gate = Gate::default();
    let polled = |race: Pin<&mut dyn Future<Output = u32>>| poll_by(race, Waker::noop());
    assert_eq!(polled(pin!(race((ready(1), gate.clone())))), Poll::Ready(1));
    assert_eq!(polled(pin!(race(vec![ready(1), ready(2)]))), Poll::Ready(1));
    assert_eq!(gate.polls(), 0);
}

#[test]
fn a_race_without_branches_is_refused() {
    assert!(panic_of(|| race(Vec::<std::future::Ready<()>>::new())).contains("no winner"));
}

#[test]
fn a_loser_woken_in_a_race_is_resumed_alone() {
    let gates = gates(100);
    let mut race = pin!(race(gates.to_vec()));
    let (waker, counts) = counting();
    assert!(poll_by(race.as_mut(), &waker).is_pending());
    gates[40].nudge();
    assert!(poll_by(race.as_mut(), &waker).is_pending());
    assert_eq!(polls(&gates).iter().sum::<usize>(), 101);
    gates[99].open(1);
    gates[3].open(2);
    assert_eq!(poll_by(race.as_mut(), &waker), Poll::Ready(1), "woken first");
    assert_eq!(counts.wakes(), 2);
    assert_eq!((counts.live(), counts.clones()), (2, 1), "a wake calls the waker that is kept");
}

mod selection {
    use super::*;

    fn next<S: UniformBranches>(
        select: Pin<&mut Select<S>>,
        waker: &Waker,
    ) -> Poll<Option<(usize, S::Output)>> {
        select.poll_next(&mut Context::from_waker(waker))
    }

    #[test]
    fn outputs_come_in_the_order_of_wakes_and_losers_are_kept() {
        let gates = gates(70);
        let mut select = pin!(select(gates.to_vec()));
        let (waker, counts) = counting();
        assert!(next(select.as_mut(), &waker).is_pending());
        for n in [5, 2, 69] {
            gates[n].open(n as u32);
        }
        assert_eq!(counts.wakes(), 1);
        for n in [5, 2, 69] {
            assert_eq!(next(select.as_mut(), &waker), Poll::Ready(Some((n, n as u32))));
        }
        assert_eq!(select.len(), 67);
        assert!(next(select.as_mut(), &waker).is_pending());
        assert!(
            polls(&gates)
                .iter()
                .enumerate()
                .all(|(n, &polls)| { polls == if [5, 2, 69].contains(&n) { 2 } else { 1 } })
        );
        gates.iter().for_each(|gate| gate.open(0));
        for _ in 0..67 {
            assert!(matches!(next(select.as_mut(), &waker), Poll::Ready(Some(_))));
        }
        for _ in 0..2 {
            assert_eq!(next(select.as_mut(), &waker), Poll::Ready(None));
        }
        assert!(select.is_empty());
    }

    #[test]
    fn a_branch_that_is_ready_at_once_does_not_keep_the_next_from_starting_later() {
        let gate = Gate::default();
        let mut select = pin!(select((ready(1), gate.clone(), ready(3))));
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((0, 1))));
        assert_eq!(gate.polls(), 0);
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((2, 3))));
        assert_eq!(gate.polls(), 1);
        gate.open(2);
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((1, 2))));
    }

    #[test]
    fn losers_run_while_something_else_is_awaited_beside_them() {
        let (gates, other) = (gates(3), Gate::default());
        let mut select = pin!(select(gates.to_vec()));
        assert!(next(select.as_mut(), Waker::noop()).is_pending());
        {
            let (waker, counts) = counting();
            let mut during = pin!(select.as_mut().during(other.clone()));
            assert!(poll_by(during.as_mut(), &waker).is_pending());
            for (n, wakes) in [(1, 1), (2, 2)] {
                gates[n].open(n as u32 + 10);
                assert_eq!(counts.wakes(), wakes);
                assert!(poll_by(during.as_mut(), &waker).is_pending());
            }
            assert_eq!(polls(&gates), [1, 2, 2]);
            assert_eq!(other.polls(), 1, "not polled for the others' sake");
            other.open(5);
            assert_eq!(poll_by(during.as_mut(), &waker), Poll::Ready(5));
        }
        assert_eq!(select.len(), 3);
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((1, 11))));
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((2, 12))));
        assert!(next(select.as_mut(), Waker::noop()).is_pending());
        assert_eq!(gates[0].polls(), 1);
        gates[0].open(10);
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((0, 10))));
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(None));
    }

    #[test]
    fn a_dropped_next_or_during_loses_nothing() {
        let gates = gates(2);
        let mut select = pin!(select(gates.to_vec()));
        {
            let mut waiting = pin!(select.as_mut().next());
            assert!(poll_by(waiting.as_mut(), Waker::noop()).is_pending());
        }
        gates[1].open(1);
        {
            let mut waiting = pin!(select.as_mut().during(pending::<()>()));
            assert!(poll_by(waiting.as_mut(), Waker::noop()).is_pending());
        }
        assert_eq!(next(select.as_mut(), Waker::noop()), Poll::Ready(Some((1, 1))));
        assert!(next(select.as_mut(), Waker::noop()).is_pending());
    }

    #[test]
    fn a_panic_of_a_loser_during_something_else_reaches_it_with_all_else_dropped() {
        let (log, gate) = (Log::default(), Gate::default());
        let branch = |name, panics: bool| {
            let (note, gate) = (log.note(name), gate.clone());
            async move {
                let _note = note;
                if panics {
                    gate.await;
                    Planned::panic("planned", 1);
                }
                pending::<()>().await
            }
        };
        let mut select = pin!(select([branch("first", false), branch("second", true)]));
        let other = {
            let note = log.note("other");
            async move {
                let _note = note;
                pending::<()>().await
            }
        };
        let mut during = Box::pin(select.as_mut().during(other));
        assert!(support::poll(&mut during).is_pending());
        gate.open(0);
        assert_eq!(panic_of(|| support::poll(&mut during)), "planned 1");
        assert_eq!(log.drops(), ["second", "first", "other"]);
        drop(during);
        log.assert_each_dropped_once();
        let again = panic_of(|| next(select.as_mut(), Waker::noop()));
        assert!(again.contains("panicked"), "{again}");
    }
}

mod timeouts {
    use super::*;

    #[test]
    fn a_wake_up_by_the_deadline_does_not_poll_the_body_nor_the_other_way_round() {
        let (body, deadline) = (Gate::default(), Gate::default());
        let mut timeout = pin!(timeout(deadline.clone(), body.clone()));
        let poll = |t: Pin<&mut _>| poll_by(t, Waker::noop());
        assert!(poll(timeout.as_mut()).is_pending());
        deadline.nudge();
        assert!(poll(timeout.as_mut()).is_pending());
        assert_eq!((body.polls(), deadline.polls()), (1, 2));
        body.nudge();
        assert!(poll(timeout.as_mut()).is_pending());
        assert_eq!((body.polls(), deadline.polls()), (2, 2));
        deadline.open(0);
        body.open(9);
        assert_eq!(poll(timeout.as_mut()), Poll::Ready(Ok(9)), "the body wins");
        assert_eq!(deadline.polls(), 2);
    }

    #[test]
    fn a_body_that_is_late_is_dropped_before_the_error_arrives() {
        let (log, gate, deadline) = (Log::default(), Gate::default(), Gate::default());
        let mut timeout = Box::pin(timeout(deadline.clone(), outer(log.clone(), "body", gate)));
        assert!(support::poll(&mut timeout).is_pending());
        deadline.open(0);
        match support::poll(&mut timeout) {
            Poll::Ready(Err(elapsed)) => assert_eq!(elapsed.to_string(), "deadline has elapsed"),
            other => panic!("{other:?}"),
        }
        assert_eq!(log.drops(), ["inner", "body"]);
    }

    #[test]
    fn a_stack_of_timeouts_holds_its_body_once() {
        async fn large() -> u8 {
            let buffer = [1u8; 4096];
            pending::<()>().await;
            buffer[7]
        }
        let one = timeout(pending::<()>(), large());
        let three = timeout(pending::<()>(), timeout(pending::<()>(), large()));
        let sizes = (size_of_val(&one), size_of_val(&three));
        drop((one, three));
        assert!(sizes.0 < 4096 + 128 && sizes.1 < 4096 + 256, "{sizes:?}");
    }
}

#[test]
fn a_race_in_a_body_is_resumed_without_its_callers() {
    let (resumes, gates) = (Cell::new(0), gates(2));
    #[cps_core::coroutine]
    async fn top(resumes: &Cell<u32>, gates: Vec<Gate>) -> u32 {
        let value = middle(resumes, gates).await;
        resumes.set(resumes.get() + 100);
        value
    }
    #[cps_core::coroutine]
    async fn middle(resumes: &Cell<u32>, gates: Vec<Gate>) -> u32 {
        let value = race(gates).await;
        resumes.set(resumes.get() + 1);
        value
    }
    let mut root = Box::pin(top(&resumes, gates.clone()).into_future());
    assert!(support::poll(&mut root).is_pending());
    for _ in 0..5 {
        gates[1].nudge();
        assert!(support::poll(&mut root).is_pending());
    }
    assert_eq!((resumes.get(), polls(&gates)), (0, vec![1, 6]));
    gates[0].open(4);
    assert_eq!(support::poll(&mut root), Poll::Ready(4));
    assert_eq!(resumes.get(), 101);
}
