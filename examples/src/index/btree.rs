//! A B+-tree.

use cps_core::cps;
use cps_core::prefetch::{Locality, Policy};

use super::load;

/// How many keys a node has.
const KEYS: usize = 31;

/// A node of 512 bytes: eight lines, four of keys and four of links.
///
/// In an inner node `links[i]` leads to the keys less than `keys[i]` and not less than those
/// before it. In a leaf it is the value of `keys[i]`. Unused keys are the largest number.
#[derive(Debug)]
#[repr(C, align(64))]
struct Node {
    keys: [u64; KEYS],
    used: u64,
    links: [u64; KEYS + 1],
}

/// `u64` to `u64`, loaded in bulk and read-only, in nodes of 512 bytes.
///
/// A lookup is a chain of five calls, `get` → `descend` → `child` → `position` → `fetch`, and
/// suspends in the innermost.
#[derive(Debug)]
pub struct BTree {
    nodes: Vec<Node>,
    root: u64,
    /// How many levels of inner nodes there are.
    height: u32,
}

impl BTree {
    /// The tree of these entries, whose keys ascend. Nodes are full, as after a bulk load.
    ///
    /// # Panics
    /// If the keys do not ascend.
    pub fn from_sorted(entries: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut tree = BTree { nodes: Vec::new(), root: 0, height: 0 };
        let mut level = tree.leaves(entries.into_iter());
        while level.len() > 1 {
            level = tree.inner(&level);
            tree.height += 1;
        }
        tree.root = level[0].1;
        tree
    }

    /// Appends the leaves. Returns the first key and the place of each: one at least.
    fn leaves(&mut self, mut entries: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
        let mut level = Vec::new();
        let mut last = None;
        loop {
            let mut leaf = Node { keys: [u64::MAX; KEYS], used: 0, links: [0; KEYS + 1] };
            for (at, (key, value)) in entries.by_ref().take(KEYS).enumerate() {
                assert!(last < Some(key), "the keys of a tree must ascend");
                last = Some(key);
                leaf.keys[at] = key;
                leaf.links[at] = value;
                leaf.used += 1;
            }
            if leaf.used == 0 && !level.is_empty() {
                return level;
            }
            level.push((leaf.keys[0], self.nodes.len() as u64));
            self.nodes.push(leaf);
        }
    }

    /// Appends the nodes above a level, and returns what `leaves` does.
    fn inner(&mut self, below: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let mut level = Vec::new();
        for children in below.chunks(KEYS + 1) {
            let mut node = Node { keys: [u64::MAX; KEYS], used: 0, links: [0; KEYS + 1] };
            for (at, (first, child)) in children.iter().enumerate() {
                node.links[at] = *child;
                if at > 0 {
                    node.keys[at - 1] = *first;
                    node.used += 1;
                }
            }
            level.push((children[0].0, self.nodes.len() as u64));
            self.nodes.push(node);
        }
        level
    }

    /// The size of the tree in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.nodes[..])
    }

    /// Looks up a key.
    #[cps]
    pub async fn get<P: Policy>(&self, key: u64, policy: P) -> Option<u64> {
        let leaf = self.descend(key, policy).await;
        let after = self.position(leaf, key, policy).await;
        let at = after.checked_sub(1)?;
        if leaf.keys[at] != key {
            return None;
        }
        Some(load(&leaf.links[at], policy).await)
    }

    /// The leaf where a key is, if it is.
    #[cps]
    async fn descend<P: Policy>(&self, key: u64, policy: P) -> &Node {
        let mut node = &self.nodes[self.root as usize];
        for _ in 0..self.height {
            node = self.child(node, key, policy).await;
        }
        node
    }

    /// The child of an inner node on the way to a key.
    #[cps]
    async fn child<P: Policy>(&self, node: &Node, key: u64, policy: P) -> &Node {
        let at = self.position(node, key, policy).await;
        let child = load(&node.links[at], policy).await;
        &self.nodes[child as usize]
    }

    /// How many keys of a node are not greater than `key`.
    #[cps]
    async fn position<P: Policy>(&self, node: &Node, key: u64, policy: P) -> usize {
        let keys = fetch(&node.keys, policy).await;
        keys[..node.used as usize].partition_point(|other| *other <= key)
    }
}

/// Waits for all keys of a node.
#[cps]
async fn fetch<P: Policy>(keys: &[u64; KEYS], policy: P) -> &[u64; KEYS] {
    policy.prefetch_read_range(keys.as_ptr(), KEYS, Locality::T0).await;
    keys
}
