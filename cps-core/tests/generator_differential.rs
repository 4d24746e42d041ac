//! Generators against plain nested `async fn`s that hand their items over by a shared cell: the same
//! items, and the same drops in the same order, wherever the consumer stops.
#![cfg(feature = "alloc")]
#![allow(missing_docs)]

mod support;

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use cps_core::{yield_, yield_from};
use proptest::prelude::*;
use support::{Event, Log, Note, Planned, Yield, YieldOnce, text_of};

/// What a body does, one after the other.
#[derive(Clone, Debug)]
enum Action {
    Yield,
    Delegate(Vec<Action>, Place),
    /// Delegates from an asynchronous body to a synchronous one, where nothing waits.
    DelegateToSync(Vec<Action>),
    /// Calls a coroutine, where the body is asynchronous.
    Call,
    /// Awaits a future that is pending so many times, where the body is asynchronous.
    Wait(u32),
    /// Keeps a value whose drop panics, to the end of the body.
    Bomb,
    Panic,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Stack,
    Heap,
    May,
}

#[cps_core::coroutine(yields = Note, elision = "stack")]
fn sync_body(actions: Vec<Action>, log: Log) -> u32 {
    let _frame = log.note("frame");
    let mut bombs = Vec::new();
    let mut sum = 0;
    for action in actions {
        let _local = log.note("local");
        match action {
            Action::Yield => {
                yield_(log.note("item")).await;
                sum += 1;
            }
            Action::Delegate(child, place) => {
                let child = sync_body(child, log.clone());
                sum += match place {
                    Place::Stack => yield_from(child).await,
                    Place::Heap => yield_from(child.on_heap()).await,
                    Place::May => yield_from(child.inline_up_to::<64>()).await,
                };
            }
            Action::DelegateToSync(child) => sum += yield_from(sync_body(child, log.clone())).await,
            Action::Call | Action::Wait(_) => {}
            Action::Bomb => bombs.push(log.bomb("bomb")),
            Action::Panic => Planned::panic("plan", sum),
        }
    }
    sum
}

#[cps_core::coroutine]
async fn callee(log: Log) -> u32 {
    let _frame = log.note("callee");
    Yield::new(&log, 1).await;
    1
}

#[cps_core::coroutine(yields = Note, elision = "stack")]
async fn async_body(actions: Vec<Action>, log: Log) -> u32 {
    let _frame = log.note("frame");
    let mut bombs = Vec::new();
    let mut sum = 0;
    for action in actions {
        let _local = log.note("local");
        match action {
            Action::Yield => {
                yield_(log.note("item")).await;
                sum += 1;
            }
            Action::Delegate(child, place) => {
                let child = async_body(child, log.clone());
                sum += match place {
                    Place::Stack => yield_from(child).await,
                    Place::Heap => yield_from(child.on_heap()).await,
                    Place::May => yield_from(child.inline_up_to::<64>()).await,
                };
            }
            Action::DelegateToSync(child) => sum += yield_from(sync_body(child, log.clone())).await,
            Action::Call => sum += callee(log.clone()).await,
            Action::Wait(times) => Yield::new(&log, times).await,
            Action::Bomb => bombs.push(log.bomb("bomb")),
            Action::Panic => Planned::panic("plan", sum),
        }
    }
    sum
}

async fn reference_callee(log: Log) -> u32 {
    let _frame = log.note("callee");
    Yield::new(&log, 1).await;
    1
}

type Slot<'a> = &'a Cell<Option<Note>>;

fn boxed(
    actions: Vec<Action>,
    log: Log,
    slot: Slot<'_>,
    waits: bool,
) -> Pin<Box<dyn Future<Output = u32> + '_>> {
    Box::pin(reference_body(actions, log, slot, waits))
}

