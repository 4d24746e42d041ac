//! The strategy `state-machine`: asynchronous memory access chaining (Kocberber, Falsafi, Grot,
//! PVLDB 9(4), 2015). The state of each lookup is a few words in an array; a loop takes one stage of
//! each in turn; a lookup that is done is replaced at once.

use std::marker::PhantomData;

use cps_core::prefetch::prefetch_read;
use lab_work::prefetch::{
    Lookups, Table, Way, chained, cycle, lookups as in_batches, prefetch_all, sorted, tree,
};

/// A lookup between two stages. A hint was given for the memory that the next stage reads.
trait Machine: Sized {
    /// The table.
    type Table: Copy;
    /// The first stage.
    fn start(table: Self::Table, input: u64) -> Self;
    /// The next stage; the result after the last.
    fn step(&mut self, table: Self::Table) -> Option<u64>;
}

struct Slot<M> {
    machine: M,
    index: usize,
}

fn run<M: Machine>(table: M::Table, group: usize, inputs: &[u64], outputs: &mut [u64]) {
    let mut waiting = inputs.iter().enumerate();
    let mut next = || {
        let (index, &input) = waiting.next()?;
        Some(Slot { machine: M::start(table, input), index })
    };
    let mut slots: Vec<Slot<M>> = Vec::with_capacity(group);
    slots.extend((0..group).map_while(|_| next()));
    let mut turn = 0;
    while !slots.is_empty() {
        if turn >= slots.len() {
            turn = 0;
        }
        let slot = &mut slots[turn];
        if let Some(result) = slot.machine.step(table) {
            outputs[slot.index] = result;
            let Some(started) = next() else {
                slots.swap_remove(turn);
                continue;
            };
            *slot = started;
        }
        turn += 1;
    }
}

struct Bsearch<'t>(sorted::Search<'t>);

impl<'t> Machine for Bsearch<'t> {
    type Table = &'t [i32];

    #[inline(always)]
    fn start(values: &'t [i32], key: u64) -> Self {
        let search = sorted::Search::new(values, key);
        if let Some(probe) = search.probe() {
            prefetch_read(probe);
        }
        Self(search)
    }

    #[inline(always)]
    fn step(&mut self, values: &'t [i32]) -> Option<u64> {
        self.0.step();
        match self.0.probe() {
            Some(probe) => {
                prefetch_read(probe);
                None
            }
            None => Some(self.0.result(values)),
        }
    }
}

struct Chase<'t> {
    at: u32,
    left: u32,
    table: PhantomData<&'t ()>,
}

impl<'t> Machine for Chase<'t> {
    type Table = &'t [cycle::Node];

    #[inline(always)]
    fn start(nodes: &'t [cycle::Node], start: u64) -> Self {
        prefetch_read(&raw const nodes[start as usize]);
        Self { at: start as u32, left: cycle::HOPS, table: PhantomData }
    }

    #[inline(always)]
    fn step(&mut self, nodes: &'t [cycle::Node]) -> Option<u64> {
        self.at = cycle::next(nodes, self.at);
        self.left -= 1;
        if self.left == 0 {
            return Some(self.at.into());
        }
        prefetch_read(&raw const nodes[self.at as usize]);
        None
    }
}

enum Hash<'t> {
    Head { key: u64, head: &'t u32 },
    Node { key: u64, node: &'t chained::Node },
}

impl<'t> Machine for Hash<'t> {
    type Table = chained::View<'t>;

    #[inline(always)]
    fn start(table: chained::View<'t>, key: u64) -> Self {
        let head = table.head(key);
        prefetch_read(head);
        Self::Head { key, head }
    }

    #[inline(always)]
    fn step(&mut self, table: chained::View<'t>) -> Option<u64> {
        let (key, next) = match *self {
            Self::Head { key, head } => (key, *head),
            Self::Node { key, node } if node.key == key => return Some(node.value),
            Self::Node { key, node } => (key, node.next),
        };
        let Some(node) = table.node(next) else { return Some(chained::NONE.into()) };
        prefetch_read(node);
        *self = Self::Node { key, node };
        None
    }
}

enum Btree<'t> {
    Inner { key: u64, node: &'t tree::Inner, levels: u32 },
    Leaf { key: u64, leaf: &'t tree::Leaf },
    Value { value: &'t u64 },
}

impl<'t> Machine for Btree<'t> {
    type Table = tree::View<'t>;

    #[inline(always)]
    fn start(tree: tree::View<'t>, key: u64) -> Self {
        let node = tree.inner(tree.root());
        prefetch_all(&node.separators);
        Self::Inner { key, node, levels: tree.height }
    }

    #[inline(always)]
    fn step(&mut self, tree: tree::View<'t>) -> Option<u64> {
        match *self {
            Self::Inner { key, node, levels: 1 } => {
                let leaf = tree.leaf(node.child(key));
                prefetch_all(&leaf.keys);
                *self = Self::Leaf { key, leaf };
            }
            Self::Inner { key, node, levels } => {
                let node = tree.inner(node.child(key));
                prefetch_all(&node.separators);
                *self = Self::Inner { key, node, levels: levels - 1 };
            }
            Self::Leaf { key, leaf } => {
                let Some(slot) = leaf.slot(key) else { return Some(tree::NONE) };
                let value = &leaf.values[slot];
                prefetch_read(value);
                *self = Self::Value { value };
            }
            Self::Value { value } => return Some(*value),
        }
        None
    }
}

/// The lookups in groups; not one after the other, which is `naive`.
#[must_use]
pub(super) fn lookups(way: Way) -> Option<Lookups> {
    let Way { group: group @ 1.., call_depth: None | Some(1) } = way else { return None };
    Some(in_batches(move |table, inputs, outputs| match table {
        Table::Bsearch(values) => run::<Bsearch<'_>>(values, group, inputs, outputs),
        Table::Chase(nodes) => run::<Chase<'_>>(nodes, group, inputs, outputs),
        Table::Hash(table) => run::<Hash<'_>>(table.view(), group, inputs, outputs),
        Table::Btree(tree) => run::<Btree<'_>>(tree.view(), group, inputs, outputs),
    }))
}
