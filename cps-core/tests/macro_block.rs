//! `coroutine_block!`: a body that captures by move.
#![deny(warnings)]
#![allow(missing_docs)]

mod support;

use std::future::IntoFuture;

use cps_core::{BoxCoroutine, coroutine_block};
use support::{Log, YieldOnce};

fn run<F: IntoFuture>(future: F) -> F::Output {
    support::drive(future.into_future()).0
}

#[cps_core::coroutine]
async fn echo<T>(x: T) -> T {
    YieldOnce::default().await;
    x
}

#[test]
fn captures_by_move_and_through_references() {
    let (owned, mut count, text) = (String::from("a"), 0, String::from("b"));
    let (by_reference, by_mut) = (&text, &mut count);
    let block = coroutine_block! {
        *by_mut += echo(1).await;
        echo(owned).await + by_reference
    };
    assert_eq!(run(block), "ab");
    assert_eq!((count, text.as_str()), (1, "b"));

    let mut v = vec![1];
    assert_eq!(run(coroutine_block! { v.push(echo(2).await); v }), [1, 2]);
    run(coroutine_block! {});
}

#[test]
fn returns_and_question_marks_are_its_own() {
    let parse = |s: &'static str| {
        coroutine_block! {
            if s == "early" {
                return Ok(7);
            }
            let n = echo(s).await.parse::<u32>()?;
            Ok::<u32, std::num::ParseIntError>(n)
        }
    };
    assert_eq!(run(parse("3")), Ok(3));
    assert_eq!(run(parse("early")), Ok(7));
    assert!(run(parse("x")).is_err());
    let early = |n: u32| coroutine_block! { if n == 0 { return 5 } echo(n).await };
    assert_eq!((run(early(0)), run(early(1))), (5, 1));
}

#[test]
fn captures_are_dropped_once_when_it_returns() {
    let log = Log::default();
    let (used, unused) = (log.note("used"), log.note("unused"));
    let inner = log.clone();
    let block = coroutine_block! {
        echo(()).await;
        let _mentioned = &unused;
        let _local = inner.note("local");
        drop(used);
        inner.did("end", 0);
        echo(()).await;
    };
    let mut future = Box::pin(block.into_future());
    assert!(support::poll(&mut future).is_pending());
    assert_eq!(log.drops(), [""; 0]);
    assert!(support::poll(&mut future).is_pending());
    assert_eq!(log.drops(), ["used"]);
    assert!(support::poll(&mut future).is_ready());
    assert_eq!(log.drops(), ["used", "local", "unused"]);
    drop(future);
    log.assert_each_dropped_once();
}

#[test]
fn captures_are_dropped_once_when_it_is_cancelled() {
    for polls in 0..3 {
        let log = Log::default();
        let note = log.note("captured");
        let block = coroutine_block! {
            echo(()).await;
            let _ = &note;
            echo(()).await;
        };
        support::run(&log, block.into_future(), polls);
        log.assert_each_dropped_once();
    }
    let log = Log::default();
    let note = log.note("captured");
    drop(coroutine_block! { drop(note) });
    log.assert_each_dropped_once();
}

#[cps_core::coroutine]
async fn nests(x: &mut Vec<u32>) -> u32 {
    let n = 1;
    // A call, as of any other coroutine.
    let first = coroutine_block! {
        x.push(echo(1).await);
        let inner = coroutine_block! { if n == 0 { return 0 } echo(x.len()).await as u32 };
        inner.await + 1
    };
    first.await + coroutine_block! { echo(10).await }.await
}

struct Owner(u32);

impl Owner {
    #[cps_core::coroutine]
    async fn nests(&mut self) -> u32 {
        let this = &mut *self;
        coroutine_block! { this.0 += echo(1).await; }.await;
        let n = self.0;
        coroutine_block! { echo(self.0).await }.await - n + 3
    }
}

#[test]
fn nests_in_coroutines() {
    assert_eq!(run(nests(&mut Vec::new())), 12);
    assert_eq!(run(Owner(1).nests()), 3);
}

#[test]
fn makes_boxed_coroutines_of_one_type() {
    let names = ["a", "b"].map(String::from);
    let mut all: Vec<BoxCoroutine<'_, String>> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        all.push(coroutine_block! { echo(name.clone()).await + &i.to_string() }.boxed());
    }
    all.push(coroutine_block! { String::from("c") }.boxed());
    let joined = coroutine_block! {
        let mut joined = String::new();
        for coroutine in all {
            joined += &coroutine.await;
        }
        joined
    };
    assert_eq!(run(joined), "a0b1c");
}

