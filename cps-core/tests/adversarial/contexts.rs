//! A future that is awaited where the attribute does not see it replaces the body's context: all goes on as in an
//! `async fn` of the same text.
#![forbid(unsafe_code)]

use std::future::{Future, ready};
use std::pin::{Pin, pin};

use cps_core::interleave::Group;
use cps_core::{join, placement::StackOptions};

use crate::support::{Fate, Log, run};
use crate::vandal::{By, Placed, Vandal, sampled};

/// What a callee does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee {
    Returns,
    Suspends,
    Panics,
    PanicsLater,
}

const CALLEES: [Callee; 4] =
    [Callee::Returns, Callee::Suspends, Callee::Panics, Callee::PanicsLater];

/// What a body does after its context was replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Ready,
    Pending,
    Inline(Callee),
    OnStack(Callee),
    OnHeap(Callee),
    Boxed(Callee),
    /// As a future that nothing more is known of.
    Hidden(Callee),
    HiddenBoxed(Callee),
    TryOnStack(Callee),
    Nested(Callee),
    Prefetch,
    Join(Callee),
    Scope(Callee),
    Unseen(Callee),
    End,
}

/// The future, by another name.
pub(crate) fn hidden<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future
}

fn all_then() -> Vec<Then> {
    let calls: [fn(Callee) -> Then; 11] = [
        Then::Inline,
        Then::OnStack,
        Then::OnHeap,
        Then::Boxed,
        Then::Hidden,
        Then::HiddenBoxed,
        Then::TryOnStack,
        Then::Nested,
        Then::Join,
        Then::Scope,
        Then::Unseen,
    ];
    let calls = calls.into_iter().flat_map(|then| CALLEES.map(then));
    calls.chain([Then::Ready, Then::Pending, Then::Prefetch, Then::End]).collect()
}

macro_rules! bodies {
    ($($attribute:tt)*) => {
        use std::future::ready;

        use cps_core::prefetch::prefetch_read;
        use cps_core::{join, scope};

        use super::{Callee, Then, hidden};
        use crate::support::{Log, Planned};
        use crate::vandal::{Vandal, tick, unseen};

        $($attribute)*
        async fn callee(callee: Callee, log: Log) -> u32 {
            let _note = log.note("callee");
            match callee {
                Callee::Returns => 1,
                Callee::Suspends => {
                    tick().await;
                    tick().await;
                    2
                }
                Callee::Panics => Planned::panic("callee", 3),
                Callee::PanicsLater => {
                    tick().await;
                    Planned::panic("callee", 4)
                }
            }
        }

        /// Replaces its context too, and calls the body that is a part of it.
        $($attribute)*
        pub(crate) async fn host(vandal: Vandal, then: Then, log: Log) -> u32 {
            let _note = log.note("host");
            let own = unseen!(vandal.future());
            let below = body(vandal, then, log.clone()).nested().await;
            let again = body(vandal, then, log.clone()).nested().await;
            own + below + again + unseen!(vandal.future())
        }

        $($attribute)*
        pub(crate) async fn body(vandal: Vandal, then: Then, log: Log) -> u32 {
            let local = log.note("local");
            let first = futures::join!(vandal.future()).0;
            let second = match then {
                Then::Ready => ready(5).await,
                Then::Pending => {
                    tick().await;
                    6
                }
                Then::Inline(c) => callee(c, log.clone()).await,
                Then::OnStack(c) => callee(c, log.clone()).on_stack().await,
                Then::OnHeap(c) => callee(c, log.clone()).on_heap().await,
                Then::Boxed(c) => callee(c, log.clone()).boxed().await,
                Then::Hidden(c) => hidden(callee(c, log.clone())).await,
                Then::HiddenBoxed(c) => hidden(callee(c, log.clone()).boxed()).await,
                Then::TryOnStack(c) => match callee(c, log.clone()).try_on_stack().await {
                    Ok(value) => value,
                    Err(_) => 0,
                },
                Then::Nested(c) => callee(c, log.clone()).nested().await,
                Then::Prefetch => {
                    prefetch_read(&raw const first).await;
                    7
                }
                Then::Join(c) => {
                    let (a, b) = join((callee(c, log.clone()), vandal.future())).await;
                    a + b
                }
                Then::Scope(c) => {
                    let log = log.clone();
                    scope(|s| async move {
                        let child = s.spawn(callee(c, log));
                        vandal.future().await + child.await
                    })
                    .await
                }
                Then::Unseen(c) => unseen!(callee(c, log.clone())),
                Then::End => 8,
            };
            let between = log.note("between");
            let third = unseen!(vandal.future());
            drop((local, between));
            100 * first + 10 * second + third
        }
    };
}

