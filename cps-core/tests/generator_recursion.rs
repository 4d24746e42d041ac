//! Generators that delegate to themselves: trees of any shape, and depths beyond the host stack.
#![cfg(feature = "alloc")]
#![allow(missing_docs)]

#[path = "support/tree.rs"]
mod tree;

use cps_core::{yield_, yield_from};
use proptest::prelude::*;
use tree::{Degenerate, Node, in_order, tree};

/// By hand: the path to the next node.
struct InOrder<'t>(Vec<&'t Node>);

impl<'t> InOrder<'t> {
    fn descend(mut self, mut node: Option<&'t Node>) -> Self {
        while let Some(next) = node {
            self.0.push(next);
            node = next.left.as_deref();
        }
        self
    }
}

impl<'t> Iterator for InOrder<'t> {
    type Item = &'t u32;

    fn next(&mut self) -> Option<&'t u32> {
        let node = self.0.pop()?;
        *self = InOrder(std::mem::take(&mut self.0)).descend(node.right.as_deref());
        Some(&node.value)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_recursive_traversal_yields_what_an_explicit_stack_does(
        values in prop::collection::vec(any::<u32>(), 1..60),
        taken in 0..70usize,
    ) {
        let tree = tree(&values);
        let by_hand = || InOrder(Vec::new()).descend(Some(&tree));
        prop_assert!(in_order(&tree).into_iter().take(taken).eq(by_hand().take(taken)));
        prop_assert!(in_order(&tree).into_iter().eq(by_hand()));
    }
}

/// Runs on a thread with a host stack of 256 KiB.
fn on_a_small_stack(run: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        thread.spawn_scoped(scope, run).unwrap().join().unwrap();
    });
}

#[test]
fn delegation_of_a_million_levels_needs_no_host_stack() {
    let depth = if cfg!(miri) { 500 } else { 1_000_000 };
    let tree = Degenerate::new(depth);
    on_a_small_stack(|| assert!(in_order(&tree.0).into_iter().copied().eq(0..depth)));
}

#[test]
fn a_million_levels_are_dropped_without_host_stack() {
    let depth = if cfg!(miri) { 500 } else { 1_000_000 };
    let tree = Degenerate::new(depth);
    on_a_small_stack(|| {
        let mut items = in_order(&tree.0).into_iter();
        assert_eq!(items.next(), Some(&0));
        assert_eq!(items.as_ref().get_ref().backtrace().frames().len(), depth as usize);
        drop(items);
    });
}

#[test]
fn frames_on_the_heap_are_deferred_too() {
    #[cps_core::coroutine(yields = u32, elision = "heap")]
    fn countdown(from: u32) {
        yield_(from).await;
        if from > 0 {
            yield_from(countdown(from - 1)).await;
        }
    }
    let depth = if cfg!(miri) { 500 } else { 100_000 };
    on_a_small_stack(|| assert!(countdown(depth).into_iter().eq((0..=depth).rev())));
}
