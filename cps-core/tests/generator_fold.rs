//! Generators consumed as a whole: the closure is called where the items are yielded.
#![cfg(feature = "alloc")]
#![allow(missing_docs)]

mod support;
#[path = "support/tree.rs"]
mod tree;

use std::pin::pin;
use std::rc::Rc;

use cps_core::{yield_, yield_from};
use proptest::prelude::*;
use support::{Log, Planned, panic_of};
use tree::{Degenerate, in_order, tree};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_fold_after_any_number_of_items_sees_the_rest(
        values in prop::collection::vec(any::<u32>(), 1..60),
        taken in 0..70usize,
    ) {
        let tree = tree(&values);
        let all: Vec<u32> = in_order(&tree).into_iter().copied().collect();
        let mut items = pin!(in_order(&tree).into_root());
        let first = items.as_mut().take(taken).count();
        let mut rest = Vec::new();
        items.as_mut().for_each(|value| rest.push(*value));
        prop_assert_eq!(rest, &all[first..]);
        prop_assert_eq!(items.as_mut().fold(7, |_, _| 0), 7, "it has ended");
        prop_assert!(items.next().is_none());
    }
}

/// Yields `depth` at each level on the way down, and again on the way up.
#[cps_core::coroutine(yields = u32, elision = "stack")]
fn down_and_up(log: &Log, depth: u32) {
    let _note = log.note(["first", "second", "third"][depth as usize]);
    log.did("before", depth);
    yield_(depth).await;
    if depth < 2 {
        yield_from(down_and_up(log, depth + 1)).await;
    }
    log.did("between", depth);
    yield_(depth).await;
    log.did("after", depth);
}

#[test]
fn a_fold_interleaves_bodies_and_closure_as_a_loop_does() {
    let (folded, looped) = (Log::default(), Log::default());
    down_and_up(&folded, 0).into_iter().for_each(|item| folded.did("item", item));
    for item in down_and_up(&looped, 0) {
        looped.did("item", item);
    }
    assert_eq!(folded.events(), looped.events());
    assert_eq!(
        folded.events().len(),
        6 + 3 * 4,
        "six items; each level has three parts and a drop"
    );
}

#[test]
fn a_panic_of_the_closure_is_one_of_the_body_that_yields() {
    let log = Log::default();
    let mut items = pin!(down_and_up(&log, 0).into_root());
    let message = panic_of(|| {
        items.as_mut().for_each(|item| {
            if item == 2 {
                Planned::panic("item", item);
            }
        });
    });
    assert_eq!(message, "item 2");
    assert_eq!(log.drops_in_panic(), ["third", "second", "first"]);
    assert_eq!(items.as_mut().fold(0, |count, _| count + 1), 0);
    assert_eq!(items.next(), None);
}

#[test]
fn a_returned_error_is_the_last_item_of_a_fold() {
    #[cps_core::coroutine(yields = u32)]
    fn failing() -> Result<(), String> {
        yield_(1).await;
        Err("end".to_owned())
    }
    let seen = failing().into_iter().fold(Vec::new(), |mut seen, item| {
        seen.push(item);
        seen
    });
    assert_eq!(seen, [Ok(1), Err("end".to_owned())]);
}

#[test]
fn a_fold_of_a_deep_delegation_needs_no_host_stack() {
    let depth: u32 = if cfg!(miri) { 300 } else { 1_000_000 };
    let tree = Degenerate::new(depth);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let sum = || in_order(&tree.0).into_iter().map(|&value| u64::from(value)).sum::<u64>();
        let sum = thread.spawn_scoped(scope, sum).unwrap().join().unwrap();
        assert_eq!(sum, u64::from(depth) * u64::from(depth - 1) / 2);
    });
}

#[test]
fn a_fold_may_start_another_generator_in_its_closure() {
    let mut sum = 0;
    let tree = tree(&[2, 1, 3]);
    in_order(&tree).into_iter().for_each(|outer| {
        in_order(&tree).into_iter().for_each(|inner| sum += outer * inner);
    });
    assert_eq!(sum, 36);
}

#[test]
fn what_was_folded_so_far_is_dropped_once_if_the_closure_or_a_body_panics() {
    #[cps_core::coroutine(yields = u32)]
    fn to_panic(after: u32) {
        for item in 0..after {
            yield_(item).await;
        }
        Planned::panic("body", after);
    }
    let folded = Rc::new(());
    for (from, message) in [("closure", "closure 1"), ("body", "body 3")] {
        let mut items = pin!(to_panic(3).into_root());
        let seen = panic_of(|| {
            items.as_mut().fold((folded.clone(), Box::new(0)), |(folded, count), item| {
                assert_eq!(*count, item);
                if from == "closure" && item == 1 {
                    Planned::panic("closure", item);
                }
                (folded, Box::new(*count + 1))
            });
        });
        assert_eq!(seen, message);
        assert_eq!(Rc::strong_count(&folded), 1, "{from}");
        assert_eq!(items.next(), None);
    }
}
