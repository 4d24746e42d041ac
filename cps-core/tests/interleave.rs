//! The interleaver against a model: who is resumed when, whatever the group, the inputs and the
//! lengths; and what is left after a panic, an early drop, or a leak at any moment.

mod support;

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use cps_core::interleave::{Group, Interleave, sequential};
use cps_core::prefetch::{Interleaved, Policy, Sequential};
use proptest::prelude::*;
use support::ring::{Model, Script, suspending};
use support::{Event, Log, Note, Planned, panic_of, poll};

fn did(log: &Log, what: &'static str, index: u32, step: u32, script: Script) {
    log.did(what, index);
    if script.panics == Some(step) {
        Planned::panic("script", index);
    }
}

/// Suspends in a callee, and owns values at both levels.
#[cps_core::coroutine]
async fn play<P: Policy>(log: &Log, index: u32, script: Script, policy: P) -> (u32, Note) {
    let result = log.note("result");
    did(log, "start", index, 0, script);
    for step in 1..=script.suspensions {
        let _local = log.note("local");
        suspend_in_callee(log, policy).await;
        did(log, "resume", index, step, script);
    }
    (index, result)
}

#[cps_core::coroutine]
async fn suspend_in_callee<P: Policy>(log: &Log, policy: P) {
    let local = log.note("callee's");
    policy.prefetch_read(&local.id).await;
}

/// A frame on the chain's frame stack and one on the heap, above `play`.
#[cps_core::coroutine]
async fn play_elsewhere(log: &Log, index: u32, script: Script) -> (u32, Note) {
    play_on_stack(log, index, script).on_heap().await
}

#[cps_core::coroutine]
async fn play_on_stack(log: &Log, index: u32, script: Script) -> (u32, Note) {
    play(log, index, script, Interleaved).on_stack().await
}

/// What was done, without the drops.
fn deeds(log: &Log) -> Vec<(&'static str, u32)> {
    let deed = |event: &Event| match *event {
        Event::Did(what, index) => Some((what, index)),
        Event::Dropped { .. } => None,
    };
    log.events().iter().filter_map(deed).collect()
}

fn scripts(panics: bool) -> impl Strategy<Value = Vec<Script>> {
    let step = if panics {
        prop_oneof![4 => Just(None), 1 => (0..4_u32).prop_map(Some)].boxed()
    } else {
        Just(None).boxed()
    };
    let script = (prop_oneof![Just(0), 0..4_u32, 0..12_u32], step)
        .prop_map(|(suspensions, panics)| Script { suspensions, panics });
    proptest::collection::vec(script, 0..if cfg!(miri) { 8 } else { 40 })
}

fn inputs(scripts: &[Script]) -> impl Iterator<Item = (u32, Script)> + '_ {
    (0..).zip(scripts.iter().copied())
}

/// The sink of all tests: the index is that of the input.
fn put(log: &Log) -> impl FnMut(usize, (u32, Note)) + '_ {
    |index, (value, note)| {
        assert_eq!(u32::try_from(index), Ok(value));
        assert_eq!(note.name, "result");
        log.did("sink", value);
    }
}

/// The four forms with a coroutine of the given function.
fn run_each_form(scripts: &[Script], size: usize) {
    let expected = [Model::as_they_come(scripts, size), Model::in_order(scripts, size)];
    for (in_order, expected) in [false, true].into_iter().zip(expected) {
        for elsewhere in [false, true] {
            let log = Log::default();
            if elsewhere {
                let mut group = Group::new(size);
                let make = |(index, script)| play_elsewhere(&log, index, script);
                if in_order {
                    group.run_in_order(inputs(scripts), make, |(value, _note)| {
                        log.did("sink", value)
                    });
                } else {
                    group.run(inputs(scripts), make, put(&log));
                }
            } else {
                let mut group = Group::new(size);
                let make = |(index, script)| play(&log, index, script, Interleaved);
                if in_order {
                    drive_batch(pin!(group.batch_in_order(inputs(scripts), make, put(&log))));
                } else {
                    drive_batch(pin!(group.batch(inputs(scripts), make, put(&log))));
                }
            }
            assert_eq!(deeds(&log), expected, "in order: {in_order}");
            log.assert_each_dropped_once();
        }
    }
}

