//! Synchronous generators as iterators: what they yield, return, hold, and where they may be.
#![cfg(feature = "alloc")]
#![allow(missing_docs)]

#[path = "support/allocator.rs"]
mod allocator;
mod support;
#[path = "support/tree.rs"]
mod tree;

use std::fmt::Debug;
use std::iter::FusedIterator;
use std::pin::{Pin, pin};
use std::rc::Rc;

use cps_core::{generator::Generator, placement::StackOptions, yield_, yield_from};
use support::{Log, Note, Planned, panic_of};
use tree::{Degenerate, in_order, tree};

#[cps_core::coroutine(yields = u32)]
fn counted(to: u32) -> u32 {
    for n in 0..to {
        yield_(n).await;
    }
    to
}

#[test]
fn a_delegation_evaluates_to_what_the_delegate_returns() {
    #[cps_core::coroutine(yields = u32)]
    fn outer() {
        let sum = yield_from(counted(2)).await + yield_from(counted(0).on_heap()).await;
        yield_(100 + sum).await;
    }
    assert_eq!(outer().into_iter().collect::<Vec<_>>(), [0, 1, 102]);
}

#[test]
fn an_error_that_is_returned_is_the_last_item() {
    #[cps_core::coroutine(yields = u32)]
    fn failing(to: u32) -> Result<(), String> {
        for n in 0..to {
            yield_(n).await;
        }
        Err(format!("no {to}"))?;
        Ok(())
    }
    let mut items = failing(1).into_iter();
    assert_eq!(items.next(), Some(Ok(0)));
    assert_eq!(items.next(), Some(Err("no 1".to_owned())));
    assert_eq!((items.next(), items.next()), (None, None));
    assert_eq!(failing(0).into_iter().collect::<Vec<_>>(), [Err("no 0".to_owned())]);
}

#[test]
fn ok_is_no_item() {
    #[cps_core::coroutine(yields = u32)]
    fn fine() -> Result<(), String> {
        yield_(1).await;
        Ok(())
    }
    assert_eq!(fine().into_iter().collect::<Vec<_>>(), [Ok(1)]);
}

#[test]
fn a_body_runs_only_as_far_as_items_are_asked_for() {
    #[cps_core::coroutine(yields = u32)]
    fn body(log: &Log) {
        log.did("start", 0);
        yield_(1).await;
        log.did("middle", 0);
        yield_(2).await;
        log.did("end", 0);
    }
    let log = Log::default();
    let mut items = body(&log).into_iter();
    let mut lengths = vec![log.events().len()];
    while items.next().is_some() {
        lengths.push(log.events().len());
    }
    lengths.push(log.events().len());
    assert_eq!(lengths, [0, 1, 2, 3]);
}

#[test]
fn an_unstarted_generator_drops_its_arguments_once() {
    #[cps_core::coroutine(yields = u32)]
    fn holds(_note: Note) {
        yield_(1).await;
    }
    let log = Log::default();
    drop(holds(log.note("unstarted")));
    drop(yield_from(holds(log.note("delegate"))));
    drop(holds(log.note("root")).into_root());
    drop(holds(log.note("iterator")).into_iter());
    assert_eq!(log.drops(), ["unstarted", "delegate", "root", "iterator"]);
    log.assert_each_dropped_once();
}

#[test]
fn an_item_that_is_never_yielded_is_dropped_once() {
    let log = Log::default();
    #[cps_core::coroutine(yields = Note)]
    fn body(log: &Log) {
        drop(yield_(log.note("ignored")));
        yield_(log.note("item")).await;
    }
    assert_eq!(body(&log).into_iter().count(), 1);
    assert_eq!(log.drops(), ["ignored", "item"]);
}

#[test]
fn a_generator_may_be_forgotten() {
    let log = Log::default();
    #[cps_core::coroutine(yields = u32, elision = "stack")]
    fn body(note: Note, depth: u32) {
        yield_(depth).await;
        if depth > 0 {
            yield_from(body(note, depth - 1)).await;
        }
    }
    // A box is leaked, and with it what it holds: nothing is dropped, and nothing else is touched.
    if !cfg!(miri) {
        let mut items = body(log.note("leaked"), 3).into_iter();
        assert_eq!(items.by_ref().take(3).count(), 3);
        std::mem::forget(items);
        assert!(log.drops().is_empty());
    }
}

#[test]
fn a_suspended_generator_moves_between_threads() {
    fn is_send_and_sync<T: Send + Sync>(value: T) -> T {
        value
    }
    let tree = tree(&[4, 2, 6, 1, 3, 5, 7]);
    let mut items = is_send_and_sync(in_order(&tree).into_iter());
    let mut seen: Vec<&u32> = Vec::new();
    for _ in 0..7 {
        let (item, rest) =
            std::thread::scope(|scope| scope.spawn(move || (items.next(), items)).join().unwrap());
        seen.extend(item);
        items = rest;
    }
    assert_eq!(seen, [&1, &2, &3, &4, &5, &6, &7]);
}

