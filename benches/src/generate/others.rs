//! What generators are compared with.

use std::cell::Cell;
use std::future::Future;
use std::iter;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::{Generate, Node, Tree, add, traversals};
use crate::drive::{Suspend, suspend};
use crate::measure::Sample;

/// The deepest tree for what recurses on the host stack, or takes time in proportion to the depth for
/// each item.
const DEEPEST: usize = 10_000;

fn if_shallow(tree: &Rc<Tree>, sample: Generate) -> Option<Sample> {
    if tree.height() <= DEEPEST { sample(tree) } else { None }
}

/// By hand: an iterator that holds the path to its next node.
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

pub(crate) fn explicit_stack(tree: &Rc<Tree>) -> Option<Sample> {
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

/// An iterator made of those of the children: an item passes through all levels above it.
fn nested(node: &Node) -> Box<dyn Iterator<Item = u64> + '_> {
    let left = node.left.iter().flat_map(|child| nested(child));
    let right = node.right.iter().flat_map(|child| nested(child));
    Box::new(left.chain(iter::once(node.value)).chain(right))
}

pub(crate) fn nested_iterator(tree: &Rc<Tree>) -> Option<Sample> {
    if_shallow(tree, |tree| {
        Some(traversals(tree, |root| {
            let mut sum = 0;
            for value in nested(root) {
                sum = add(sum, value);
            }
            sum
        }))
    })
}

/// What the body of a generator has in the style of the crate `genawaiter`: where an item is left for
/// whoever polls the body's future.
struct Co(Cell<Option<u64>>);

impl Co {
    fn yield_(&self, value: u64) -> Suspend {
        self.0.set(Some(value));
        suspend()
    }
}

/// A future for each level, since it recurses: a resume polls all of them.
fn in_order<'t>(co: &'t Co, node: &'t Node) -> Pin<Box<dyn Future<Output = ()> + 't>> {
    Box::pin(async move {
        if let Some(left) = &node.left {
            in_order(co, left).await;
        }
        co.yield_(node.value).await;
        if let Some(right) = &node.right {
            in_order(co, right).await;
        }
    })
}

pub(crate) fn genawaiter(tree: &Rc<Tree>) -> Option<Sample> {
    if_shallow(tree, |tree| {
        Some(traversals(tree, |root| {
            let co = Co(Cell::new(None));
            let mut body = in_order(&co, root);
            let items = iter::from_fn(|| {
                match body.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(()) => None,
                    Poll::Pending => co.0.take(),
                }
            });
            let mut sum = 0;
            for value in items {
                sum = add(sum, value);
            }
            sum
        }))
    })
}

fn visit(node: &Node, f: &mut impl FnMut(u64)) {
    if let Some(left) = &node.left {
        visit(left, f);
    }
    f(node.value);
    if let Some(right) = &node.right {
        visit(right, f);
    }
}

pub(crate) fn visitor(tree: &Rc<Tree>) -> Option<Sample> {
    if_shallow(tree, |tree| {
        Some(traversals(tree, |root| {
            let mut sum = 0;
            visit(root, &mut |value| sum = add(sum, value));
            sum
        }))
    })
}