fn drive_batch(mut batch: Pin<&mut impl Future<Output = ()>>) {
    let (waker, counts) = support::wakers::counting();
    let mut polls = 0;
    while batch.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        polls += 1;
        assert_eq!(counts.wakes(), polls, "a batch that can go on wakes itself once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Every chain is started, resumed and delivered exactly when the model says so.
    #[test]
    fn chains_take_turns_in_their_places(scripts in scripts(false), size in 1..20_usize) {
        run_each_form(&scripts, size);
    }

    #[test]
    fn the_sequential_form_runs_one_after_the_other(scripts in scripts(false)) {
        let log = Log::default();
        let make = |(index, script)| play(&log, index, script, Interleaved);
        sequential(inputs(&scripts), make, put(&log));
        prop_assert_eq!(deeds(&log), Model::as_they_come(&scripts, 1));
        log.assert_each_dropped_once();
    }

    /// Whatever panics, everything is dropped once, and the group is as new.
    #[test]
    fn a_panic_leaves_nothing_behind(
        scripts in scripts(true),
        size in 1..8_usize,
        in_order in any::<bool>(),
    ) {
        let (log, again) = (Log::default(), Log::default());
        let make = |(index, script)| play(&log, index, script, Interleaved);
        let mut group = Group::new(size);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            if in_order {
                group.run_in_order(inputs(&scripts), make, |_| {});
            } else {
                group.run(inputs(&scripts), make, put(&log));
            }
        }));
        log.assert_each_dropped_once();
        let will_panic =
            |script: &Script| script.panics.is_some_and(|step| step <= script.suspensions);
        prop_assert_eq!(ended.is_err(), scripts.iter().any(will_panic));

        let sound: Vec<Script> = scripts.iter().map(|script| suspending(script.suspensions)).collect();
        let make = |(index, script)| play(&again, index, script, Interleaved);
        group.run(inputs(&sound), make, put(&again));
        prop_assert_eq!(deeds(&again), Model::as_they_come(&sound, size));
        again.assert_each_dropped_once();
    }
}

/// Pending until the root is polled again, by [`support::run`] or [`poll_root`], whoever polls this
/// in between.
struct NextPoll {
    log: Log,
    since: usize,
}

fn root_polls(log: &Log) -> usize {
    deeds(log).iter().filter(|deed| deed.0 == "-- root poll").count()
}

fn poll_root<F: Future>(log: &Log, future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    log.did("-- root poll", 0);
    poll(future)
}

impl NextPoll {
    fn new(log: &Log) -> Self {
        NextPoll { log: log.clone(), since: root_polls(log) }
    }
}