#[test]
fn items_need_not_be_send_for_a_generator_to_be() {
    // An item is made and taken within one `next`, on one thread.
    #[cps_core::coroutine(yields = Rc<u32>)]
    fn body() {
        yield_(Rc::new(1)).await;
        yield_(Rc::new(2)).await;
    }
    let mut items = body().into_iter();
    assert_eq!(items.next(), Some(Rc::new(1)));
    std::thread::spawn(move || assert_eq!(items.next(), Some(Rc::new(2)))).join().unwrap();
}

#[test]
fn a_panic_reaches_next_and_ends_the_iterator() {
    let log = Log::default();
    #[cps_core::coroutine(yields = u32, elision = "stack")]
    fn body(log: &Log, depth: u32) {
        let _note = log.note(["outer", "inner"][depth as usize]);
        yield_(depth).await;
        if depth == 1 {
            Planned::panic("depth", depth);
        }
        yield_from(body(log, depth + 1)).await;
    }
    let mut items = body(&log, 0).into_iter();
    assert_eq!((items.next(), items.next()), (Some(0), Some(1)));
    assert_eq!(panic_of(|| items.next()), "depth 1");
    assert_eq!(log.drops_in_panic(), ["inner", "outer"]);
    assert_eq!((items.next(), items.next()), (None, None));
    assert_eq!(format!("{items:?}"), "GeneratorRoot(ended)");
}

#[test]
fn a_panic_before_the_first_item_ends_the_iterator() {
    #[cps_core::coroutine(yields = u32)]
    fn body() {
        Planned::panic("first", 0);
        #[expect(unreachable_code)]
        yield_(1).await;
    }
    let mut items = pin!(body().into_root());
    assert_eq!(panic_of(|| items.next()), "first 0");
    assert_eq!(items.next(), None);
}

#[test]
fn a_body_that_waits_ends_the_iterator_by_a_panic() {
    // The macro's `.await` is not seen by the attribute.
    macro_rules! wait_for {
        ($future:expr) => {
            $future.await
        };
    }
    #[cps_core::coroutine(yields = u32)]
    fn body(_note: Note) {
        yield_(wait_for!(std::future::ready(1))).await;
        wait_for!(std::future::pending::<()>());
    }
    let log = Log::default();
    let mut items = body(log.note("argument")).into_iter();
    assert_eq!(items.next(), Some(1));
    let message = panic_of(|| items.next());
    assert_eq!(message, "a synchronous generator awaited a future that is not ready");
    assert_eq!(log.drops(), ["argument"]);
    assert_eq!(items.next(), None);
}

#[test]
fn generators_are_generic_have_receivers_and_stand_in_traits() {
    trait Values {
        #[cps_core::coroutine(yields = u32)]
        fn values(&self) -> usize;
    }

    struct List<T>(Vec<T>);

    impl<T: Copy + Into<u32>> Values for List<T> {
        #[cps_core::coroutine(yields = u32)]
        fn values(&self) -> usize {
            for &value in &self.0 {
                yield_(value.into()).await;
            }
            self.0.len()
        }
    }

    impl<T> List<T> {
        #[cps_core::coroutine(yields = &T)]
        fn references(&self) {
            for value in &self.0 {
                yield_(value).await;
            }
        }

        #[cps_core::coroutine(yields = impl Debug + use<T>)]
        fn debugged(self)
        where
            T: Debug,
        {
            for value in self.0 {
                yield_(Some(value)).await;
            }
        }
    }

    #[cps_core::coroutine(yields = u32)]
    fn twice(values: &impl Values) {
        let n = yield_from(values.values()).await + yield_from(values.values()).await;
        yield_(n as u32).await;
    }

    let list = List(vec![3u8, 4]);
    assert_eq!(twice(&list).into_iter().collect::<Vec<_>>(), [3, 4, 3, 4, 4]);
    assert!(list.references().into_iter().eq([&3, &4]));
    let debugged = list.debugged().into_iter().map(|value| format!("{value:?}"));
    assert_eq!(debugged.collect::<Vec<_>>(), ["Some(3)", "Some(4)"]);
}

#[test]
fn a_longer_lifetime_may_be_yielded_where_a_shorter_one_is_asked_for() {
    #[cps_core::coroutine(yields = &'static str)]
    fn literal() {
        yield_("literal").await;
    }
    #[cps_core::coroutine(yields = &'a str)]
    fn both<'a>(text: &'a str) {
        yield_(text).await;
        yield_("other").await;
        yield_from(literal()).await;
    }
    let text = String::from("text");
    assert!(both(&text).into_iter().eq(["text", "other", "literal"]));
}

