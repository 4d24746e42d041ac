//! Generators: the cost of the next item when it comes from deep within a recursion.
//!
//! The work is the in-order traversal of a binary tree, item by item: `next` is called for each value, as
//! a `for` loop does, except by `direct-fold`, which consumes the iterator as a whole, and by the visitor,
//! which is called itself and so is a floor and no iterator.

use std::hint::black_box;
use std::rc::Rc;

use anyhow::ensure;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::clock::ThreadTime;
use crate::drive::Sample;

/// How a tree grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// `2^depth - 1` nodes, all paths of the same length; allocated in the order of their values by
    /// descent, so that neighbours are near each other in memory.
    Balanced,
    /// The search tree that `2^depth - 1` insertions in random order make, with a seed of its own. It
    /// is about two and a half times as deep, and a node lies anywhere.
    Random,
    /// `depth` nodes, each the left child of the next: the path to the first item is the whole tree.
    Degenerate,
}

impl Shape {
    /// All, in the order of the tables.
    pub const ALL: [Shape; 3] = [Shape::Balanced, Shape::Random, Shape::Degenerate];

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Shape::Balanced => "balanced",
            Shape::Random => "random",
            Shape::Degenerate => "degenerate",
        }
    }
}

/// A node as a program would have it.
#[derive(Debug, Default)]
pub struct Node {
    /// The item.
    pub value: u64,
    /// The nodes before it.
    pub left: Option<Box<Node>>,
    /// The nodes after it.
    pub right: Option<Box<Node>>,
}

/// A tree whose values are 0, 1, 2, … in order.
#[derive(Debug)]
pub struct Tree {
    root: Option<Box<Node>>,
    nodes: u64,
    shape: Shape,
    depth: u32,
}

impl Tree {
    /// Builds a tree. See [`Shape`] for what `depth` means; it is at least 1, and less than 32 unless the
    /// tree is degenerate.
    #[must_use]
    pub fn build(shape: Shape, depth: u32) -> Rc<Self> {
        let nodes = match shape {
            Shape::Balanced | Shape::Random => (1 << depth) - 1,
            Shape::Degenerate => u64::from(depth),
        };
        let root = match shape {
            Shape::Balanced => balanced(0, nodes),
            Shape::Random => random(nodes),
            Shape::Degenerate => (0..nodes)
                .fold(None, |left, value| Some(Box::new(Node { value, left, right: None }))),
        };
        Rc::new(Tree { root, nodes, shape, depth })
    }

    /// The number of items.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.nodes
    }

    /// How it grew.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The parameter that it was built with.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The most nodes on a path. Without recursion: a tree may be as deep as it is large.
    #[must_use]
    pub fn height(&self) -> usize {
        let mut height = 0;
        let mut rest: Vec<(&Node, usize)> =
            self.root.as_deref().map(|node| (node, 1)).into_iter().collect();
        while let Some((node, level)) = rest.pop() {
            height = height.max(level);
            let children = [&node.left, &node.right].into_iter().filter_map(Option::as_deref);
            rest.extend(children.map(|child| (child, level + 1)));
        }
        height
    }

    fn root(&self) -> &Node {
        self.root.as_deref().expect("a tree has a node")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let mut rest: Vec<Box<Node>> = self.root.take().into_iter().collect();
        while let Some(mut node) = rest.pop() {
            rest.extend([node.left.take(), node.right.take()].into_iter().flatten());
        }
    }
}

fn balanced(from: u64, to: u64) -> Option<Box<Node>> {
    (from < to).then(|| {
        let value = from.midpoint(to);
        let mut node = Box::new(Node { value, left: None, right: None });
        node.left = balanced(from, value);
        node.right = balanced(value + 1, to);
        node
    })
}

fn random(nodes: u64) -> Option<Box<Node>> {
    let mut values: Vec<u64> = (0..nodes).collect();
    values.shuffle(&mut SmallRng::seed_from_u64(1));
    let mut root = None;
    for value in values {
        let mut place: &mut Option<Box<Node>> = &mut root;
        while let Some(node) = place {
            place = if value < node.value { &mut node.left } else { &mut node.right };
        }
        *place = Some(Box::new(Node { value, left: None, right: None }));
    }
    root
}

/// The sum that depends on the order: each item enters the next one's.
#[inline(always)]
#[must_use]
pub fn add(sum: u64, value: u64) -> u64 {
    sum.wrapping_mul(31).wrapping_add(value)
}

/// A sample of a way to traverse a tree, which gives the sum of its values by [`add`]. **An iteration is
/// one traversal.**
#[must_use]
pub fn traversals(tree: &Rc<Tree>, traverse: fn(&Node) -> u64) -> Sample {
    let tree = tree.clone();
    let expected = (0..tree.nodes).fold(0, add);
    Box::new(move |iterations| {
        let start = ThreadTime::now();
        for _ in 0..iterations {
            let sum = traverse(black_box(tree.root()));
            ensure!(sum == expected, "wrong items: their sum is {sum} and not {expected}");
        }
        Ok(start.elapsed())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_have_the_shape_that_they_say() {
        for (shape, depth, nodes, heights) in [
            (Shape::Balanced, 1, 1, 1..=1),
            (Shape::Balanced, 10, 1023, 10..=10),
            (Shape::Random, 10, 1023, 15..=40),
            (Shape::Degenerate, 1000, 1000, 1000..=1000),
        ] {
            let tree = Tree::build(shape, depth);
            assert_eq!((tree.nodes(), tree.shape(), tree.depth()), (nodes, shape, depth));
            assert!(heights.contains(&tree.height()), "{shape:?}: {}", tree.height());
        }
    }

    #[test]
    fn wrong_items_are_noticed() {
        let tree = Tree::build(Shape::Balanced, 3);
        assert!(traversals(&tree, |_| 0)(1).is_err());
    }
}
