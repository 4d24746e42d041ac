//! Traps that combinators of futures are known for, written from their descriptions: re-polling everything,
//! endless polls, work that grows with the square of the branches, wakers that pile up.

#[path = "support/allocator.rs"]
mod allocator;
mod support;

use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cps_core::{join, race, scope, select, timeout};
use support::gate::{Gate, gates, polls};
use support::wakers::counting;

/// Allocations of this thread during `f`, and the bytes by which it left more.
fn memory<T>(f: impl FnOnce() -> T) -> (T, usize, isize) {
    let (value, counts) = allocator::during(f);
    (value, counts.allocations, counts.live)
}

#[cps_core::coroutine]
async fn leaf(gate: &Gate) -> u32 {
    gate.clone().await
}

#[test]
fn branches_that_finish_one_by_one_are_polled_twice_each_however_many_there_are() {
    let count = if cfg!(miri) { 70 } else { 2000 };
    let gates = gates(count);
    let mut joined = pin!(join(gates.iter().map(leaf).collect::<Vec<_>>()));
    let (waker, counts) = counting();
    let mut cx = Context::from_waker(&waker);
    let mut root_polls = 0;
    let mut wakes = 0;
    loop {
        root_polls += 1;
        if joined.as_mut().poll(&mut cx).is_ready() {
            break;
        }
        if let Some(gate) = gates.get(root_polls - 1) {
            gate.open(0);
        }
        wakes += 1;
        assert_eq!(counts.wakes(), wakes, "one wake for each, and none for nothing");
    }
    assert_eq!(root_polls, count + 1);
    assert_eq!(polls(&gates), vec![2; count]);
}

/// What tokio's budget does: after so many operations in one poll of the task, all futures yield.
struct Budget {
    left: Cell<u32>,
    polls: Cell<usize>,
}

impl Budget {
    const OPERATIONS: u32 = 128;