#[test]
fn zero_sized_and_large_items_pass_through_the_slot() {
    #[cps_core::coroutine(yields = T)]
    fn repeated<T: Clone>(item: T, times: usize) {
        for _ in 0..times {
            yield_(item.clone()).await;
        }
    }
    assert_eq!(repeated((), 3).into_iter().count(), 3);
    assert!(repeated([7u64; 500], 2).into_iter().all(|item| item == [7; 500]));
    assert_eq!(repeated(None::<String>, 2).into_iter().collect::<Vec<_>>(), [None, None]);
}

#[test]
fn a_root_yields_in_place_with_one_allocation_for_deep_delegation() {
    let tree = tree(&[4, 2, 6, 1, 3, 5, 7]);
    let (sum, counts) = allocator::during(|| {
        let mut items = pin!(in_order(&tree).into_root());
        items.as_mut().by_ref().map(|n| u64::from(*n)).sum::<u64>()
    });
    // The frame stack.
    assert_eq!((sum, counts.allocations, counts.frees), (28, 1, 1));

    let (sum, counts) = allocator::during(|| in_order(&tree).into_iter().sum::<u32>());
    // The frame stack and the box.
    assert_eq!((sum, counts.allocations, counts.frees), (28, 2, 2));

    let (sum, counts) = allocator::during(|| {
        let options = StackOptions::new().limit(1024).inside::<1024>();
        pin!(in_order(&tree).into_root_with(options)).sum::<u32>()
    });
    assert_eq!((sum, counts.allocations), (28, 0));

    let (sum, counts) = allocator::during(|| counted_sum(5));
    assert_eq!((sum, counts.allocations), (10, 0));
}

fn counted_sum(to: u32) -> u32 {
    #[cps_core::coroutine(yields = u32)]
    fn root(to: u32) {
        yield_from(counted(to)).await;
    }
    pin!(root(to).into_root()).sum()
}

#[test]
fn a_limited_stack_is_a_panic_at_the_delegation_that_exceeds_it() {
    let tree = Degenerate::new(1000);
    let mut items = pin!(in_order(&tree.0).into_root_with(StackOptions::new().limit(4096)));
    assert!(panic_of(|| items.next()).contains("limit of 4096 bytes"));
    assert_eq!(items.next(), None);
    let mut items = pin!(in_order(&tree.0).into_root_with(StackOptions::new()));
    assert_eq!(items.next(), Some(&0));
    assert!(items.stack_usage().in_use >= 1000 * 24);
}

#[test]
fn an_unstarted_generator_is_as_large_as_its_arguments_and_a_frame_has_no_room_for_items() {
    #[cps_core::coroutine(yields = [u8; 1000])]
    fn large(times: u64) {
        for _ in 0..times {
            yield_([1; 1000]).await;
        }
    }
    #[cps_core::coroutine(yields = [u8; 1000])]
    fn outer(times: u64) {
        yield_from(large(times)).await;
        yield_from(large(times)).await;
    }
    assert_eq!(size_of_val(&large(1)), 8);
    let (inner, outer) = (size_of_val(&large(1).into_root()), size_of_val(&outer(1).into_root()));
    assert!((1000..1200).contains(&inner), "{inner}");
    assert!(outer - inner < 100, "{outer} - {inner}");
}

#[test]
fn a_backtrace_names_the_bodies_and_where_they_delegate() {
    #[cps_core::coroutine(yields = u32)]
    fn inner() {
        yield_(1).await;
    }
    #[cps_core::coroutine(yields = u32)]
    fn outer() {
        yield_from(inner()).await;
    }
    let mut items = pin!(outer().into_root());
    assert!(items.backtrace().frames().is_empty());
    assert_eq!(items.next(), Some(1));
    let backtrace = items.backtrace();
    let names: Vec<_> = backtrace.frames().iter().map(|frame| frame.function()).collect();
    assert!(names[0].ends_with("inner") && names[1].ends_with("outer"), "{names:?}");
    assert!(backtrace.to_string().contains("generator.rs"), "{backtrace}");
}

#[test]
fn what_generators_are_is_said_by_their_types() {
    fn iterator<T: Iterator<Item = u32> + FusedIterator + Unpin>(_: &T) {}
    fn generator<T, B: cps_core::Body>(_: &Generator<T, B>) {}
    #[cps_core::coroutine(yields = u32)]
    fn body() {
        yield_(1).await;
    }
    generator(&body());
    let mut root: Pin<Box<_>> = body().into_iter();
    iterator(&root);
    iterator(&root.as_mut());
    assert_eq!(root.size_hint(), (0, None));
    let states = [format!("{:?}", body()), format!("{root:?}"), {
        root.next();
        format!("{root:?}")
    }];
    assert_eq!(
        states,
        ["Generator(unstarted)", "GeneratorRoot(unstarted)", "GeneratorRoot(suspended)"]
    );
    assert_eq!(root.next(), None);
    assert_eq!(
        (root.size_hint(), format!("{root:?}")),
        ((0, Some(0)), "GeneratorRoot(ended)".to_owned())
    );
}
