//! This project's generators.

use std::pin::pin;
use std::rc::Rc;

use cps_core::{yield_, yield_from};
use lab_work::drive::Sample;
use lab_work::generate::{Node, Tree, add, traversals};

#[cps_core::coroutine(yields = u64, elision = "stack")]
fn in_order(node: &Node) {
    if let Some(left) = &node.left {
        yield_from(in_order(left)).await;
    }
    yield_(node.value).await;
    if let Some(right) = &node.right {
        yield_from(in_order(right)).await;
    }
}

/// See [`Strategy::generate`](lab_work::strategy::Strategy::generate).
pub(super) fn by_loop(tree: &Rc<Tree>) -> Option<Sample> {
    Some(traversals(tree, |root| {
        let mut sum = 0;
        for value in pin!(in_order(root).into_root()) {
            sum = add(sum, value);
        }
        sum
    }))
}

/// The same items, consumed as a whole: `fold` suspends nothing.
pub(crate) fn by_fold(tree: &Rc<Tree>) -> Option<Sample> {
    Some(traversals(tree, |root| pin!(in_order(root).into_root()).fold(0, add)))
}
