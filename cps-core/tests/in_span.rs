//! Calls in spans: the events are those of `tracing`'s `Instrument` around nested futures.
#![cfg(feature = "tracing")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::future::{Future, IntoFuture};
use std::task::Poll;

use cps_core::{cps, join};
use spans::Recorder;
use support::{Fate, Log, Note, Planned, Yield, poll, run};
use tracing::{info, info_span};

/// An event when it is dropped.
struct Said(&'static str);

impl Drop for Said {
    fn drop(&mut self) {
        info!(dropped = self.0);
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Program {
    /// How often each level suspends before its call, and after.
    before: u32,
    after: u32,
    /// The level that panics, before or after its call.
    panics: Option<(u32, bool)>,
    /// The levels that have no span, one bit each.
    bare: u32,
}

macro_rules! bodies {
    ([$($attribute:tt)*] $block:ident $instrument:ident $heap:ident) => {
        use super::*;

        $($attribute)*
        pub(crate) async fn level(log: Log, program: Program, depth: u32) -> u32 {
            let _said = Said("level");
            let _note: Note = log.note("level");
            info!(depth, "in");
            for n in 0..program.before {
                Yield::new(&log, 1).await;
                info!(n, "resumed");
            }
            if program.panics == Some((depth, false)) {
                Planned::panic("before", depth);
            }
            let mut sum = 0;
            for turn in 0..2 {
                if depth == 0 || (depth > 1 && turn == 1) {
                    break;
                }
                let inner = {
                    let log = log.clone();
                    $block! {
                        let _said = Said("block");
                        let below = $heap!(level(log.clone(), program, depth - 1)).await;
                        Yield::new(&log, program.after).await;
                        info!(below, "returned");
                        below
                    }
                };
                sum += match program.bare >> depth & 1 {
                    0 => $instrument!(inner, info_span!("call", depth, turn)).await,
                    _ => inner.await,
                };
                info!(sum, "out");
            }
            if program.panics == Some((depth, true)) {
                Planned::panic("after", depth);
            }
            for n in 0..program.after {
                Yield::new(&log, 1).await;
                info!(n, "resumed again");
            }
            sum + 1
        }
    };
}

mod plain {
    macro_rules! block {
        ($($body:tt)*) => { async move { $($body)* } };
    }
    macro_rules! instrument {
        ($future:expr, $span:expr) => {
            tracing::Instrument::instrument($future, $span)
        };
    }
    macro_rules! heap {
        ($call:expr) => {
            Box::pin($call)
        };
    }
    bodies!([] block instrument heap);
}

mod stacked {
    use cps_core::{coroutine_block as block, cps};
    macro_rules! instrument {
        ($coroutine:expr, $span:expr) => {
            $coroutine.in_span($span)
        };
    }
    macro_rules! heap {
        ($call:expr) => {
            $call.on_stack()
        };
    }
    bodies!([#[cps]] block instrument heap);
}

mod boxed {
    use cps_core::{BoxCoroutine, coroutine_block as block, cps};
    macro_rules! instrument {
        ($coroutine:expr, $span:expr) => {
            $coroutine.in_span($span)
        };
    }
    fn send(log: Log, program: Program, depth: u32) -> BoxCoroutine<'static, u32> {
        level(log, program, depth).boxed()
    }
    macro_rules! heap {
        (level($log:expr, $program:expr, $depth:expr)) => {
            send($log, $program, $depth)
        };
    }
    bodies!([#[cps]] block instrument heap);
}

/// Runs it for so many polls; what becomes of it, what was recorded, and what was logged.
fn observe<F: Future<Output = u32>>(
    make: impl Fn(Log) -> F,
    polls: u32,
) -> (Fate<u32>, Vec<String>, Vec<support::Event>) {
    let (recorder, log) = (Recorder::default(), Log::default());
    let (fate, lines) = recorder.record(|| run(&log, make(log.clone()), polls));
    assert!(recorder.is_at_rest());
    log.assert_each_dropped_once();
    (fate, lines, log.events())
}

/// After how many polls to cancel; few under Miri, each of which takes it seconds.
fn cuts() -> impl Iterator<Item = u32> {
    let few = cfg!(miri).then_some([3, u32::MAX]);
    let all = few.is_none().then_some(0..);
    few.into_iter().flatten().chain(all.into_iter().flatten())
}

fn programs() -> Vec<Program> {
    let mut programs = vec![];
    let all = if cfg!(miri) { vec![(1, 1)] } else { vec![(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)] };
    for (before, after) in all {
        for bare in if cfg!(miri) { 0..1 } else { 0..8 } {
            let bare = bare << 1;
            programs.push(Program { before, after, panics: None, bare });
            for level in if cfg!(miri) { 1..2 } else { 0..4 } {
                for at_end in if cfg!(miri) { vec![true] } else { vec![false, true] } {
                    programs.push(Program { before, after, panics: Some((level, at_end)), bare });
                }
            }
        }
    }
    programs
}

#[test]
fn the_events_are_those_of_instrumented_futures() {
    let depth = if cfg!(miri) { 1 } else { 3 };
    for program in programs() {
        for polls in cuts() {
            let plain = observe(|log| plain::level(log, program, depth), polls);
            let stacked = observe(|log| stacked::level(log, program, depth), polls);
            assert_eq!(plain, stacked, "{program:?}, {polls} polls");
            if !cfg!(miri) {
                let boxed = observe(|log| boxed::level(log, program, depth), polls);
                assert_eq!(plain, boxed, "{program:?}, {polls} polls");
            }
            if !matches!(plain.0, Fate::Cancelled) {
                break;
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "the events above are of a recursion, too")]
fn a_deep_recursion_enters_and_leaves_as_nested_futures_do() {
    let depth = 60;
    let program = Program { before: 0, after: 0, panics: None, bare: 0 };
    for program in [program, Program { before: 1, ..program }] {
        let plain = observe(|log| plain::level(log, program, depth), u32::MAX);
        assert_eq!(plain, observe(|log| stacked::level(log, program, depth), u32::MAX));
        assert_eq!(plain, observe(|log| boxed::level(log, program, depth), u32::MAX));
    }
}

#[test]
fn branches_and_tasks_have_spans_of_their_own() {
    let program = Program { before: 1, after: 1, panics: None, bare: 2 };
    let branches = |level: fn(Log, Program, u32) -> support_future::Boxed| {
        observe(
            move |log| async move {
                let outer = info_span!("outer");
                let both =
                    async { join((level(log.clone(), program, 2), level(log, program, 1))).await };
                let (a, b) = tracing::Instrument::instrument(both, outer).await;
                a + b
            },
            u32::MAX,
        )
    };
    let plain = branches(|log, program, depth| Box::pin(plain::level(log, program, depth)));
    let direct = branches(|log, program, depth| Box::pin(stacked::level(log, program, depth)));
    assert_eq!(plain, direct);

    let tasks = |level: fn(Log, Program, u32) -> support_future::Boxed| {
        let (recorder, log) = (Recorder::default(), Log::default());
        recorder.record(|| {
            let mut tasks = [level(log.clone(), program, 2), level(log, program, 2)];
            while tasks.iter_mut().fold(false, |any, task| any | poll(task).is_pending()) {}
        })
    };
    let plain = tasks(|log, program, depth| Box::pin(plain::level(log, program, depth)));
    let direct = tasks(|log, program, depth| Box::pin(stacked::level(log, program, depth)));
    assert_eq!(plain, direct);
}

mod support_future {
    pub(crate) type Boxed = std::pin::Pin<Box<dyn Future<Output = u32>>>;
}

/// A join in a call that has a span, in the chain.
#[cps]
async fn joins(log: Log, program: Program) -> u32 {
    let both = cps_core::coroutine_block! {
        let (a, b) = join((stacked::level(log.clone(), program, 2), stacked::level(log, program, 1))).await;
        info!("joined");
        a + b
    };
    both.in_span(info_span!("outer")).await
}

async fn plain_joins(log: Log, program: Program) -> u32 {
    let both = async move {
        let (a, b) =
            join((plain::level(log.clone(), program, 2), plain::level(log, program, 1))).await;
        info!("joined");
        a + b
    };
    tracing::Instrument::instrument(both, info_span!("outer")).await
}

#[test]
fn a_join_in_a_span_and_its_cancellation() {
    for before in if cfg!(miri) { 1..2 } else { 0..2 } {
        let program = Program { before, after: 1, panics: None, bare: 2 };
        for polls in cuts() {
            let plain = observe(|log| plain_joins(log, program), polls);
            assert_eq!(plain, observe(|log| joins(log, program), polls), "{polls} polls");
            if !matches!(plain.0, Fate::Cancelled) {
                break;
            }
        }
    }
}

#[test]
fn awaited_elsewhere_it_is_an_instrumented_future() {
    let program = Program { before: 1, after: 0, panics: None, bare: 0 };
    let plain = observe(
        |log| tracing::Instrument::instrument(plain::level(log, program, 1), info_span!("root")),
        u32::MAX,
    );
    let direct = observe(
        |log| stacked::level(log, program, 1).in_span(info_span!("root")).into_future(),
        u32::MAX,
    );
    assert_eq!(plain, direct);
}

#[test]
fn the_callers_are_in_the_backtrace_and_the_gate_is_not() {
    #[cps]
    async fn waits() {
        std::future::pending().await
    }
    #[cps]
    async fn calls() {
        waits().in_span(info_span!("waits")).await
    }
    let ((), _) = Recorder::default().record(|| {
        let mut root = Box::pin(calls());
        assert_eq!(poll(&mut root), Poll::Pending);
        let backtrace = root.backtrace();
        let lines: Vec<_> =
            backtrace.frames().iter().map(|frame| frame.location().map(|at| at.line())).collect();
        assert_eq!(backtrace.frames().len(), 2);
        assert!(backtrace.frames()[0].function().ends_with("waits"));
        assert!(lines[1].is_some());
    });
}

/// Whatever call of the subscriber's panics, nothing is dropped twice or not at all.
#[test]
fn a_subscriber_may_panic() {
    let program = Program { before: 1, after: 1, panics: None, bare: 0 };
    for call in (1..200).step_by(if cfg!(miri) { 97 } else { 1 }) {
        for polls in if cfg!(miri) { vec![100] } else { vec![0, 1, 2, 3, 5, 100] } {
            let (recorder, log) = (Recorder::panicking_at(call), Log::default());
            recorder.record(|| run(&log, stacked::level(log.clone(), program, 2), polls));
            log.assert_each_dropped_once();
        }
    }
}
