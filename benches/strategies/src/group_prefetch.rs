//! The strategy `group-prefetch` (Chen, Ailamaki, Gibbons, Mowry, ICDE 2004): a group of lookups in
//! lockstep, in one loop for each stage of the algorithm. A group ends when its last lookup does.

use cps_core::prefetch::prefetch_read;
use lab_work::prefetch::sorted::half_if;
use lab_work::prefetch::{Lookups, Spec, Table, Way, chained, cycle, lookups, prefetch_all, tree};
use lab_work::strategy::Strategy;

/// Evaluates `$body` with the constant `$G` equal to `$group`, one of [`lab_work::prefetch::GROUPS`].
macro_rules! with_const {
    ($group:expr, $G:ident => $body:expr) => {
        $crate::group_prefetch::with_const!(@each $group, $G => $body; 1 4 8 16 20 24 32)
    };
    (@each $group:expr, $G:ident => $body:expr; $($size:literal)*) => {
        match $group {
            $($size => {
                const $G: usize = $size;
                $body
            })*
            other => unreachable!("no group of {other}"),
        }
    };
}
pub(crate) use with_const;

fn bsearch<const G: usize>(values: &[i32], keys: &[u64; G], outputs: &mut [u64; G]) {
    let keys = keys.map(|key| key as i32);
    let mut before = [0usize; G];
    let mut len = values.len();
    prefetch_read(&raw const values[len / 2]);
    while len > 1 {
        let half = len / 2;
        len -= half;
        for i in 0..G {
            // SAFETY: all `before + len` are at most the length of the array: at first, and
            // whether `half` moves from one to the other or is dropped.
            let value = unsafe { *values.get_unchecked(before[i] + half - 1) };
            before[i] += half_if(half, value < keys[i]);
            prefetch_read(values.as_ptr().wrapping_add(before[i] + len / 2).wrapping_sub(1));
        }
    }
    for i in 0..G {
        outputs[i] = (before[i] + usize::from(values[before[i]] < keys[i])) as u64;
    }
}

fn chase<const G: usize>(nodes: &[cycle::Node], starts: &[u64; G], outputs: &mut [u64; G]) {
    let mut at = starts.map(|start| start as u32);
    for &at in &at {
        prefetch_read(&raw const nodes[at as usize]);
    }
    for _ in 0..cycle::HOPS {
        for at in &mut at {
            *at = cycle::next(nodes, *at);
            prefetch_read(nodes.as_ptr().wrapping_add(*at as usize));
        }
    }
    *outputs = at.map(u64::from);
}

fn hash<const G: usize>(table: chained::View<'_>, keys: &[u64; G], outputs: &mut [u64; G]) {
    let heads = keys.map(|key| table.head(key));
    for head in heads {
        prefetch_read(head);
    }
    let mut nodes = heads.map(|head| {
        let node = table.node(*head);
        if let Some(node) = node {
            prefetch_read(node);
        }
        node
    });
    *outputs = [chained::NONE.into(); G];
    let mut active = true;
    while active {
        active = false;
        for i in 0..G {
            let Some(node) = nodes[i] else { continue };
            if node.key == keys[i] {
                outputs[i] = node.value;
                nodes[i] = None;
            } else {
                nodes[i] = table.node(node.next);
                if let Some(node) = nodes[i] {
                    prefetch_read(node);
                    active = true;
                }
            }
        }
    }
}

fn btree<const G: usize>(tree: tree::View<'_>, keys: &[u64; G], outputs: &mut [u64; G]) {
    let root = tree.inner(tree.root());
    let mut nodes = [root; G];
    for _ in 1..tree.height {
        for i in 0..G {
            nodes[i] = tree.inner(nodes[i].child(keys[i]));
            prefetch_all(&nodes[i].separators);
        }
    }
    let leaves: [&tree::Leaf; G] = std::array::from_fn(|i| {
        let leaf = tree.leaf(nodes[i].child(keys[i]));
        prefetch_all(&leaf.keys);
        leaf
    });
    let values: [Option<&u64>; G] = std::array::from_fn(|i| {
        let value = leaves[i].slot(keys[i]).map(|slot| &leaves[i].values[slot]);
        if let Some(value) = value {
            prefetch_read(value);
        }
        value
    });
    *outputs = values.map(|value| value.copied().unwrap_or(tree::NONE));
}

/// A group's search in one kind of table.
trait Search: Copy {
    fn search<const G: usize>(self, inputs: &[u64; G], outputs: &mut [u64; G]);
}

/// Whole groups, then what is left over, fewer than a group, one at a time.
fn run<const G: usize>(search: impl Search, inputs: &[u64], outputs: &mut [u64]) {
    let (mut inputs, mut outputs) = (inputs.chunks_exact(G), outputs.chunks_exact_mut(G));
    for (inputs, outputs) in inputs.by_ref().zip(outputs.by_ref()) {
        let (inputs, outputs) = (inputs.try_into(), outputs.try_into());
        search.search::<G>(inputs.expect("of length G"), outputs.expect("of length G"));
    }
    for (input, output) in inputs.remainder().iter().zip(outputs.into_remainder()) {
        search.search::<1>(&[*input], std::array::from_mut(output));
    }
}

impl Search for &[i32] {
    #[inline(always)]
    fn search<const G: usize>(self, inputs: &[u64; G], outputs: &mut [u64; G]) {
        bsearch(self, inputs, outputs);
    }
}

impl Search for &[cycle::Node] {
    #[inline(always)]
    fn search<const G: usize>(self, inputs: &[u64; G], outputs: &mut [u64; G]) {
        chase(self, inputs, outputs);
    }
}

impl Search for chained::View<'_> {
    #[inline(always)]
    fn search<const G: usize>(self, inputs: &[u64; G], outputs: &mut [u64; G]) {
        hash(self, inputs, outputs);
    }
}

impl Search for tree::View<'_> {
    #[inline(always)]
    fn search<const G: usize>(self, inputs: &[u64; G], outputs: &mut [u64; G]) {
        btree(self, inputs, outputs);
    }
}

/// The strategy `group-prefetch`.
#[derive(Debug)]
pub struct GroupPrefetch;

impl Strategy for GroupPrefetch {
    /// In groups; not one after the other, which is `naive`.
    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        let Way { group: group @ 1.., call_depth: None | Some(1) } = way else { return None };
        Some(lookups(move |table, inputs, outputs| {
            with_const!(group, G => match table {
                Table::Bsearch(values) => run::<G>(&values[..], inputs, outputs),
                Table::Chase(nodes) => run::<G>(&nodes[..], inputs, outputs),
                Table::Hash(table) => run::<G>(table.view(), inputs, outputs),
                Table::Btree(tree) => run::<G>(tree.view(), inputs, outputs),
            });
        }))
    }
}
