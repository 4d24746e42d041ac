//! A recursive function that calls another with each item.

use std::rc::Rc;

use lab_work::drive::Sample;
use lab_work::generate::{Node, Tree, add, traversals};
use lab_work::strategy::Strategy;

/// The deepest tree whose recursion fits on the host stack.
const DEEPEST: usize = 10_000;

/// The strategy `visitor`.
#[derive(Debug)]
pub struct Visitor;

fn visit(node: &Node, f: &mut impl FnMut(u64)) {
    if let Some(left) = &node.left {
        visit(left, f);
    }
    f(node.value);
    if let Some(right) = &node.right {
        visit(right, f);
    }
}

impl Strategy for Visitor {
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        if tree.height() > DEEPEST {
            return None;
        }
        Some(traversals(tree, |root| {
            let mut sum = 0;
            visit(root, &mut |value| sum = add(sum, value));
            sum
        }))
    }
}
