//! Wakers of the executor that panic, re-enter, change and go stale, under every branching point: what is woken is
//! resumed, nothing is leaked, and where `futures::join!` is a peer its calls are counted.
//!
//! (Miri, which runs this too, reports leaks.)
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "shared")]
#[path = "support/gate.rs"]
mod gate;
#[path = "support/hostile.rs"]
mod hostile;

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use cps_core::{join, race, scope, select, timeout, try_join};
use gate::Gate;
use hostile::{Task, fail, fails};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A future with the two gates among its branches, which ends when both are open.
type Maker = fn(Gate, Gate) -> Boxed;

#[cps_core::coroutine]
async fn through(gate: Gate) -> u32 {
    gate.await
}

fn plain(one: Gate, other: Gate) -> Boxed {
    Box::pin(async {
        futures::join!(one, other);
    })
}

fn joined(one: Gate, other: Gate) -> Boxed {
    Box::pin(async {
        join((through(one), through(other))).await;
    })
}

/// So many branches that the set is not a small one.
fn joined_among_many(one: Gate, other: Gate) -> Boxed {
    let branch = |n| {
        let gate = match n {
            3 => Some(one.clone()),
            66 => Some(other.clone()),
            _ => None,
        };
        async {
            if let Some(gate) = gate {
                gate.await;
            }
        }
    };
    let branches: Vec<_> = (0..68).map(branch).collect();
    Box::pin(async {
        join(branches).await;
    })
}

fn try_joined(one: Gate, other: Gate) -> Boxed {
    let ok = async |gate: Gate| Ok::<_, ()>(gate.await);
    let branches = (ok(one), ok(other));
    Box::pin(async {
        let _ = try_join(branches).await;
    })
}

/// A race does not end with its first gate, so it is in a branch that waits for both.
fn raced(one: Gate, other: Gate) -> Boxed {
    let both = async {
        through(one).await;
        0
    };
    let rest = async {
        through(other).await;
        pending::<u32>().await
    };
    Box::pin(async {
        race((both, rest)).await;
    })
}

fn selected(one: Gate, other: Gate) -> Boxed {
    Box::pin(async {
        let mut branches = std::pin::pin!(select((one, other)));
        while branches.as_mut().next().await.is_some() {}
    })
}

fn scoped(one: Gate, other: Gate) -> Boxed {
    Box::pin(async {
        scope(|s| async move {
            s.spawn(through(one));
            s.spawn(through(other));
        })
        .await;
    })
}

fn in_time(one: Gate, other: Gate) -> Boxed {
    Box::pin(async {
        let _ = timeout(other, through(one)).await;
    })
}

const OWN: [(&str, Maker); 7] = [
    ("join", joined),
    ("join of many", joined_among_many),
    ("try_join", try_joined),
    ("race", raced),
    ("select", selected),
    ("scope", scoped),
    ("timeout", in_time),
];

const PEER: &str = "futures::join!";

/// The project's, and a peer.
fn all() -> impl Iterator<Item = (&'static str, Maker)> {
    let peer: (_, Maker) = (PEER, plain);
    OWN.into_iter().chain([peer])
}

/// Started in `task`, with both gates waiting.
struct Started {
    name: &'static str,
    future: Boxed,
    gates: [Gate; 2],
}

