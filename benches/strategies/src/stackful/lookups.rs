//! The strategy `stackful`: corosensei. Each of a group of stacks does one lookup after the other
//! by plain calls, so that no stack is made, entered or left for a lookup.

use std::cell::{Cell, RefCell};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, Yielder};
use cps_core::prefetch::prefetch_read;
use lab_work::drive::opaque;
use lab_work::prefetch::{
    Lookups, Table, Way, chained, cycle, lookups as in_batches, prefetch_all, sorted, tree,
};

type Yield = Yielder<(), ()>;
type Stack = Coroutine<(), (), (), DefaultStack>;

#[inline(always)]
fn fetch<T>(yielder: &Yield, address: *const T) {
    prefetch_read(address);
    yielder.suspend(());
}

#[inline(always)]
fn fetch_all<T>(yielder: &Yield, values: &[T]) {
    prefetch_all(values);
    yielder.suspend(());
}

fn bsearch(yielder: &Yield, values: &[i32], key: u64) -> u64 {
    let mut search = sorted::Search::new(values, key);
    while let Some(probe) = search.probe() {
        fetch(yielder, probe);
        search.step();
    }
    search.result(values)
}

fn chase(yielder: &Yield, nodes: &[cycle::Node], start: u64) -> u64 {
    let mut at = start as u32;
    for _ in 0..cycle::HOPS {
        fetch(yielder, &raw const nodes[at as usize]);
        at = cycle::next(nodes, at);
    }
    at.into()
}

fn hash(yielder: &Yield, table: chained::View<'_>, key: u64) -> u64 {
    let head = table.head(key);
    fetch(yielder, head);
    let mut next = *head;
    while let Some(node) = table.node(next) {
        fetch(yielder, node);
        if node.key == key {
            return node.value;
        }
        next = node.next;
    }
    chained::NONE.into()
}

fn btree(yielder: &Yield, tree: tree::View<'_>, key: u64) -> u64 {
    let mut number = tree.root();
    for _ in 0..tree.height {
        let node = tree.inner(number);
        fetch_all(yielder, &node.separators);
        number = node.child(key);
    }
    let leaf = tree.leaf(number);
    fetch_all(yielder, &leaf.keys);
    let Some(slot) = leaf.slot(key) else { return tree::NONE };
    fetch(yielder, &raw const leaf.values[slot]);
    leaf.values[slot]
}

/// A chain of `depth` calls that are not merged, the innermost to `flat`.
fn chain(depth: u32, flat: &dyn Fn() -> u64) -> u64 {
    if depth == 1 { flat() } else { opaque(chain(depth - 1, flat)) }
}

/// What the stacks of one batch share.
struct Work<'a, L> {
    lookup: L,
    inputs: &'a [u64],
    outputs: RefCell<&'a mut [u64]>,
    next: Cell<usize>,
}

impl<L: Fn(&Yield, u64) -> u64> Work<'_, L> {
    /// What each stack runs.
    fn run(&self, yielder: &Yield) {
        loop {
            let index = self.next.get();
            let Some(&input) = self.inputs.get(index) else { return };
            self.next.set(index + 1);
            let result = (self.lookup)(yielder, input);
            self.outputs.borrow_mut()[index] = result;
        }
    }
}

/// Resumes a stack for each of `stacks` in turn until all lookups are done.
fn run<L: Fn(&Yield, u64) -> u64>(
    stacks: &mut [Option<DefaultStack>],
    inputs: &[u64],
    outputs: &mut [u64],
    lookup: L,
) {
    let work = Work { lookup, inputs, outputs: RefCell::new(outputs), next: Cell::new(0) };
    // A coroutine's closure must be `'static`, which the work is not.
    let shared = (&raw const work).cast::<()>();
    let mut running: Vec<Stack> = stacks
        .iter_mut()
        .map(|stack| {
            Coroutine::with_stack(stack.take().unwrap_or_default(), move |yielder, ()| {
                // SAFETY: a pointer to `work`, which is alive as long as `running`: it is declared
                // before it, and the coroutines do not leave this function before they have ended.
                unsafe { &*shared.cast::<Work<'_, L>>() }.run(yielder);
            })
        })
        .collect();
    let mut left = running.len();
    while left > 0 {
        for stack in &mut running {
            if !stack.done() && stack.resume(()).as_return().is_some() {
                left -= 1;
            }
        }
    }
    for (place, stack) in stacks.iter_mut().zip(running) {
        *place = Some(stack.into_stack());
    }
}

/// The lookups in groups.
#[must_use]
pub(super) fn lookups(way: Way) -> Option<Lookups> {
    let Way { group: group @ 1.., call_depth } = way else { return None };
    // Kept from batch to batch: mapping them is no part of the work.
    let mut stacks: Vec<Option<DefaultStack>> = (0..group).map(|_| None).collect();
    let depth = call_depth.unwrap_or(1);
    Some(in_batches(move |table, inputs, outputs| {
        let stacks = &mut stacks[..];
        match table {
            Table::Bsearch(values) if depth == 1 => {
                let values = &values[..];
                run(stacks, inputs, outputs, |yielder, key| bsearch(yielder, values, key));
            }
            Table::Bsearch(values) => {
                let values = &values[..];
                run(stacks, inputs, outputs, |yielder, key| {
                    chain(depth, &|| bsearch(yielder, values, key))
                });
            }
            Table::Chase(nodes) => {
                let nodes = &nodes[..];
                run(stacks, inputs, outputs, |yielder, start| chase(yielder, nodes, start));
            }
            Table::Hash(table) => {
                let table = table.view();
                run(stacks, inputs, outputs, |yielder, key| hash(yielder, table, key));
            }
            Table::Btree(tree) if depth == 1 => {
                let tree = tree.view();
                run(stacks, inputs, outputs, |yielder, key| btree(yielder, tree, key));
            }
            Table::Btree(tree) => {
                let tree = tree.view();
                run(stacks, inputs, outputs, |yielder, key| {
                    chain(depth, &|| btree(yielder, tree, key))
                });
            }
        }
    }))
}
