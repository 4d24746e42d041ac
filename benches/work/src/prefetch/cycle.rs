//! `chase`: one random cycle over all nodes, a line each. What a machine does in this at best, no
//! other workload exceeds.

use anyhow::Result;
use bytemuck::{Pod, Zeroable};
use rand::Rng;
use rand::rngs::SmallRng;

use super::memory::Mapping;

/// How many nodes a lookup walks.
pub const HOPS: u32 = 200;

/// A node: a cache line.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Node {
    next: u32,
    unused: [u32; 15],
}

/// All nodes.
pub type Cycle = Mapping<Node>;

/// Links so many bytes of nodes in one random cycle, by Sattolo's algorithm ("An algorithm to
/// generate a random cyclic permutation", Information Processing Letters 22, 1986).
///
/// # Errors
/// If there is no memory.
pub fn build(bytes: usize, rng: &mut SmallRng) -> Result<Cycle> {
    let mut nodes = Cycle::zeroed(bytes / size_of::<Node>())?;
    for (node, i) in nodes.iter_mut().zip(0u32..) {
        node.next = i;
    }
    for i in (1..nodes.len()).rev() {
        let j = rng.random_range(0..i);
        (nodes[i].next, nodes[j].next) = (nodes[j].next, nodes[i].next);
    }
    Ok(nodes)
}

/// Where to start.
pub fn input(nodes: &[Node], rng: &mut SmallRng) -> u64 {
    rng.random_range(0..nodes.len() as u64)
}

/// The node after `node`.
#[inline(always)]
#[must_use]
pub fn next(nodes: &[Node], node: u32) -> u32 {
    nodes[node as usize].next
}

/// The loop by hand: `CHAINS` at a time, the hop of each before the next of any.
pub fn chains<const CHAINS: usize>(nodes: &[Node], inputs: &[u64], outputs: &mut [u64]) {
    let full = inputs.len() - inputs.len() % CHAINS;
    let (inputs, left_inputs) = inputs.split_at(full);
    let (outputs, left_outputs) = outputs.split_at_mut(full);
    for (inputs, outputs) in inputs.chunks_exact(CHAINS).zip(outputs.chunks_exact_mut(CHAINS)) {
        let mut at: [u32; CHAINS] = std::array::from_fn(|chain| inputs[chain] as u32);
        for _ in 0..HOPS {
            for at in &mut at {
                *at = next(nodes, *at);
            }
        }
        for (output, at) in outputs.iter_mut().zip(at) {
            *output = at.into();
        }
    }
    if CHAINS > 1 {
        chains::<1>(nodes, left_inputs, left_outputs);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_cycle_has_all_nodes() {
        let nodes = build(1000 * size_of::<Node>(), &mut SmallRng::seed_from_u64(1)).unwrap();
        let mut at = 0;
        for hop in 1..=1000 {
            at = next(&nodes, at);
            assert_eq!(at == 0, hop == 1000);
        }
    }
}