fn started(task: &Arc<Task>, (name, make): (&'static str, Maker)) -> Started {
    let gates = [Gate::default(), Gate::default()];
    let [one, other] = gates.clone();
    let mut future = make(one, other);
    assert!(task.poll(&mut future).is_pending(), "{name}");
    assert_eq!(gates.each_ref().map(Gate::polls), [1, 1], "{name}");
    Started { name, future, gates }
}

fn is_peer(name: &str) -> bool {
    name == PEER
}

#[test]
fn a_wake_by_value_that_panics_gives_its_reference_up() {
    for case in all() {
        let task = Task::failing([0]);
        let Started { name, future, gates } = started(&task, case);
        let [waker, _] = gates.each_ref().map(Gate::waker);
        assert!(fails(|| waker.wake()), "{name}");
        drop((future, gates));
        assert_eq!(task.wakers(), 0, "{name}");
    }
}

#[test]
fn after_a_wake_that_panics_the_next_one_calls_the_waker_again() {
    for case in all() {
        for failures in 1..4 {
            let task = Task::failing(0..failures);
            let Started { name, mut future, gates } = started(&task, case);
            let wakers = gates.each_ref().map(Gate::waker);
            for failure in 0..failures {
                assert!(fails(|| wakers[failure % 2].wake_by_ref()), "{name}");
            }
            assert!(!fails(|| wakers[failures % 2].wake_by_ref()), "{name}");
            assert_eq!(task.wakes(), failures + 1, "{name}: one call for each");
            // Now the task is woken, and will be polled.
            wakers.iter().for_each(Waker::wake_by_ref);
            let coalesced = if is_peer(name) { 2 } else { 0 };
            assert_eq!(task.wakes(), failures + 1 + coalesced, "{name}");
            assert!(task.poll(&mut future).is_pending(), "{name}");
            assert_eq!(gates.each_ref().map(Gate::polls), [2, 2], "{name}: both are resumed");
        }
    }
}

/// The branch whose wake has failed too.
#[test]
fn the_same_branch_may_be_woken_after_its_wake_has_panicked() {
    for case in all() {
        let task = Task::failing([0, 1]);
        let Started { name, mut future, gates } = started(&task, case);
        let [waker, _] = gates.each_ref().map(Gate::waker);
        assert!(fails(|| waker.wake_by_ref()), "{name}");
        assert!(fails(|| waker.wake_by_ref()), "{name}");
        waker.wake_by_ref();
        assert_eq!(task.wakes(), 3, "{name}");
        assert!(task.poll(&mut future).is_pending(), "{name}");
        assert_eq!(gates[0].polls(), 2, "{name}");
    }
}

/// A wake that comes in a call which panics then: it has relied on that call.
#[test]
fn a_wake_within_one_that_panics_is_not_lost() {
    for case in all() {
        for branch in [1, 0] {
            let task = Task::new();
            let Started { name, mut future, gates } = started(&task, case);
            let wakers = gates.each_ref().map(Gate::waker);
            let within = wakers[branch].clone();
            task.on_wake(0, move || {
                within.wake();
                fail();
            });
            assert!(fails(|| wakers[0].wake_by_ref()), "{name}");
            assert_eq!(task.wakes(), 2, "{name}: one call for the wake that did not fail");
            assert!(task.poll(&mut future).is_pending(), "{name}");
            if !is_peer(name) {
                assert_eq!(gates.each_ref().map(Gate::polls), [2, 1 + branch], "{name}");
            }
        }
    }
}

/// The same, and the further call panics, too; then again, for what came in that.
#[test]
fn a_wake_within_one_that_panics_may_fail_too() {
    for case in OWN {
        let task = Task::new();
        let Started { name, mut future, gates } = started(&task, case);
        let wakers = gates.each_ref().map(Gate::waker);
        for call in 0..2 {
            let within = wakers[1].clone();
            task.on_wake(call, move || {
                within.wake();
                fail();
            });
        }
        assert!(fails(|| wakers[0].wake_by_ref()), "{name}");
        assert_eq!(task.wakes(), 2, "{name}: not for ever");
        wakers[0].wake_by_ref();
        assert_eq!(task.wakes(), 3, "{name}");
        assert!(task.poll(&mut future).is_pending(), "{name}");
        assert_eq!(gates.each_ref().map(Gate::polls), [2, 2], "{name}");
    }
}

#[test]
fn a_waker_may_wake_another_branch() {
    for case in all() {
        let task = Task::new();
        let Started { name, mut future, gates } = started(&task, case);
        let other = gates[1].waker();
        task.on_wake(0, move || other.wake());
        gates[0].nudge();
        assert_eq!(task.wakes(), if is_peer(name) { 2 } else { 1 }, "{name}");
        assert!(task.poll(&mut future).is_pending(), "{name}");
        assert_eq!(gates.each_ref().map(Gate::polls), [2, 2], "{name}");
    }
}

/// A future that its own waker can reach.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<Boxed>>>);

impl Shared {
    fn new(future: Boxed) -> Self {
        Shared(Arc::new(Mutex::new(Some(future))))
    }

    fn poll(&self, task: &Arc<Task>) -> Poll<()> {
        task.poll(self.0.lock().unwrap().as_mut().expect("it was not dropped"))
    }

    fn cancel(&self) {
        let future = self.0.lock().unwrap().take();
        drop(future);
    }
}

#[test]
fn a_waker_may_drop_what_it_wakes_and_panic() {
    for case in all() {
        for panics in [false, true] {
            let task = Task::new();
            let Started { name, future, gates } = started(&task, case);
            let [waker, late] = gates.each_ref().map(Gate::waker);
            drop(gates); // Which keep wakers.
            let shared = Shared::new(future);
            task.on_wake(0, {
                let shared = shared.clone();
                move || {
                    shared.cancel();
                    if panics {
                        fail();
                    }
                }
            });
            assert_eq!(fails(|| waker.wake()), panics, "{name}");
            drop(shared);
            late.wake_by_ref();
            assert_eq!(task.wakes(), if is_peer(name) { 2 } else { 1 }, "{name}: nobody waits");
            drop(late);
            assert_eq!(task.wakers(), 0, "{name}");
        }
    }
}

/// The last reference to the set is the waker's whose call panics.
#[test]
fn a_set_may_end_while_a_wake_unwinds() {
    for case in all() {
        let task = Task::new();
        let Started { name, future, gates } = started(&task, case);
        let waker = gates[0].waker();
        let rest = Mutex::new(Some((future, gates)));
        task.on_wake(0, move || {
            drop(rest.lock().unwrap().take());
            fail();
        });
        assert!(fails(|| waker.wake()), "{name}");
        assert_eq!(task.wakers(), 0, "{name}");
    }
}

/// As an executor does that polls in the wake; and another task's waker is left there.
#[test]
fn a_waker_may_poll_what_it_wakes_and_panic() {
    for case in all() {
        for panics in [false, true] {
            let (task, next) = (Task::new(), Task::new());
            let Started { name, future, gates } = started(&task, case);
            let shared = Shared::new(future);
            task.on_wake(0, {
                let (shared, next) = (shared.clone(), next.clone());
                move || {
                    assert!(shared.poll(&next).is_pending());
                    if panics {
                        fail();
                    }
                }
            });
            let wakers = gates.each_ref().map(Gate::waker);
            assert_eq!(fails(|| wakers[0].wake_by_ref()), panics, "{name}");
            assert_eq!(gates[0].polls(), 2, "{name}: resumed in the wake");
            // From now on the other task is woken.
            for (poll, gate) in gates.iter().enumerate() {
                gate.nudge();
                assert_eq!((task.wakes(), next.wakes()), (1, poll + 1), "{name}");
                assert!(shared.poll(&next).is_pending(), "{name}");
            }
            shared.cancel();
            drop((wakers, gates));
            assert_eq!((task.wakers(), next.wakers()), (0, 0), "{name}");
        }
    }
}

/// The spare waker's call panics: that of a poll that came while the kept one was called.
#[test]
fn after_a_wake_by_a_second_waker_that_panics_the_next_one_calls_it_again() {
    for case in all() {
        let (task, next) = (Task::new(), Task::failing([0, 1]));
        let Started { name, future, gates } = started(&task, case);
        let shared = Shared::new(future);
        task.on_wake(0, {
            let (shared, next, gates) = (shared.clone(), next.clone(), gates.clone());
            move || {
                assert!(shared.poll(&next).is_pending());
                let wakers = gates.each_ref().map(Gate::waker);
                assert!(fails(|| wakers[1].wake_by_ref()));
                assert!(fails(|| wakers[0].wake_by_ref()));
                wakers[1].wake_by_ref();
                assert_eq!(next.wakes(), 3);
                assert!(shared.poll(&next).is_pending());
            }
        });
        gates[0].nudge();
        assert_eq!(gates[1].polls(), if is_peer(name) { 3 } else { 2 }, "{name}");
        gates[1].nudge();
        assert_eq!((task.wakes(), next.wakes()), (1, 4), "{name}");
        shared.cancel();
        drop(gates);
        assert_eq!((task.wakers(), next.wakers()), (0, 0), "{name}");
    }
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_called() {
    for case in all() {
        let tasks = [Task::new(), Task::failing([0]), Task::new()];
        let Started { name, mut future, gates } = started(&tasks[0], case);
        let stale = gates.each_ref().map(Gate::waker);
        for task in &tasks[1..] {
            for waker in &stale {
                let _ = fails(|| waker.wake_by_ref());
            }
            assert!(task.poll(&mut future).is_pending(), "{name}");
        }
        let before = tasks.each_ref().map(|task| task.wakes());
        gates[1].waker().wake();
        let calls = tasks.each_ref().map(|task| task.wakes());
        assert_eq!(calls, [before[0], before[1], before[2] + 1], "{name}");
        drop((stale, future, gates));
        assert_eq!(tasks.each_ref().map(Task::wakers), [0; 3], "{name}");
    }
}

#[test]
fn stale_wakers_do_no_harm() {
    for case in all() {
        let task = Task::new();
        let Started { name, mut future, gates } = started(&task, case);
        let stale = gates.each_ref().map(Gate::waker);
        gates.iter().for_each(|gate| gate.open(0));
        while task.poll(&mut future).is_pending() {
            assert!(!is_peer(name));
            if name == "race" {
                break;
            }
        }
        stale.iter().for_each(Waker::wake_by_ref);
        drop(future);
        stale.into_iter().for_each(Waker::wake);
        drop(gates);
        assert_eq!(task.wakers(), 0, "{name}");
    }
}

/// The last waker of the task is the joiner's, and its destructor panics: in a poll that replaces it, and when
/// the joiner goes away.
#[test]
fn a_waker_may_panic_when_it_is_dropped() {
    for case in OWN {
        let started = || {
            let task = Task::new();
            task.on_drop(fail);
            started(&task, case)
        };
        let Started { name, future, .. } = started();
        assert!(fails(|| drop(future)), "{name}");

        let Started { mut future, gates, .. } = started();
        let next = Task::new();
        gates[0].nudge();
        assert!(fails(|| next.poll(&mut future)), "{name}");
        drop((future, gates));
        assert_eq!(next.wakers(), 0, "{name}");
    }
}

#[test]
fn wakes_on_other_threads_that_panic_leave_the_others_heard() {
    for case in all() {
        for _ in 0..if cfg!(miri) { 3 } else { 50 } {
            let task = Task::failing([0]);
            let Started { name, mut future, gates } = started(&task, case);
            let threads = gates.each_ref().map(|gate| {
                let waker = gate.waker();
                std::thread::spawn(move || fails(|| waker.wake()))
            });
            let failed = threads.map(|thread| thread.join().expect("no other panic"));
            assert_eq!(failed.iter().filter(|failed| **failed).count(), 1, "{name}");
            assert_eq!(task.wakes(), 2, "{name}: a call for the other one");
            assert!(task.poll(&mut future).is_pending(), "{name}");
            assert_eq!(gates.each_ref().map(Gate::polls), [2, 2], "{name}");
            drop((future, gates));
            assert_eq!(task.wakers(), 0, "{name}");
        }
    }
}

/// A branch whose own wake, in its poll, fails; it stands that, and is pending.
#[test]
fn a_branch_may_catch_the_panic_of_a_wake_in_its_poll() {
    let task = Task::failing([0]);
    let gate = Gate::default();
    let waking = std::future::poll_fn(|cx: &mut Context<'_>| {
        let _ = fails(|| cx.waker().wake_by_ref());
        Poll::<()>::Pending
    });
    let mut future = Box::pin(join((waking, gate.clone())));
    assert!(task.poll(&mut future).is_pending());
    assert_eq!(task.wakes(), 1);
    gate.nudge();
    assert_eq!(task.wakes(), 2);
    assert!(task.poll(&mut future).is_pending());
    assert_eq!(task.wakes(), 3, "the branch has woken itself");
    assert_eq!(gate.polls(), 2);
}