mod direct {
    bodies!(#[cps_core::cps]);
}

/// The same with `async fn`.
mod plain {
    use super::Placed;
    bodies!();
}

type Boxed = Pin<Box<dyn Future<Output = u32>>>;
type Make = fn(Vandal, Then, Log) -> Boxed;

/// Roots of a body in which another is nested.
const HOSTS: [(&str, Make); 2] = [
    ("the coroutine", |v, then, log| Box::pin(direct::host(v, then, log))),
    ("nested twice", |v, then, log| {
        #[cps_core::cps]
        async fn calls(v: Vandal, then: Then, log: Log) -> u32 {
            direct::host(v, then, log).nested().await
        }
        Box::pin(calls(v, then, log))
    }),
];

/// Roots whose polls are the body's.
const ROOTS: [(&str, Make); 4] = [
    ("the coroutine", |v, then, log| Box::pin(direct::body(v, then, log))),
    ("a root", |v, then, log| Box::pin(direct::body(v, then, log).into_root())),
    ("boxed", |v, then, log| Box::pin(direct::body(v, then, log).boxed_local())),
    ("a root with a stack", |v, then, log| {
        Box::pin(direct::body(v, then, log).into_root_with(StackOptions::new()))
    }),
];

/// Roots that poll the body when it was woken only, and the same of the plain body. There a context that was replaced
/// may cost a wake-up.
const BRANCHES: [(&str, Make, Make); 2] = [
    (
        "a branch",
        |v, then, log| {
            Box::pin(async move { join((direct::body(v, then, log), ready(()))).await.0 })
        },
        |v, then, log| {
            Box::pin(async move { join((Box::pin(plain::body(v, then, log)), ready(()))).await.0 })
        },
    ),
    (
        "a branch of a coroutine's join",
        |v, then, log| {
            #[cps_core::cps]
            async fn joins(v: Vandal, then: Then, log: Log) -> u32 {
                join((direct::body(v, then, log), ready(()))).await.0
            }
            Box::pin(joins(v, then, log))
        },
        |v, then, log| {
            Box::pin(async move { join((Box::pin(plain::body(v, then, log)), ready(()))).await.0 })
        },
    ),
];

/// Others.
const OTHER_ROOTS: [(&str, Make); 2] = [
    ("a callee", |v, then, log| {
        #[cps_core::cps]
        async fn calls(v: Vandal, then: Then, log: Log) -> u32 {
            direct::body(v, then, log).on_stack().await
        }
        Box::pin(calls(v, then, log))
    }),
    ("a group", |v, then, log| {
        Box::pin(async move {
            let (mut group, mut result) = (Group::new(2), 0);
            let make = |()| direct::body(v, then, log.clone());
            pin!(group.batch([()], make, |_, value| result = value)).await;
            result
        })
    }),
];

fn combinations(one_in: usize) -> Vec<(Vandal, Then)> {
    let thens = all_then();
    let all = Vandal::all().flat_map(|v| thens.iter().map(move |then| (v, *then)));
    sampled(all, one_in)
}

/// Fate and events of the plain body. It may replace the context by one that is never woken: the driver polls
/// nevertheless.
fn expected(v: Vandal, then: Then, polls: u32) -> (Fate<u32>, Log) {
    let log = Log::default();
    (run(&log, plain::body(v, then, log.clone()), polls), log)
}

#[test]
fn a_replaced_context_changes_neither_values_nor_drops_nor_polls() {
    for (case, (v, then)) in combinations(131).into_iter().enumerate() {
        for (name, make) in chosen(&ROOTS, case) {
            for polls in [20, 1, 2, 3, 4, 6].into_iter().take(if cfg!(miri) { 3 } else { 6 }) {
                let (fate, expected) = expected(v, then, polls);
                let log = Log::default();
                assert_eq!(
                    run(&log, make(v, then, log.clone()), polls),
                    fate,
                    "{name} {v:?} {then:?}"
                );
                assert_eq!(log.events(), expected.events(), "{name} {v:?} {then:?} {polls}");
                log.assert_each_dropped_once();
            }
        }
    }
}

#[test]
fn a_replaced_context_changes_nothing_in_a_nested_body_and_its_host() {
    for (case, (v, then)) in combinations(131).into_iter().enumerate() {
        for (name, make) in chosen(&HOSTS, case) {
            for polls in [40, 1, 2, 3, 5, 7, 9].into_iter().take(if cfg!(miri) { 3 } else { 7 }) {
                let (log, peer) = (Log::default(), Log::default());
                let fate = run(&log, make(v, then, log.clone()), polls);
                let expected = run(&peer, plain::host(v, then, peer.clone()), polls);
                assert_eq!(fate, expected, "{name} {v:?} {then:?}");
                assert_eq!(log.events(), peer.events(), "{name} {v:?} {then:?} {polls}");
                log.assert_each_dropped_once();
            }
        }
    }
}

#[test]
fn a_replaced_context_does_no_harm_in_a_callee_and_a_group() {
    for (case, (v, then)) in combinations(131).into_iter().enumerate() {
        for (name, make) in chosen(&OTHER_ROOTS, case) {
            let (fate, expected) = expected(v, then, 30);
            let log = Log::default();
            assert_eq!(run(&log, make(v, then, log.clone()), 30), fate, "{name} {v:?} {then:?}");
            assert_eq!(log.drops(), expected.drops(), "{name} {v:?} {then:?}");
            drops_each_value_once(make, v, then);
        }
    }
}

#[test]
fn a_replaced_context_does_no_more_harm_in_a_branch_than_it_does_to_an_async_fn() {
    for (case, (v, then)) in combinations(131).into_iter().enumerate() {
        for (name, make, plain) in chosen(&BRANCHES, case) {
            let (log, peer) = (Log::default(), Log::default());
            let fate = run(&log, make(v, then, log.clone()), 30);
            match run(&peer, plain(v, then, peer.clone()), 30) {
                // The peer has lost its waker. The coroutine may come further.
                Fate::Cancelled => {
                    let expected = expected(v, then, 30).0;
                    assert!(fate == Fate::Cancelled || fate == expected, "{name} {v:?} {then:?}");
                }
                other => {
                    assert_eq!(fate, other, "{name} {v:?} {then:?}");
                    assert_eq!(log.drops(), peer.drops(), "{name} {v:?} {then:?}");
                }
            }
            drops_each_value_once(make, v, then);
        }
    }
}

/// All, or under Miri one by turns.
fn chosen<T: Copy>(roots: &[T], case: usize) -> Vec<T> {
    if cfg!(miri) { vec![roots[case % roots.len()]] } else { roots.to_vec() }
}

fn drops_each_value_once(make: Make, v: Vandal, then: Then) {
    for polls in sampled(1..5, 2) {
        let log = Log::default();
        run(&log, make(v, then, log.clone()), polls);
        log.assert_each_dropped_once();
    }
}

/// An executor that polls only when it was woken comes to the end. (Where a pending future was left without its
/// waker, it has called that before.)
#[test]
fn a_body_whose_context_was_replaced_is_woken() {
    for (v, then) in combinations(257) {
        let panics = matches!(expected(v, then, 20).0, Fate::Panicked(_));
        if !panics && !matches!(v.by, By::Noop | By::Other | By::Swap) {
            for (name, make) in ROOTS.into_iter().chain(OTHER_ROOTS) {
                let value = futures::executor::block_on(make(v, then, Log::default()));
                assert_eq!(Fate::Returned(value), expected(v, then, 20).0, "{name} {v:?} {then:?}");
            }
        }
    }
}
