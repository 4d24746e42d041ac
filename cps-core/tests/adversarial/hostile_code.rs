//! Code of the user's that is called in the midst of things, and panics there: iterators, closures that make
//! coroutines, sinks, policies, consumers.
#![forbid(unsafe_code)]

use std::pin::pin;

use cps_core::interleave::{Group, Interleave, complete, sequential};
use cps_core::prefetch::{Interleaved, Policy, Prefetch, Sequential, prefetch_read};
use cps_core::{yield_, yield_from};

use crate::support::{Log, Note, Planned, drive, panic_of};
use crate::vandal::sampled;

/// Where the panic is: in which place, at which of its calls.
#[derive(Clone, Copy, Debug)]
enum At {
    Next(u32),
    Make(u32),
    Body(u32),
    Sink(u32),
    DropOfInputs,
}

const COUNT: u32 = 7;

fn all() -> Vec<At> {
    let places: [fn(u32) -> At; 4] = [At::Next, At::Make, At::Body, At::Sink];
    let all = places.into_iter().flat_map(|at| (0..COUNT).map(at)).chain([At::DropOfInputs]);
    sampled(all, 5)
}

struct Inputs {
    log: Log,
    at: At,
    next: u32,
    note: Option<Note>,
}

impl Iterator for Inputs {
    type Item = (u32, Note);

    fn next(&mut self) -> Option<Self::Item> {
        let n = self.next;
        self.next += 1;
        match self.at {
            At::Next(at) if at == n => Planned::panic("next", n),
            _ if n == COUNT => None,
            _ => Some((n, self.log.note("input"))),
        }
    }
}

fn inputs(log: &Log, at: At) -> Inputs {
    let note = match at {
        At::DropOfInputs => log.bomb("inputs"),
        _ => log.note("inputs"),
    };
    Inputs { log: log.clone(), at, next: 0, note: Some(note) }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        drop(self.note.take());
    }
}

#[cps_core::cps]
async fn callee(note: Note, n: u32, panics: bool) -> Note {
    prefetch_read(&raw const n).await;
    if panics {
        Planned::panic("body", n);
    }
    prefetch_read(&raw const n).await;
    note
}

#[cps_core::cps]
async fn lookup((n, note): (u32, Note), log: Log, panics: bool) -> (u32, Note) {
    let _local = log.note("local");
    for _ in 0..n % 3 {
        prefetch_read(&raw const n).await;
    }
    (n, callee(note, n, panics).on_stack().await)
}

/// The panic in which `$run` ends, which is given inputs, a closure that makes coroutines, and a sink.
macro_rules! panic_in {
    ($log:ident, $at:ident, ($inputs:ident, $make:ident, $sink:ident) => $run:expr) => {{
        let (log, at): (&Log, At) = (&$log, $at);
        let $inputs = inputs(log, at);
        let $make = |(n, note): (u32, Note)| {
            if matches!(at, At::Make(m) if m == n) {
                Planned::panic("make", n);
            }
            lookup((n, note), log.clone(), matches!(at, At::Body(m) if m == n))
        };
        let $sink = |(n, _note): (u32, Note)| {
            log.did("sink", n);
            if matches!(at, At::Sink(m) if m == n) {
                Planned::panic("sink", n);
            }
        };
        panic_of(|| $run)
    }};
}

fn expected(at: At) -> String {
    match at {
        At::Next(n) => format!("next {n}"),
        At::Make(n) => format!("make {n}"),
        At::Body(n) => format!("body {n}"),
        At::Sink(n) => format!("sink {n}"),
        At::DropOfInputs => "bomb 0".into(),
    }
}