async fn reference_body(actions: Vec<Action>, log: Log, slot: Slot<'_>, waits: bool) -> u32 {
    let _frame = log.note("frame");
    let mut bombs = Vec::new();
    let mut sum = 0;
    for action in actions {
        let _local = log.note("local");
        match action {
            Action::Yield => {
                slot.set(Some(log.note("item")));
                YieldOnce::default().await;
                sum += 1;
            }
            Action::Delegate(child, _) => sum += boxed(child, log.clone(), slot, waits).await,
            Action::DelegateToSync(child) => sum += boxed(child, log.clone(), slot, false).await,
            Action::Call if waits => sum += reference_callee(log.clone()).await,
            Action::Wait(times) if waits => Yield::new(&log, times).await,
            Action::Call | Action::Wait(_) => {}
            Action::Bomb => bombs.push(log.bomb("bomb")),
            Action::Panic => Planned::panic("plan", sum),
        }
    }
    sum
}

#[cps_core::coroutine(yields = Note)]
fn sync_root(actions: Vec<Action>, log: Log) {
    let sum = yield_from(sync_body(actions, log.clone())).await;
    log.did("returned", sum);
}

#[cps_core::coroutine(yields = Note)]
async fn async_root(actions: Vec<Action>, log: Log) {
    let sum = yield_from(async_body(actions, log.clone())).await;
    log.did("returned", sum);
}

async fn reference_root(actions: Vec<Action>, log: Log, slot: Slot<'_>, waits: bool) {
    let sum = reference_body(actions, log.clone(), slot, waits).await;
    log.did("returned", sum);
}

/// What a poll of a stream gives; an iterator is never pending.
type Polled = Poll<Option<Note>>;

/// Polls at most so many times, then drops what `stop` drops. Panics are caught and logged.
fn consume(log: &Log, polls: usize, mut poll: impl FnMut() -> Polled, stop: impl FnOnce()) {
    for n in 0..polls as u32 {
        log.did("-- poll", n);
        match catch_unwind(AssertUnwindSafe(&mut poll)) {
            Ok(Poll::Ready(Some(item))) => log.did("got", item.id),
            Ok(Poll::Ready(None)) => {
                log.did("-- end", n);
                break;
            }
            Ok(Poll::Pending) => log.did("-- pending", n),
            Err(payload) => {
                assert!(
                    matches!(&*text_of(payload), text if text.starts_with("plan ") || text.starts_with("bomb "))
                );
                log.did("-- panicked", n);
                break;
            }
        }
    }
    log.did("-- drop", 0);
    if catch_unwind(AssertUnwindSafe(stop)).is_err() {
        log.did("-- dropped in panic", 0);
    }
}

/// The events of a run, after it was checked that nothing is lost.
fn events(polls: usize, run: impl FnOnce(&Log, usize)) -> Vec<Event> {
    let log = Log::default();
    run(&log, polls);
    log.assert_each_dropped_once();
    log.events()
}

fn of_iterator(actions: &[Action], polls: usize) -> Vec<Event> {
    events(polls, |log, polls| {
        let items = Cell::new(Some(sync_root(actions.to_vec(), log.clone()).into_iter()));
        let poll = || {
            let mut inner = items.take().unwrap();
            let item = catch_unwind(AssertUnwindSafe(|| inner.next()));
            if !matches!(item, Ok(Some(_))) {
                assert!(inner.next().is_none(), "it is fused");
                assert_eq!(inner.size_hint(), (0, Some(0)));
            }
            items.set(Some(inner));
            Poll::Ready(item.unwrap_or_else(|payload| std::panic::resume_unwind(payload)))
        };
        consume(log, polls, poll, || drop(items.take()));
    })
}

fn of_stream(actions: &[Action], polls: usize) -> Vec<Event> {
    events(polls, |log, polls| {
        let root = Cell::new(Some(Box::pin(async_root(actions.to_vec(), log.clone()).into_root())));
        let poll = || {
            let mut inner = root.take().unwrap();
            let cx = &mut Context::from_waker(Waker::noop());
            let item = catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll_next(cx)));
            if !matches!(item, Ok(Poll::Ready(Some(_)) | Poll::Pending)) {
                assert!(matches!(inner.as_mut().poll_next(cx), Poll::Ready(None)), "it is fused");
            }
            root.set(Some(inner));
            item.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
        };
        consume(log, polls, poll, || drop(root.take()));
    })
}

