//! Trees, and their traversal by a generator that delegates to itself.
#![allow(dead_code, reason = "not every test uses all of it")]

use cps_core::{yield_, yield_from};

/// A binary tree of which only the shape matters: values are numbered in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) value: u32,
    pub(crate) left: Option<Box<Node>>,
    pub(crate) right: Option<Box<Node>>,
}

#[cps_core::coroutine(yields = &'t u32, elision = "stack")]
pub(crate) fn in_order<'t>(node: &'t Node) {
    if let Some(left) = &node.left {
        yield_from(in_order(left)).await;
    }
    yield_(&node.value).await;
    if let Some(right) = &node.right {
        yield_from(in_order(right)).await;
    }
}

/// Inserts as a search tree does.
pub(crate) fn tree(values: &[u32]) -> Node {
    let mut root = Node { value: values[0], ..Node::default() };
    for &value in &values[1..] {
        let mut place = &mut root;
        loop {
            let next = if value < place.value { &mut place.left } else { &mut place.right };
            match next {
                Some(node) => place = node,
                None => {
                    *next = Some(Box::new(Node { value, ..Node::default() }));
                    break;
                }
            }
        }
    }
    root
}

/// A chain of nodes to the left, which is dropped without recursion.
pub(crate) struct Degenerate(pub(crate) Node);

impl Degenerate {
    pub(crate) fn new(depth: u32) -> Self {
        let mut node = Node::default();
        for value in 1..depth {
            node = Node { value, left: Some(Box::new(node)), right: None };
        }
        Degenerate(node)
    }
}

impl Drop for Degenerate {
    fn drop(&mut self) {
        let mut next = self.0.left.take();
        while let Some(mut node) = next {
            next = node.left.take();
        }
    }
}
