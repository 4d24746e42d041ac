//! `join` and `try_join`: what is dropped, and in which order, when a branch panics or fails, or the future is
//! dropped.

mod support;

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use cps_core::{join, try_join};
use support::gate::Gate;
use support::{Log, Planned, Yield, panic_of};

mod panics {
    use super::*;

    /// Polls `make`'s join so often that the panic comes, and gives its text and what was dropped.
    fn check<F: Future>(log: &Log, future: F) -> (String, Vec<&'static str>) {
        let mut future = Box::pin(future);
        let text = panic_of(|| {
            for _ in 0..10 {
                let _ = support::poll(&mut future);
            }
        });
        let dropped = log.drops();
        assert!(panic_of(|| support::poll(&mut future)).contains("finished or panicked"));
        drop(future);
        assert_eq!(log.drops(), dropped, "nothing is left when the panic arrives");
        log.assert_each_dropped_once();
        (text, dropped)
    }

    #[cps_core::coroutine]
    async fn outer(log: Log, name: &'static str, panics: bool, suspensions: u32) {
        let _note = log.note(name);
        inner(log.clone(), panics, suspensions).await;
    }

    #[cps_core::coroutine]
    async fn inner(log: Log, panics: bool, suspensions: u32) {
        let _note = log.note("inner");
        for _ in 0..suspensions {
            let mut polled = false;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        if panics {
            Planned::panic("planned", suspensions);
        }
    }

    #[test]
    fn a_panic_drops_its_own_frames_then_the_siblings_in_order_then_reaches_the_joiner() {
        for suspensions in 0..4 {
            let log = Log::default();
            let branches = (
                outer(log.clone(), "first", false, 9),
                outer(log.clone(), "second", true, suspensions),
                outer(log.clone(), "third", false, 9),
            );
            let (text, dropped) = check(&log, join(branches));
            assert_eq!(text, format!("planned {suspensions}"));
            let expected: &[&str] = match suspensions {
                0 => &["inner", "second", "inner", "first"],
                _ => &["inner", "second", "inner", "first", "inner", "third"],
            };
            assert_eq!(dropped, expected);
        }
    }

    #[test]
    fn the_outputs_of_finished_siblings_are_dropped_too() {
        let log = Log::default();
        let note = log.note("output");
        let branches = (async { note }, async { Planned::panic("planned", 0) });
        let (text, dropped) = check(&log, join(branches));
        assert_eq!((text.as_str(), &*dropped), ("planned 0", &["output"][..]));
    }

    #[test]
    fn a_panic_in_the_drop_of_a_branch_leaves_nothing_undropped() {
        let log = Log::default();
        let branch = |note| async move {
            let _note = note;
            pending::<()>().await;
        };
        let mut joined = Box::pin(join([
            branch(log.note("first")),
            branch(log.bomb("second")),
            branch(log.note("third")),
        ]));
        assert!(support::poll(&mut joined).is_pending());
        assert!(panic_of(|| drop(joined)).starts_with("bomb"));
        assert_eq!(log.drops(), ["first", "second", "third"]);
    }
}

#[test]
fn dropping_a_join_at_each_suspension_drops_its_branches_in_order_innermost_first() {
    #[cps_core::coroutine]
    async fn outer(log: Log, name: &'static str, suspensions: u32) {
        let _note = log.note(name);
        inner(log.clone(), suspensions).await;
    }
    #[cps_core::coroutine]
    async fn inner(log: Log, suspensions: u32) {
        let _note = log.note("inner");
        Yield::new(&log, suspensions).await;
    }
    for polls in 0..5 {
        let log = Log::default();
        let joined = join((outer(log.clone(), "a", 3), outer(log.clone(), "b", 1)));
        let mut joined = Box::pin(joined);
        for _ in 0..polls {
            let _ = support::poll(&mut joined);
        }
        drop(joined);
        log.assert_each_dropped_once();
        let expected: &[&str] = match polls {
            0 => &[],
            1 => &["yield", "inner", "a", "yield", "inner", "b"],
            _ => &["yield", "inner", "b", "yield", "inner", "a"],
        };
        assert_eq!(log.drops(), expected, "after {polls} polls");
    }
}

#[test]
fn the_first_error_ends_a_try_join_and_drops_the_rest_in_order() {
    let log = Log::default();
    let gate = Gate::default();
    let branch = |name, result: Option<Result<u32, &'static str>>, gate: Option<Gate>| {
        let note = log.note(name);
        async move {
            let _note = note;
            if let Some(gate) = gate {
                gate.await;
            }
            match result {
                Some(result) => result,
                None => pending().await,
            }
        }
    };
    let mut joined = Box::pin(try_join((
        branch("waits", None, None),
        branch("fails", Some(Err("broken")), Some(gate.clone())),
        branch("succeeds", Some(Ok(1)), None),
    )));
    assert!(support::poll(&mut joined).is_pending());
    assert_eq!(log.drops(), ["succeeds"]);
    gate.open(0);
    match support::poll(&mut joined) {
        Poll::Ready(result) => assert_eq!(result, Err("broken")),
        Poll::Pending => panic!("woken"),
    }
    assert_eq!(log.drops(), ["succeeds", "fails", "waits"]);
    drop(joined);
    log.assert_each_dropped_once();
}

#[test]
fn a_panic_is_the_branches_own() {
    let payload = catch_unwind(AssertUnwindSafe(|| {
        futures::executor::block_on(async {
            join((async {}, async { Planned::panic("mine", 7) })).await
        })
    }))
    .unwrap_err();
    assert_eq!(*payload.downcast::<Planned>().unwrap(), Planned("mine", 7));
}