impl Future for NextPoll {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if root_polls(&self.log) > self.since { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A coroutine that waits for something else than its turn.
#[cps_core::coroutine]
async fn leave(log: &Log, index: u32, script: Script) -> (u32, Note) {
    let result = log.note("result");
    did(log, "start", index, 0, script);
    for step in 1..=script.suspensions {
        let _local = log.note("local");
        NextPoll::new(log).await;
        did(log, "resume", index, step, script);
    }
    (index, result)
}

#[test]
fn a_batch_may_be_dropped_after_any_poll() {
    let scripts: Vec<Script> = (0..7).map(|n| suspending(n % 4)).collect();
    for polls in 0..12 {
        for in_order in [false, true] {
            let log = Log::default();
            let make = |(index, script)| leave(&log, index, script);
            let fate = if in_order {
                support::run(
                    &log,
                    Interleave::<3>::batch_in_order(inputs(&scripts), make, put(&log)),
                    polls,
                )
            } else {
                support::run(&log, Interleave::<3>::batch(inputs(&scripts), make, put(&log)), polls)
            };
            log.assert_each_dropped_once();
            // As they come, the last one starts in the third poll, in the place of the sixth; in
            // order in the fourth, in that of the fourth. It takes two more.
            let ended = polls >= if in_order { 6 } else { 5 };
            let expected =
                if ended { support::Fate::Returned(()) } else { support::Fate::Cancelled };
            assert_eq!(fate, expected, "after {polls} polls");
        }
    }
}

#[test]
fn chains_are_dropped_in_the_order_of_their_places_each_from_the_inside() {
    #[cps_core::coroutine]
    async fn outer(log: &Log, names: [&'static str; 2]) {
        let _local = log.note(names[0]);
        inner(log, names[1]).await;
    }
    #[cps_core::coroutine]
    async fn inner(log: &Log, name: &'static str) {
        let _local = log.note(name);
        NextPoll::new(log).await;
    }
    let log = Log::default();
    {
        let held = log.note("inputs");
        let names = [["0 outer", "0 inner"], ["1 outer", "1 inner"]].into_iter();
        let names = names.inspect(move |_| assert_eq!(held.id, 0));
        let mut batch =
            Box::pin(Interleave::<2>::batch(names, |names| outer(&log, names), |_, ()| {}));
        assert!(poll_root(&log, &mut batch).is_pending());
    }
    assert_eq!(log.drops(), ["0 inner", "0 outer", "1 inner", "1 outer", "inputs"]);
}

#[test]
fn if_a_drop_panics_the_other_chains_are_dropped_all_the_same() {
    #[cps_core::coroutine]
    async fn armed(log: &Log, index: u32) {
        let _outer = log.note("outer");
        let _bomb = if index == 0 { log.bomb("bomb") } else { log.note("dud") };
        let _inner = log.note("inner");
        NextPoll::new(log).await;
    }
    let log = Log::default();
    let mut group = Group::new(3);
    {
        let mut batch = Box::pin(group.batch(0..3, |index| armed(&log, index), |_, ()| {}));
        assert!(poll_root(&log, &mut batch).is_pending());
        assert_eq!(panic_of(move || drop(batch)), "bomb 1");
    }
    log.assert_each_dropped_once();
    assert_eq!(log.drops().len(), 9);
    // And the group can be used again.
    let mut batch = Box::pin(group.batch(5..6, |index| armed(&log, index), |_, ()| {}));
    assert!(poll_root(&log, &mut batch).is_pending());
    assert!(poll_root(&log, &mut batch).is_ready());
    drop(batch);
    log.assert_each_dropped_once();
}

#[test]
fn a_group_drops_what_a_forgotten_batch_left_in_it() {
    let log = Log::default();
    let scripts = [suspending(3), suspending(0), suspending(2), suspending(1)];
    for use_again in [false, true] {
        let mut group = Group::new(2);
        let mut batch = group.batch_in_order(
            inputs(&scripts),
            |(index, script)| leave(&log, index, script),
            put(&log),
        );
        // SAFETY: the batch is forgotten, and its memory, which is only that of the references in
        // it, is not used again. Its places are the group's.
        let pinned = unsafe { Pin::new_unchecked(&mut batch) };
        assert!(pinned.poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        std::mem::forget(batch);
        // Moved, with chains in its places.
        let mut group = Box::new(group);
        if use_again {
            group.run(
                [(9, suspending(0))],
                |(index, script)| leave(&log, index, script),
                |index, (value, _)| {
                    assert_eq!((index, value), (0, 9));
                },
            );
        }
        drop(group);
        log.assert_each_dropped_once();
    }
}

/// The four callbacks, each of which panics at some call.
#[test]
fn a_panic_of_a_callback_leaves_nothing_behind() {
    let scripts: Vec<Script> = (0..8).map(|n| suspending(n % 3)).collect();
    for guilty in ["inputs", "make", "sink"] {
        for at in 0..8 {
            for in_order in [false, true] {
                let log = Log::default();
                let accuse = |who, index: u32| {
                    if who == guilty && index == at {
                        Planned::panic(who, index);
                    }
                };
                let inputs = inputs(&scripts).inspect(|(index, _)| accuse("inputs", *index));
                let make = |(index, script)| {
                    accuse("make", index);
                    play(&log, index, script, Interleaved)
                };
                let panicked = panic_of(|| {
                    if in_order {
                        let sink = |(index, _note): (u32, Note)| accuse("sink", index);
                        Interleave::<3>::run_in_order(inputs, make, sink);
                    } else {
                        let sink = |_, (index, _note): (u32, Note)| accuse("sink", index);
                        Interleave::<3>::run(inputs, make, sink);
                    }
                });
                assert_eq!(panicked, format!("{guilty} {at}"));
                log.assert_each_dropped_once();
            }
        }
    }
}

#[test]
fn a_batch_that_has_ended_or_panicked_panics_when_it_is_polled() {
    const TEXT: &str = "a batch was polled after it had ended";
    let log = Log::default();
    let make = |(index, script)| play(&log, index, script, Interleaved);
    let mut ended = Box::pin(Interleave::<2>::batch([(0, suspending(1))], make, put(&log)));
    assert!(poll(&mut ended).is_ready());
    assert_eq!(panic_of(|| poll(&mut ended)), TEXT);

    let scripts = [(0, Script { suspensions: 2, panics: Some(1) }), (1, suspending(5))];
    let mut panicked = Box::pin(Interleave::<2>::batch(scripts, make, put(&log)));
    assert_eq!(panic_of(|| poll(&mut panicked)), "script 0");
    log.assert_each_dropped_once(); // at once, not when the batch is dropped
    assert_eq!(panic_of(|| poll(&mut panicked)), TEXT);
}

/// An iterator that knows nothing of its length, and must not be asked after its end.
struct Unfused<I>(Option<I>);

impl<I: Iterator> Iterator for Unfused<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = self.0.as_mut().expect("asked after the end").next();
        if item.is_none() {
            self.0 = None;
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

#[test]
fn inputs_may_be_of_any_length_and_are_not_asked_after_their_end() {
    for length in [0, 1, 2, 3, 4, 5, 17] {
        let scripts = vec![suspending(2); length];
        let log = Log::default();
        let make = |(index, script)| play(&log, index, script, Interleaved);
        Interleave::<3>::run(Unfused(Some(inputs(&scripts))), make, put(&log));
        assert_eq!(deeds(&log), Model::as_they_come(&scripts, 3));
        let log = Log::default();
        let make = |(index, script)| play(&log, index, script, Interleaved);
        Interleave::<3>::run_in_order(Unfused(Some(inputs(&scripts))), make, |(index, _)| {
            log.did("sink", index)
        });
        assert_eq!(deeds(&log), Model::in_order(&scripts, 3));
    }
}

#[test]
fn the_constant_form_does_what_the_other_one_does() {
    let scripts: Vec<Script> = (0..30).map(|n| suspending(n * 7 % 5)).collect();
    let log = Log::default();
    let make = |(index, script)| play(&log, index, script, Interleaved);
    Interleave::<4>::run(inputs(&scripts), make, put(&log));
    assert_eq!(deeds(&log), Model::as_they_come(&scripts, 4));
}

#[test]
fn boxed_coroutines_of_several_types_share_a_group() {
    let log = Log::default();
    let scripts: Vec<Script> = (0..12).map(|n| suspending(n * 5 % 4)).collect();
    for in_order in [false, true] {
        let log = Log::default();
        let make =
            |(index, script): (u32, Script)| -> cps_core::LocalBoxCoroutine<'_, (u32, Note)> {
                if index % 2 == 0 {
                    play_elsewhere(&log, index, script).boxed_local()
                } else {
                    play(&log, index, script, Interleaved).boxed_local()
                }
            };
        if in_order {
            Interleave::<3>::run_in_order(inputs(&scripts), make, |(index, _)| {
                log.did("sink", index)
            });
            assert_eq!(deeds(&log), Model::in_order(&scripts, 3));
        } else {
            Interleave::<3>::run(inputs(&scripts), make, put(&log));
            assert_eq!(deeds(&log), Model::as_they_come(&scripts, 3));
        }
        log.assert_each_dropped_once();
    }
    // And when they are dropped half-way.
    let make = |(index, script)| leave(&log, index, script).boxed_local();
    let mut batch = Box::pin(Interleave::<3>::batch(inputs(&scripts), make, put(&log)));
    assert!(poll_root(&log, &mut batch).is_pending());
    drop(batch);
    log.assert_each_dropped_once();
}

#[test]
fn a_group_of_no_places_is_refused() {
    #[cps_core::coroutine]
    async fn at_once() {}
    let panicked = panic_of(|| {
        let mut group = Group::new(0);
        group.run(0..1, |_| at_once(), |_, ()| {});
    });
    assert_eq!(panicked, "a group has at least one place");
}

#[test]
fn under_the_sequential_policy_nothing_suspends() {
    let log = Log::default();
    let script = suspending(9);
    let (_, polls) = support::drive(play(&log, 0, script, Sequential).into_future());
    assert_eq!(polls, 1);
    let (_, polls) = support::drive(play(&log, 0, script, Interleaved).into_future());
    assert_eq!(polls, 10);
}