mod reexport {
    pub(crate) mod inner {
        pub(crate) use cps_core as cps;
    }
}

mod elsewhere {
    #[cps_core::coroutine(crate = crate::reexport::inner::cps)]
    pub(crate) async fn function() -> u32 {
        super::echo(1).await
    }
}

#[test]
fn the_crate_may_be_anywhere() {
    let block = coroutine_block! {
        #![coroutine(crate = reexport::inner::cps)]
        elsewhere::function().await + 1
    };
    assert_eq!(run(block), 2);
}

/// `coroutine_block!(async { … })` captures as the block in it would.
mod as_an_async_block {
    use super::*;

    #[test]
    fn borrows_what_it_uses_by_reference() {
        let (text, mut count, numbers) = (String::from("a"), 0, vec![1, 2]);
        let block = coroutine_block!(async {
            count += echo(1).await;
            for n in &numbers {
                count += echo(*n).await;
            }
            text.len()
        });
        assert_eq!(run(block), 1);
        assert_eq!((text.as_str(), count, numbers), ("a", 4, vec![1, 2]));
    }

    #[test]
    fn moves_what_it_uses_by_value() {
        let (text, lent) = (String::from("a"), String::from("b"));
        let block = coroutine_block!(async {
            let text = echo(text).await;
            text + &lent
        });
        assert_eq!(run(block), "ab");
        assert_eq!(lent, "b");
    }

    #[test]
    fn captures_fields_one_by_one() {
        struct Pair(String, Vec<u32>);
        let mut pair = Pair(String::from("a"), vec![]);
        let text = &pair.0;
        let block = coroutine_block!(async { pair.1.push(echo(1).await) });
        run(block);
        assert_eq!(text, "a");
        assert_eq!(pair.1, [1]);
    }

    #[test]
    fn is_called_and_borrows_across_the_call() {
        #[cps_core::coroutine]
        async fn sum(numbers: Vec<u32>) -> u32 {
            let mut sum = 0;
            let add = coroutine_block!(async {
                for n in &numbers {
                    sum += echo(*n).await;
                }
            });
            add.await;
            sum + numbers.len() as u32
        }
        assert_eq!(run(sum(vec![1, 2, 3])), 9);
    }

    #[test]
    fn joins_that_share_what_they_read() {
        let (text, log) = (String::from("abc"), Log::default());
        let first = coroutine_block!(async {
            support::Yield::new(&log, 1).await;
            &text[..1]
        });
        let all = coroutine_block!(async { text.len() });
        assert_eq!(run(cps_core::join((first, all))), ("a", 3));
    }

    #[test]
    fn is_send_if_what_it_captures_is() {
        fn send<F: IntoFuture<IntoFuture: Send>>(future: F) -> F::Output {
            run(future)
        }
        let mut n = 1;
        send(coroutine_block!(async { n += echo(1).await }));
        assert_eq!(n, 2);
    }

    #[test]
    fn moves_all_if_the_block_says_so() {
        fn later<'a>(text: &'a str, n: u32) -> BoxCoroutine<'a, String> {
            coroutine_block!(async move { format!("{}{}", echo(text).await, n) }).boxed()
        }
        assert_eq!(run(later("a", 1)), "a1");
    }

    #[test]
    fn takes_options_too() {
        let text = String::from("a");
        let block = coroutine_block!(#![coroutine(elision = "stack")] async { text.len() });
        let _: &cps_core::Coroutine<_, cps_core::placement::Stack> = &block;
        assert_eq!(run(block), 1);
    }

    #[test]
    fn an_async_block_among_others_is_what_it_was() {
        let nested = coroutine_block! { async { 1 }.await + async { 2 }.await };
        assert_eq!(run(nested), 3);
        let future = coroutine_block! { let n = 3; async move { n } };
        assert_eq!(run(run(future)), 3);
    }

    #[test]
    fn captures_are_dropped_when_it_returns_or_is_dropped() {
        let log = Log::default();
        let (moved, lent) = (log.note("moved"), log.note("lent"));
        let mut future = Box::pin(coroutine_block!(async {
            let _lent = &lent;
            let _moved = moved;
            echo(()).await;
        }));
        assert!(support::poll(&mut future).is_pending());
        drop(future);
        assert_eq!(log.drops(), ["moved"]);
        drop(lent);
        log.assert_each_dropped_once();
    }
}