#[test]
fn a_panic_in_what_an_interleaver_calls_drops_each_value_once() {
    for at in all() {
        let log = Log::default();
        let text = panic_in!(log, at, (inputs, make, sink) => {
            Interleave::<3>::run(inputs, make, |_, value| sink(value));
        });
        assert_eq!(text, expected(at));
        log.assert_each_dropped_once();

        let log = Log::default();
        let text = panic_in!(log, at, (inputs, make, sink) => {
            Interleave::<3>::run_in_order(inputs, make, sink);
        });
        assert_eq!(text, expected(at));
        log.assert_each_dropped_once();

        let log = Log::default();
        let text = panic_in!(log, at, (inputs, make, sink) => sequential(inputs, make, |_, value| sink(value)));
        assert_eq!(text, expected(at));
        log.assert_each_dropped_once();

        let log = Log::default();
        let text = panic_in!(log, at, (inputs, make, sink) => {
            drive(Interleave::<2>::batch(inputs, make, |_, value| sink(value)))
        });
        assert_eq!(text, expected(at));
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_group_is_as_new_after_any_panic() {
    for at in all() {
        let (log, boxed) = (Log::default(), Log::default());
        let mut group = Group::new(3);
        let text = panic_in!(log, at, (inputs, make, sink) => {
            group.run(inputs, |input| make(input).boxed(), |_, value| sink(value));
        });
        assert_eq!(text, expected(at));
        log.assert_each_dropped_once();
        let mut sum = 0;
        let make = |n| lookup((n, boxed.note("again")), boxed.clone(), false).boxed();
        group.run(0..COUNT, make, |_, (n, _)| sum += n);
        assert_eq!(sum, COUNT * (COUNT - 1) / 2);
        boxed.assert_each_dropped_once();
    }
}

#[derive(Clone, Copy)]
enum Odd {
    Panics,
    PanicsAfterTheHint,
    Twice,
    Never,
}

impl Policy for Odd {
    fn prefetch(self, hint: impl FnOnce() -> Prefetch) -> Prefetch {
        match self {
            Odd::Panics => Planned::panic("policy", 0),
            Odd::PanicsAfterTheHint => {
                let _hint = hint();
                Planned::panic("policy", 1)
            }
            // The one given is dropped, another is awaited.
            Odd::Twice => {
                let _offered = hint();
                prefetch_read(&0_u8)
            }
            Odd::Never => {
                let _offered = hint();
                Prefetch::skipped()
            }
        }
    }
}

#[cps_core::cps]
async fn by_policy<P: Policy>(log: Log, policy: P, n: u32) -> u32 {
    let _note = log.note("local");
    policy.prefetch_read(&raw const n).await;
    policy.prefetch_write(&raw const n).await;
    n + 1
}

#[cps_core::cps]
async fn calls_by_policy<P: Policy>(log: Log, policy: P) -> u32 {
    let _note = log.note("outer");
    by_policy(log.clone(), policy, 1).await + by_policy(log.clone(), policy, 2).on_stack().await
}

#[test]
fn a_policy_that_panics_unwinds_the_body_that_asked_it() {
    for (policy, text) in [(Odd::Panics, "policy 0"), (Odd::PanicsAfterTheHint, "policy 1")] {
        let log = Log::default();
        assert_eq!(panic_of(|| complete(calls_by_policy(log.clone(), policy))), text);
        assert_eq!(log.drops_in_panic(), ["local", "outer"]);
        log.assert_each_dropped_once();
    }
}

#[test]
fn a_policy_may_give_another_prefetch_than_the_one_it_was_offered() {
    let polls = |policy: Odd| drive(calls_by_policy(Log::default(), policy));
    assert_eq!(polls(Odd::Twice), (5, 5));
    assert_eq!(polls(Odd::Never), (5, 1));
    assert_eq!(drive(calls_by_policy(Log::default(), Interleaved)), (5, 5));
    assert_eq!(drive(calls_by_policy(Log::default(), Sequential)), (5, 1));
}

#[cps_core::cps(yields = Note)]
fn items(log: Log, name: &'static str) {
    let _local = log.note("local");
    for _ in 0..3 {
        yield_(log.note(name)).await;
    }
}

#[cps_core::cps(yields = Note)]
fn delegates(log: Log) {
    let _local = log.note("outer");
    yield_(log.note("first")).await;
    yield_from(items(log.clone(), "inner")).await;
    yield_from(items(log.clone(), "on stack").on_stack()).await;
    yield_from(items(log, "on heap").on_heap()).await;
}

#[test]
fn a_consumer_that_panics_unwinds_the_bodies_and_drops_each_item_once() {
    for at in sampled(0..10, 3) {
        for folds in [true, false] {
            let log = Log::default();
            let mut root = pin!(delegates(log.clone()).into_root());
            let mut count = 0;
            let mut consume = |_note| {
                count += 1;
                if count > at {
                    Planned::panic("consumer", at);
                }
            };
            let text = panic_of(|| match folds {
                true => root.as_mut().for_each(&mut consume),
                // By `next`: the bodies have no part in it, and the generator goes on.
                false => root.by_ref().for_each(&mut consume),
            });
            assert_eq!(text, format!("consumer {at}"));
            let rest = if folds { 0 } else { 9 - at as usize };
            assert_eq!(root.as_mut().count(), rest);
            log.assert_each_dropped_once();
        }
    }
}

#[test]
fn a_consumer_may_leave_at_any_item() {
    for at in sampled(0..10, 3) {
        let log = Log::default();
        let mut root = Box::pin(delegates(log.clone()).into_root());
        let found =
            root.as_mut().try_for_each(|note| if note.id == 2 + at { Err(note) } else { Ok(()) });
        drop((root, found));
        log.assert_each_dropped_once();
    }
}