    async fn operation(&self, gate: &Gate) {
        gate.clone().await;
        poll_fn(|cx| {
            self.polls.set(self.polls.get() + 1);
            match self.left.get().checked_sub(1) {
                Some(left) => {
                    self.left.set(left);
                    Poll::Ready(())
                }
                None => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        })
        .await;
    }
}

#[test]
fn a_budget_that_makes_all_branches_yield_costs_a_share_of_it_not_its_square() {
    let count = if cfg!(miri) { 100 } else { 20_000 };
    let gates = gates(count);
    let budget = Budget { left: Cell::new(0), polls: Cell::new(0) };
    let mut joined =
        pin!(join(gates.iter().map(|gate| budget.operation(gate)).collect::<Vec<_>>()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(joined.as_mut().poll(&mut cx).is_pending());
    gates.iter().for_each(|gate| gate.open(0));
    let mut root_polls = 0;
    loop {
        root_polls += 1;
        budget.left.set(Budget::OPERATIONS);
        if joined.as_mut().poll(&mut cx).is_ready() {
            break;
        }
    }
    assert_eq!(root_polls, count.div_ceil(Budget::OPERATIONS as usize));
    assert!(budget.polls.get() <= count + root_polls * 32, "{} polls", budget.polls.get());
}

/// Never finishes, and wakes itself each time.
async fn busy(polls: &Cell<usize>) {
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[test]
fn busy_branches_neither_keep_the_executor_nor_starve_the_others() {
    for busy_branches in [1, 60, 500] {
        let (busy_polls, gate) = (Cell::new(0), Gate::default());
        let finished = Cell::new(false);
        let last = async {
            gate.clone().await;
            finished.set(true);
        };
        type Branch<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;
        let mut branches: Vec<Branch<'_>> = Vec::new();
        for _ in 0..busy_branches {
            branches.push(Box::pin(busy(&busy_polls)));
        }
        branches.push(Box::pin(last));
        let mut joined = pin!(join(branches));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(joined.as_mut().poll(&mut cx).is_pending());
        }
        assert!(busy_polls.get() <= 3 * busy_branches, "each branch once a poll at most");
        gate.open(0);
        let mut polls = 0;
        while !finished.get() {
            assert!(joined.as_mut().poll(&mut cx).is_pending());
            polls += 1;
        }
        assert!(polls <= busy_branches.div_ceil(32) + 1, "{polls} polls until its turn");
    }
}

#[test]
fn a_branch_that_feeds_another_for_ever_returns_to_the_executor() {
    // Each wakes the other: a poll that ran until nothing is woken would never end.
    let wakers: [Cell<Option<Waker>>; 2] = Default::default();
    let polls = Cell::new(0);
    let half = |own: usize| {
        let (wakers, polls) = (&wakers, &polls);
        poll_fn::<(), _>(move |cx| {
            polls.set(polls.get() + 1);
            wakers[own].set(Some(cx.waker().clone()));
            if let Some(other) = wakers[1 - own].take() {
                other.wake();
            }
            Poll::Pending
        })
    };
    let mut joined = pin!(join((half(0), half(1))));
    let (waker, counts) = counting();
    let mut cx = Context::from_waker(&waker);
    for n in 1..10 {
        assert!(joined.as_mut().poll(&mut cx).is_pending());
        assert!(polls.get() <= 2 * n);
        assert!(counts.wakes() >= n);
    }
}

#[test]
fn a_race_in_a_loop_leaves_no_wakers_behind() {
    let (long, rounds) = (Gate::default(), if cfg!(miri) { 20 } else { 1000 });
    let mut long_lived = pin!(long.clone());
    let mut live = None;
    for _ in 0..rounds {
        let short = Gate::default();
        {
            let mut race = pin!(race((long_lived.as_mut(), short.clone())));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(race.as_mut().poll(&mut cx).is_pending());
            short.open(1);
            assert_eq!(race.as_mut().poll(&mut cx), Poll::Ready(1));
        }
        drop(short);
        // What the long-lived one has of this round: its last waker.
        assert_eq!(*live.get_or_insert(allocator::live()), allocator::live());
    }
    assert_eq!(long.polls(), rounds);
}

mod allocations {
    use super::*;

    /// On a 64-bit target: what the documentation says.
    const HEAD: isize = 72;
    const SLOT: isize = 16;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn branches_that_do_not_suspend_allocate_nothing() {
        #[cps_core::coroutine]
        async fn answer(n: u32) -> u32 {
            n
        }
        let (_, allocations, _) = memory(|| {
            let mut joined = pin!(join((answer(1), answer(2), ready(3))));
            assert_eq!(poll(joined.as_mut()), Poll::Ready((1, 2, 3)));
            let mut raced = pin!(race([answer(1), answer(2)]));
            assert_eq!(poll(raced.as_mut()), Poll::Ready(1));
            let mut timed = pin!(timeout(pending::<()>(), answer(1)));
            assert_eq!(poll(timed.as_mut()), Poll::Ready(Ok(1)));
            let mut selected = pin!(select([answer(1)]));
            assert_eq!(poll(pin!(selected.as_mut().next())), Poll::Ready(Some((0, 1))));
        });
        assert_eq!(allocations, 0);
    }

    #[test]
    fn a_last_branch_that_suspends_allocates_nothing() {
        let gate = Gate::default();
        let (_, allocations, _) = memory(|| {
            let mut joined = pin!(join((ready(1), leaf(&gate))));
            assert!(poll(joined.as_mut()).is_pending());
            gate.open(2);
            assert_eq!(poll(joined.as_mut()), Poll::Ready((1, 2)));
        });
        assert_eq!(allocations, 0);
    }

    #[test]
    fn branches_that_suspend_share_one_allocation_whatever_they_do() {
        for count in [2, 60, 61, 500] {
            let gates = gates(count);
            let mut joined = pin!(join(gates.iter().map(leaf).collect::<Vec<_>>()));
            let (_, allocations, bytes) = memory(|| {
                assert!(poll(joined.as_mut()).is_pending());
                for _ in 0..5 {
                    gates.iter().for_each(Gate::nudge);
                    assert!(poll(joined.as_mut()).is_pending());
                }
            });
            assert_eq!(allocations, 1);
            if cfg!(target_pointer_width = "64") {
                assert_eq!(bytes, HEAD + SLOT * count as isize);
            }
        }
    }

    #[test]
    fn all_memory_is_freed_when_the_last_waker_goes() {
        let live = allocator::live();
        {
            let gates = gates(70);
            let kept: Vec<Waker> = {
                let mut joined = pin!(join(gates.to_vec()));
                assert!(poll(joined.as_mut()).is_pending());
                gates.iter().map(Gate::waker).collect()
            };
            drop(gates);
            kept.into_iter().for_each(Waker::wake);
        }
        assert_eq!(allocator::live(), live);
        {
            let gates = gates(40);
            let mut scope = pin!(scope(|s| {
                let gates = &gates;
                async move {
                    gates.iter().for_each(|gate| drop(s.spawn(gate.clone())));
                }
            }));
            assert!(poll(scope.as_mut()).is_pending());
            gates.iter().for_each(|gate| gate.open(0));
            assert!(poll(scope.as_mut()).is_ready());
        }
        assert_eq!(allocator::live(), live);
    }
}
