//! Arguments, temporaries and captures of a coroutine are dropped when those of an `async fn` are.
//!
//! Each body is written once and compiled twice, and dropped at every suspension.
#![deny(warnings)]
#![allow(missing_docs)]
#![allow(clippy::redundant_pattern, reason = "the bodies are what is tested")]

mod support;

use std::future::IntoFuture;

use support::{Log, Note};

/// Runs with so many polls, and gives what happened.
fn events<F: IntoFuture>(polls: u32, make: impl FnOnce(Log) -> F) -> String {
    let log = Log::default();
    let future = make(log.clone()).into_future();
    support::run(&log, future, polls);
    log.assert_each_dropped_once();
    log.events().iter().map(|event| format!("{event:?}\n")).collect()
}

struct Pair(Note, #[expect(dead_code, reason = "only dropped")] Note);

impl Note {
    fn look(&self) -> u32 {
        self.id
    }

    fn consume(self) -> u32 {
        self.id
    }
}

macro_rules! bodies {
    ($name:ident $(, #[$co:meta])?) => {
        #[allow(clippy::let_underscore_future)]
        mod $name {
            use super::*;
            use crate::support::Yield;

            $(#[$co])?
            pub(super) async fn pause(log: &Log, _with: &Note) -> u32 {
                Yield::new(log, 1).await;
                1
            }

            $(#[$co])?
            pub(super) async fn keep(log: &Log, note: Note) -> Note {
                Yield::new(log, 1).await;
                note
            }

            $(#[$co])?
            pub(super) async fn arguments(
                log: Log,
                a: Note,
                _: Note,
                _b: Note,
                Pair(c, _): Pair,
                (mut d, ref e): (Note, Note),
                f: Note,
            ) -> u32 {
                let local = log.note("local");
                pause(&log, &a).await;
                pause(&log, &d).await;
                drop(f);
                d = log.note("new d");
                pause(&log, e).await + local.id - local.id + c.id - c.id + d.id - d.id
            }

            $(#[$co])?
            pub(super) async fn in_statements(log: Log) {
                pause(&log, &log.note("statement")).await;
                let _first = log.note("first");
                let _ = pause(&log, &log.note("underscore")).await;
                let _value = (pause(&log, &log.note("left")).await, log.note("middle").look());
                let extended = &log.note("extended");
                let kept = keep(&log, log.note("kept")).await;
                let _ = keep(&log, log.note("not bound")).await;
                let ignored @ _ = keep(&log, log.note("bound")).await;
                drop(kept);
                let in_let = &pause(&log, &log.note("in let")).await;
                let _ = (extended.id, ignored.id, *in_let);
            }

            $(#[$co])?
            pub(super) async fn in_conditions(log: Log) -> u32 {
                if pause(&log, &log.note("if")).await == 1 {
                    log.did("then", 0);
                }
                if let 1 = pause(&log, &log.note("if let")).await {
                    Yield::new(&log, 1).await;
                    log.did("then", 1);
                }
                match pause(&log, &log.note("match")).await {
                    1 => log.did("arm", 0),
                    _ => {}
                }
                match &keep(&log, log.note("scrutinee")).await {
                    x if pause(&log, x).await == 2 => {}
                    _ => log.did("arm", 1),
                }
                let mut n = 0;
                while pause(&log, &log.note("while")).await == 1 && n < 2 {
                    n += 1;
                }
                for i in 0..pause(&log, &log.note("for")).await {
                    log.did("for", i);
                }
                let n = { pause(&log, &log.note("block")).await };
                n + keep(&log, log.note("operand")).await.consume() + log.note("last").consume()
            }

            $(#[$co])?
            pub(super) async fn in_tail(log: Log, _argument: Note) -> u32 {
                let local = log.note("local");
                let _other = log.note("other");
                pause(&log, &log.note("tail")).await + log.note("tail 2").look() - local.id
            }

            $(#[$co])?
            pub(super) async fn in_tail_match(log: Log) -> u32 {
                let _local = log.note("local");
                match log.note("scrutinee").look() {
                    n => n + pause(&log, &log.note("tail")).await,
                }
            }

            $(#[$co])?
            pub(super) async fn in_return(log: Log, early: bool) -> Result<Note, Note> {
                let _local = log.note("local");
                if early {
                    return Ok(keep(&log, log.note("returned")).await);
                }
                for _ in 0..2 {
                    let _inner = log.note("inner");
                    Err(keep(&log, log.note("error")).await)?
                }
                unreachable!()
            }

            $(#[$co])?
            pub(super) async fn in_loop(log: Log) -> u32 {
                'outer: loop {
                    let _outer = log.note("outer");
                    loop {
                        let _inner = log.note("inner");
                        if pause(&log, &log.note("condition")).await == 1 {
                            break 'outer pause(&log, &log.note("value")).await;
                        }
                    }
                }
            }

            $(#[$co])?
            pub(super) async fn in_macros(log: Log) -> String {
                let s = format!(
                    "{} {}",
                    pause(&log, &log.note("a")).await,
                    keep(&log, log.note("b")).await.id
                );
                assert_eq!(pause(&log, &log.note("c")).await, 1);
                assert!(matches!(keep(&log, log.note("d")).await, x if pause(&log, &x).await == 1));
                let v = vec![keep(&log, log.note("e")).await, log.note("f")];
                format!("{s}{}{}", v.len(), pause(&log, &log.note("g")).await)
            }

            $(#[$co])?
            pub(super) async fn callee_and_arguments(log: Log) -> u32 {
                let moved = log.note("moved");
                let by_value = keep(&log, moved).await;
                let unstarted = keep(&log, log.note("unstarted"));
                let never = keep(&log, log.note("never"));
                let id = unstarted.await.consume();
                drop(never);
                id + by_value.id
            }

            pub(super) struct Holder(pub(super) Note, pub(super) Log);

            impl Holder {
                $(#[$co])?
                pub(super) async fn consume(self, _argument: Note) -> u32 {
                    let Self(note, log) = &self;
                    pause(log, note).await
                }

                $(#[$co])?
                pub(super) async fn consume_mut(mut self, _: Note) {
                    let _local = self.1.note("local");
                    self.0 = self.1.note("replaced");
                    pause(&self.1, &self.0).await;
                }
            }

            pub(super) fn all(polls: u32) -> Vec<String> {
                let n = |log: &Log, name| log.note(name);
                vec![
                    events(polls, |l| arguments(
                        l.clone(),
                        n(&l, "a"),
                        n(&l, "_"),
                        n(&l, "_b"),
                        Pair(n(&l, "c"), n(&l, "not c")),
                        (n(&l, "d"), n(&l, "e")),
                        n(&l, "f"),
                    )),
                    events(polls, in_statements),
                    events(polls, in_conditions),
                    events(polls, |l| in_tail(l.clone(), n(&l, "argument"))),
                    events(polls, in_tail_match),
                    events(polls, |l| in_return(l, true)),
                    events(polls, |l| in_return(l, false)),
                    events(polls, in_loop),
                    events(polls, in_macros),
                    events(polls, callee_and_arguments),
                    events(polls, |l| Holder(n(&l, "note"), l.clone()).consume(n(&l, "argument"))),
                    events(polls, |l| Holder(n(&l, "note"), l.clone()).consume_mut(n(&l, "argument"))),
                ]
            }
        }
    };
}

bodies!(plain);
bodies!(direct, #[cps_core::coroutine]);

#[test]
fn the_order_is_that_of_async_fn() {
    // Miri takes five seconds for each.
    for polls in (0..16).step_by(if cfg!(miri) { 5 } else { 1 }) {
        for (plain, direct) in plain::all(polls).iter().zip(direct::all(polls)) {
            assert_eq!(*plain, direct, "after {polls} polls");
        }
    }
}
