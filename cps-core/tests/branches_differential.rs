//! Generated branches do the same under `join`, `try_join`, `race` and `select` as under the combinators of
//! `futures`: the same results and drops, and never more polls.

mod support;

use std::cell::RefCell;
use std::future::{Future, IntoFuture, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::StreamExt;
use futures::future::{join_all, select_all, try_join_all};
use futures::stream::FuturesUnordered;
use proptest::prelude::*;

use cps_core::{join, race, select, try_join};
use support::Log;
use support::wakers::counting;

const EVENTS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Suspends, having woken itself.
    Yield,
    /// Suspends until the event has come.
    Wait(usize),
    /// Makes it come.
    Fire(usize),
}

#[derive(Clone, Debug)]
struct Script {
    ops: Vec<Op>,
    fails: bool,
}

#[derive(Default)]
struct World {
    come: [bool; EVENTS],
    waiting: [Vec<Waker>; EVENTS],
    /// Of each branch: how often it was polled, and how often it suspended.
    polls: Vec<usize>,
    suspensions: Vec<usize>,
    log: Log,
}

type Shared = Rc<RefCell<World>>;

fn fire(world: &Shared, event: usize) {
    let waiting = {
        let mut world = world.borrow_mut();
        world.come[event] = true;
        std::mem::take(&mut world.waiting[event])
    };
    waiting.into_iter().for_each(Waker::wake);
}

macro_rules! bodies {
    ($name:ident, $($attr:tt)*) => {
        $($attr)*
        async fn $name(world: Shared, branch: usize, script: Script) -> Result<usize, usize> {
            let _note = { let world = world.borrow(); world.log.note("branch") };
            for op in script.ops {
                step(&world, branch, op).await;
            }
            if script.fails { Err(branch) } else { Ok(branch) }
        }
    };
}

bodies!(plain,);
bodies!(direct, #[cps_core::coroutine]);

async fn step(world: &Shared, branch: usize, op: Op) {
    let mut first = true;
    poll_fn(|cx| {
        let is_first = std::mem::replace(&mut first, false);
        let ready = match op {
            Op::Fire(event) => {
                fire(world, event);
                true
            }
            Op::Yield if is_first => {
                cx.waker().wake_by_ref();
                false
            }
            Op::Yield => true,
            Op::Wait(event) => {
                let mut world = world.borrow_mut();
                let come = world.come[event];
                if !come && !world.waiting[event].iter().any(|w| w.will_wake(cx.waker())) {
                    world.waiting[event].push(cx.waker().clone());
                }
                come
            }
        };
        if ready {
            return Poll::Ready(());
        }
        if is_first {
            world.borrow_mut().suspensions[branch] += 1;
        }
        Poll::Pending
    })
    .await;
}

/// Counts the polls of a branch.
async fn counted<F: Future>(world: Shared, branch: usize, future: F) -> F::Output {
    let mut future = Box::pin(future);
    // By move: `JoinAll` breaks references into its elements, as Stacked Borrows sees it.
    poll_fn(move |cx| {
        world.borrow_mut().polls[branch] += 1;
        future.as_mut().poll(cx)
    })
    .await
}

fn world(scripts: &[Script]) -> Shared {
    let (polls, suspensions) = (vec![0; scripts.len()], vec![0; scripts.len()]);
    Rc::new(RefCell::new(World { polls, suspensions, ..World::default() }))
}

/// What became of a run: the result unless it got stuck or was dropped, polls, and drops.
struct Fate<T> {
    output: Option<T>,
    root_polls: usize,
    world: Shared,
}

impl<T> Fate<T> {
    fn polls(&self) -> Vec<usize> {
        self.world.borrow().polls.clone()
    }

    fn drops(&self) -> Vec<u32> {
        let events = self.world.borrow().log.events();
        let id = |event: &support::Event| match *event {
            support::Event::Dropped { id, .. } => Some(id),
            support::Event::Did(..) => None,
        };
        events.iter().filter_map(id).collect()
    }
}

/// Polls when woken; makes the events of `schedule` come when nothing is; drops after `limit` polls.
fn run<F: Future>(
    scripts: &[Script],
    schedule: &[usize],
    limit: usize,
    make: impl FnOnce(&Shared) -> F,
) -> Fate<F::Output> {
    let world = world(scripts);
    let mut future = Box::pin(make(&world));
    let (waker, counts) = counting();
    let mut schedule = schedule.iter();
    let (mut root_polls, mut answered) = (0, None);
    let output = loop {
        if answered == Some(counts.wakes()) {
            match schedule.next() {
                Some(&event) => fire(&world, event),
                None => break None,
            }
            continue;
        }
        if root_polls == limit {
            break None;
        }
        answered = Some(counts.wakes());
        root_polls += 1;
        assert!(root_polls < 10_000, "it never ends");
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            break Some(output);
        }
    };
    drop(future);
    world.borrow().log.assert_each_dropped_once();
    Fate { output, root_polls, world }
}

fn ours(
    world: &Shared,
    scripts: &[Script],
) -> Vec<impl Future<Output = Result<usize, usize>> + use<>> {
    let branch = |(n, script): (usize, &Script)| {
        let root = direct(world.clone(), n, script.clone()).into_future();
        counted(world.clone(), n, root)
    };
    scripts.iter().enumerate().map(branch).collect()
}

