//! `Box<dyn Iterator>` at each level, chained: an item passes through all of them.

use std::iter;
use std::rc::Rc;

use lab_work::drive::Sample;
use lab_work::generate::{Node, Tree, add, traversals};
use lab_work::strategy::Strategy;

/// In deeper trees it takes too long: each item passes through all levels.
const DEEPEST: usize = 1000;

/// The strategy `nested-iterator`.
#[derive(Debug)]
pub struct NestedIterator;

/// An iterator made of those of the children: an item passes through all levels above it.
fn nested(node: &Node) -> Box<dyn Iterator<Item = u64> + '_> {
    let left = node.left.iter().flat_map(|child| nested(child));
    let right = node.right.iter().flat_map(|child| nested(child));
    Box::new(left.chain(iter::once(node.value)).chain(right))
}

impl Strategy for NestedIterator {
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        if tree.height() > DEEPEST {
            return None;
        }
        Some(traversals(tree, |root| {
            let mut sum = 0;
            for value in nested(root) {
                sum = add(sum, value);
            }
            sum
        }))
    }
}