fn of_reference(actions: &[Action], polls: usize, waits: bool) -> Vec<Event> {
    events(polls, |log, polls| {
        let slot = Cell::new(None);
        let future = reference_root(actions.to_vec(), log.clone(), &slot, waits);
        let future = Cell::new(Some(Box::pin(future)));
        let poll = || {
            let mut inner = future.take().unwrap();
            let cx = &mut Context::from_waker(Waker::noop());
            let polled = catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(cx)));
            future.set(Some(inner));
            match polled {
                Ok(Poll::Ready(())) => Poll::Ready(None),
                Ok(Poll::Pending) => match slot.take() {
                    Some(item) => Poll::Ready(Some(item)),
                    None => Poll::Pending,
                },
                Err(payload) => std::panic::resume_unwind(payload),
            }
        };
        consume(log, polls, poll, || drop(future.take()));
    })
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let place = prop_oneof![Just(Place::Stack), Just(Place::Heap), Just(Place::May)];
    let leaf = prop_oneof![
        6 => Just(Action::Yield),
        2 => Just(Action::Call),
        2 => (0..3u32).prop_map(Action::Wait),
        1 => Just(Action::Bomb),
        1 => Just(Action::Panic),
    ];
    let action = leaf.prop_recursive(5, 40, 5, move |inner| {
        let child = prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            3 => (child.clone(), place.clone()).prop_map(|(child, place)| Action::Delegate(child, place)),
            1 => child.prop_map(Action::DelegateToSync),
            2 => inner,
        ]
    });
    prop::collection::vec(action, 0..6)
}

/// Compares for each number of polls after which the consumer stops.
fn compare(actions: &[Action]) {
    for (waits, run) in [(false, of_iterator as fn(&[Action], usize) -> _), (true, of_stream)] {
        for polls in 0.. {
            let expected = of_reference(actions, polls, waits);
            assert_eq!(run(actions, polls), expected, "{polls} polls of {actions:?}");
            if expected.iter().any(|event| matches!(event, Event::Did("-- end" | "-- panicked", _)))
            {
                break;
            }
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 128 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn generators_do_what_nested_futures_do_wherever_the_consumer_stops(actions in actions()) {
        compare(&actions);
    }
}

#[test]
fn each_kind_of_action_does_what_nested_futures_do() {
    use Action::{Bomb, Call, Delegate, DelegateToSync, Panic, Wait, Yield};
    let child = || vec![Yield, Wait(1), Call, Yield];
    for actions in [
        vec![],
        vec![Yield],
        vec![Panic],
        vec![Wait(2), Panic],
        vec![Call, Yield],
        vec![Delegate(vec![], Place::Stack), Yield],
        vec![Yield, Delegate(child(), Place::Stack), Yield],
        vec![Delegate(child(), Place::Heap), Delegate(child(), Place::May)],
        vec![DelegateToSync(child()), Yield],
        vec![Delegate(vec![Delegate(vec![Yield, Panic], Place::Heap)], Place::Stack)],
        vec![Bomb, Delegate(vec![Bomb, Yield, Bomb, Yield], Place::Stack), Yield],
    ] {
        compare(&actions);
    }
}

#[test]
fn an_item_that_nobody_takes_is_never_in_the_slot() {
    // The consumer holds every item that was yielded: those alive are those it has not dropped.
    let log = Log::default();
    let actions = vec![Action::Yield; 3];
    {
        let mut items = pin!(sync_root(actions, log.clone()).into_root());
        let first = items.next().unwrap();
        assert_eq!(log.drops(), Vec::<&str>::new());
        drop(first);
        assert_eq!(log.drops(), ["item"]);
    }
    assert_eq!(log.drops(), ["item", "local", "frame"]);
    log.assert_each_dropped_once();
}
