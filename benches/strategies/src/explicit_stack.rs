//! By hand: an iterator that holds the path to its next item.

use std::rc::Rc;

use lab_work::drive::Sample;
use lab_work::generate::{Node, Tree, add, traversals};
use lab_work::strategy::Strategy;

/// The strategy `explicit-stack`.
#[derive(Debug)]
pub struct ExplicitStack;

/// The path to the next node.
struct InOrder<'t>(Vec<&'t Node>);

impl<'t> InOrder<'t> {
    #[inline(always)]
    fn descend(&mut self, mut node: Option<&'t Node>) {
        while let Some(next) = node {
            self.0.push(next);
            node = next.left.as_deref();
        }
    }
}

impl Iterator for InOrder<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let node = self.0.pop()?;
        self.descend(node.right.as_deref());
        Some(node.value)
    }
}

impl Strategy for ExplicitStack {
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        Some(traversals(tree, |root| {
            let mut items = InOrder(Vec::new());
            items.descend(Some(root));
            let mut sum = 0;
            for value in items {
                sum = add(sum, value);
            }
            sum
        }))
    }
}
