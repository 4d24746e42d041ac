//! Destructors that panic: of arguments, locals, results and what is captured, unstarted, suspended, running and
//! unwinding. The same panics and the same drops in the same order as in an `async fn`.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use crate::support::{Event, Fate, Log, Note, run};
use crate::vandal::Placed;

/// The values that there are, by the names of their notes.
const NAMES: [&str; 9] = [
    "first",
    "ignored",
    "second",
    "receiver",
    "local",
    "callee's argument",
    "callee's local",
    "callee's captured",
    "result",
];

/// Which of the values panic when they are dropped. (One that is dropped by a panic does not: that would abort.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Armed {
    Nothing,
    One(&'static str),
    All,
}

#[derive(Clone)]
pub(crate) struct Maker {
    log: Log,
    armed: Armed,
}

impl Maker {
    fn value(&self, name: &'static str) -> Note {
        match self.armed {
            Armed::One(armed) if armed == name => self.log.bomb(name),
            Armed::All => self.log.bomb(name),
            _ => self.log.note(name),
        }
    }
}

macro_rules! bodies {
    ($block:ident!, $($attribute:tt)*) => {
        use super::{Maker, Note};
        use crate::support::Planned;
        use crate::vandal::tick;

        pub(crate) struct Owner(#[expect(dead_code, reason = "dropped")] pub(crate) Note);

        $($attribute)*
        async fn callee(make: Maker, _argument: Note) -> Note {
            let _local = make.value("callee's local");
            tick().await;
            make.value("result")
        }

        impl Owner {
            $($attribute)*
            pub(crate) async fn body(
                self,
                make: Maker,
                first: Note,
                _: Note,
                second: Note,
                panics: bool,
            ) -> Note {
                let _local = make.value("local");
                let got = callee(make.clone(), make.value("callee's argument")).await;
                tick().await;
                drop(second);
                let captured = make.value("callee's captured");
                let block = $block! {
                    tick().await;
                    drop(captured);
                    1
                };
                let _ = block.await;
                callee(make.clone(), make.value("callee's argument")).on_stack().await;
                let boxed = callee(make.clone(), make.value("callee's argument")).boxed().await;
                drop((first, boxed));
                let unstarted = callee(make.clone(), make.value("callee's argument"));
                tick().await;
                drop(unstarted);
                let heap = callee(make.clone(), make.value("callee's argument")).on_heap().await;
                if panics {
                    Planned::panic("body", 1);
                }
                drop(heap);
                got
            }
        }
    };
}

mod direct {
    use cps_core::coroutine_block;
    bodies!(coroutine_block!, #[cps_core::cps]);
}

mod plain {
    use super::Placed;
    macro_rules! async_block {
        ($($body:tt)*) => { async move { $($body)* } };
    }
    bodies!(async_block!,);
}

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

fn root(armed: Armed, panics: bool, log: &Log, is_direct: bool) -> Boxed {
    let make = Maker { log: log.clone(), armed };
    let value = |name| make.value(name);
    let (receiver, first, ignored, second) =
        (value("receiver"), value("first"), value("ignored"), value("second"));
    if is_direct {
        let body = direct::Owner(receiver).body(make, first, ignored, second, panics);
        Box::pin(async move { drop(body.await) })
    } else {
        let body = plain::Owner(receiver).body(make, first, ignored, second, panics);
        Box::pin(async move { drop(body.await) })
    }
}

/// (A value that is returned is leaked by rustc if a destructor panics after that: so the logs stay reachable, and that
/// all is dropped which is dropped in an `async fn` is seen by comparison.)
fn outcome(armed: Armed, panics: bool, polls: u32, is_direct: bool) -> (Fate<()>, Vec<Event>) {
    static LOGS: Mutex<Vec<Log>> = Mutex::new(Vec::new());
    let log = Log::default();
    LOGS.lock().unwrap().push(log.clone());
    let fate = run(&log, root(armed, panics, &log, is_direct), polls);
    if armed == Armed::Nothing {
        log.assert_each_dropped_once();
    }
    (fate, log.events())
}

#[test]
fn a_destructor_that_panics_at_any_point_does_what_it_does_in_an_async_fn() {
    let armed = NAMES.map(Armed::One).into_iter().chain([Armed::Nothing, Armed::All]);
    for (case, armed) in armed.enumerate() {
        for panics in [false, true] {
            for polls in 0..10 {
                if cfg!(miri) && (case + polls as usize + usize::from(panics)) % 17 != 0 {
                    continue;
                }
                let expected = outcome(armed, panics, polls, false);
                assert_eq!(
                    outcome(armed, panics, polls, true),
                    expected,
                    "{armed:?} {panics} {polls}"
                );
            }
        }
    }
}

/// The comparison above has something to compare: all kinds of ends occur.
#[test]
fn destructors_panic_in_each_stage() {
    let fate = |armed, polls| outcome(armed, false, polls, true).0;
    assert_eq!(fate(Armed::Nothing, 10), Fate::Returned(()));
    assert!(matches!(fate(Armed::One("first"), 0), Fate::CancelledInPanic(_)), "unstarted");
    assert!(
        matches!(fate(Armed::One("callee's local"), 1), Fate::CancelledInPanic(_)),
        "suspended"
    );
    assert!(
        matches!(fate(Armed::One("callee's local"), 2), Fate::Panicked(_)),
        "in the callee's end"
    );
    assert!(matches!(fate(Armed::One("second"), 3), Fate::Panicked(_)), "in the body");
    assert!(matches!(fate(Armed::One("receiver"), 10), Fate::Panicked(_)), "in the body's end");
    let (fate, events) = outcome(Armed::One("local"), true, 10, true);
    assert_eq!(fate, Fate::Panicked("body 1".into()), "it is silent while another panic unwinds");
    assert!(
        events.iter().any(|e| matches!(e, Event::Dropped { name: "local", panicking: true, .. }))
    );
}

/// In generators: unstarted, suspended, by `fold`.
#[test]
fn a_destructor_that_panics_in_a_generator_leaves_it_ended() {
    #[cps_core::cps(yields = u32)]
    fn inner(make: Maker) {
        let _local = make.value("callee's local");
        cps_core::yield_(1).await;
    }
    #[cps_core::cps(yields = u32)]
    fn outer(make: Maker, _argument: Note) {
        let _local = make.value("local");
        cps_core::yield_from(inner(make.clone()).on_stack()).await;
        cps_core::yield_(2).await;
    }
    for armed in ["first", "local", "callee's local"] {
        for items in 0..4 {
            for folds in [false, true] {
                let log = Log::default();
                let make = Maker { log: log.clone(), armed: Armed::One(armed) };
                let argument = make.value("first");
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let mut root = Box::pin(outer(make.clone(), argument).into_root());
                    if folds {
                        root.by_ref().for_each(|item| make.log.did("item", item));
                    } else {
                        root.as_mut().take(items).for_each(|item| make.log.did("item", item));
                    }
                }));
                // Without an item the generator was not started.
                let exists = armed == "first" || items > 0 || folds;
                assert_eq!(result.is_err(), exists, "{armed} {items} {folds}");
                log.assert_each_dropped_once();
            }
        }
    }
}