fn theirs(
    world: &Shared,
    scripts: &[Script],
) -> Vec<impl Future<Output = Result<usize, usize>> + use<>> {
    let branch = |(n, script): (usize, &Script)| {
        counted(world.clone(), n, plain(world.clone(), n, script.clone()))
    };
    scripts.iter().enumerate().map(branch).collect()
}

fn scripts(
    count: impl Into<prop::collection::SizeRange>,
    fires: bool,
) -> impl Strategy<Value = Vec<Script>> {
    let op = prop_oneof![
        Just(Op::Yield),
        (0..EVENTS).prop_map(Op::Wait),
        (0..EVENTS).prop_map(move |event| if fires { Op::Fire(event) } else { Op::Yield }),
    ];
    let script = (prop::collection::vec(op, 0..5), prop::bool::weighted(0.1))
        .prop_map(|(ops, fails)| Script { ops, fails });
    prop::collection::vec(script, count)
}

fn schedule() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..EVENTS, 0..2 * EVENTS)
}

fn cases(native: u32, miri: u32) -> ProptestConfig {
    let mut config = ProptestConfig::with_cases(if cfg!(miri) { miri } else { native });
    if cfg!(miri) {
        config.failure_persistence = None;
    }
    config
}

fn at_most(ours: &[usize], theirs: &[usize]) -> bool {
    ours.iter().zip(theirs).all(|(ours, theirs)| ours <= theirs)
}

proptest! {
    #![proptest_config(cases(512, 3))]

    #[test]
    fn join_gives_what_join_all_gives_with_no_more_polls(
        scripts in scripts(0..30, false),
        schedule in schedule(),
        limit in 0..40usize,
    ) {
        let ours = run(&scripts, &schedule, limit, |world| join(ours(world, &scripts)));
        let theirs = run(&scripts, &schedule, limit, |world| join_all(theirs(world, &scripts)));
        prop_assert_eq!(&ours.output, &theirs.output);
        prop_assert_eq!(ours.drops(), theirs.drops());
        prop_assert!(ours.root_polls <= theirs.root_polls);
        prop_assert!(at_most(&ours.polls(), &theirs.polls()));
    }

    #[test]
    fn try_join_gives_what_try_join_all_gives_with_no_more_polls(
        scripts in scripts(0..30, false),
        schedule in schedule(),
        limit in 0..40usize,
    ) {
        let ours = run(&scripts, &schedule, limit, |world| try_join(ours(world, &scripts)));
        let theirs = run(&scripts, &schedule, limit, |world| try_join_all(theirs(world, &scripts)));
        prop_assert_eq!(&ours.output, &theirs.output);
        prop_assert!(at_most(&ours.polls(), &theirs.polls()));
    }

    #[test]
    fn race_is_won_by_whom_select_all_names_with_no_more_polls(
        scripts in scripts(1..if cfg!(miri) { 8 } else { 61 }, false),
        schedule in schedule(),
        limit in 0..40usize,
    ) {
        let ours = run(&scripts, &schedule, limit, |world| race(ours(world, &scripts)));
        let theirs = run(&scripts, &schedule, limit, |world| {
            let all = theirs(world, &scripts).into_iter().map(Box::pin);
            let all = select_all(all);
            async move { all.await.0 }
        });
        prop_assert_eq!(&ours.output, &theirs.output);
        prop_assert!(ours.root_polls <= theirs.root_polls);
        prop_assert!(at_most(&ours.polls(), &theirs.polls()));
    }

    #[test]
    fn no_branch_is_polled_but_at_first_and_when_woken_whoever_wakes_it(
        scripts in scripts(0..if cfg!(miri) { 8 } else { 90 }, true),
        schedule in schedule(),
    ) {
        let joined = run(&scripts, &schedule, usize::MAX, |world| join(ours(world, &scripts)));
        let selected = run(&scripts, &schedule, usize::MAX, |world| {
            let all = select(ours(world, &scripts));
            async move {
                let mut all = std::pin::pin!(all);
                let mut outputs = Vec::new();
                while let Some((n, output)) = all.as_mut().next().await {
                    outputs.push((n, output));
                }
                outputs.sort_unstable();
                outputs.into_iter().map(|(_, output)| output).collect::<Vec<_>>()
            }
        });
        let unordered = run(&scripts, &schedule, usize::MAX, |world| {
            let all: FuturesUnordered<_> = theirs(world, &scripts).into_iter().collect();
            async move {
                let mut all: Vec<_> = all.collect().await;
                all.sort_unstable_by_key(|output| output.unwrap_or_else(|n| n));
                all
            }
        });
        prop_assert_eq!(&joined.output, &unordered.output);
        prop_assert_eq!(&joined.output, &selected.output);
        for world in [&joined.world, &selected.world] {
            let world = world.borrow();
            for (&polls, &suspensions) in world.polls.iter().zip(&world.suspensions) {
                // One at first and one for each suspension, if that ended: once it may not have.
                prop_assert!(polls == suspensions + 1 || polls == suspensions);
                prop_assert!(polls == suspensions + 1 || joined.output.is_none());
            }
        }
        if joined.output.is_some() {
            let sum = |fate: Vec<usize>| fate.into_iter().sum::<usize>();
            let suspensions = unordered.world.borrow().suspensions.iter().sum::<usize>();
            prop_assert!(sum(unordered.polls()) >= suspensions + scripts.len());
        }
    }
}
