//! The lookups of `prefetch`, as functions that become coroutines. What is exported is what `prefetch.cpp` exports.

#![allow(unused)]

extern crate self as lab_work;

use std::cell::Cell;
use std::process::abort;
use std::slice;

mod bodies;
mod coroutine;
mod frames;
mod tables;

use coroutine::{Handle, Raw, coroutine, create, leaf as suspended, resume, suspend};
use tables::{chained, cycle, sorted, tree};

/// What the bodies name.
pub mod drive {
    pub use crate::coroutine::opaque;
}

enum Locality {
    T0,
}

trait Policy: Copy {
    fn prefetch_read<T>(self, target: *const T);
    fn prefetch_read_range<T>(self, start: *const T, length: usize, locality: Locality);
}

/// Suspends after each prefetch.
#[derive(Clone, Copy)]
struct Yielding;

impl Policy for Yielding {
    #[inline(always)]
    fn prefetch_read<T>(self, target: *const T) {
        hint(target.cast());
        suspend();
    }

    #[inline(always)]
    fn prefetch_read_range<T>(self, start: *const T, length: usize, _: Locality) {
        // As the lab's nodes do, it begins a line.
        for line in (0..length * size_of::<T>()).step_by(64) {
            hint(start.cast::<u8>().wrapping_add(line));
        }
        suspend();
    }
}

#[inline(always)]
fn hint(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint may name any address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint may name any address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags));
    }
}

bodies::lookups! { #[cfg_attr(not(inlined), inline(never))] }
bodies::descent! { #[cfg_attr(not(inlined), inline(never))] placed = [] }

mod bsearch_chain {
    use super::{Policy, bsearch};
    crate::bodies::levels! { #[cfg_attr(not(inlined), inline(never))] placed = [] bsearch in &[i32] }
}

mod btree_chain {
    use super::{Policy, btree_flat, tree};
    crate::bodies::levels! { #[cfg_attr(not(inlined), inline(never))] placed = [] btree_flat in tree::View<'_> }
}

/// Inputs, and places for what is found.
struct Batch<'b> {
    inputs: &'b [u64],
    outputs: &'b [Cell<u64>],
    next: Cell<usize>,
}

/// For each place of the group: does one lookup after the other, so that nothing is made or destroyed for a lookup but
/// the lookup's own frames.
#[inline(never)]
fn work<L: Fn(u64) -> u64>(batch: &Batch<'_>, lookup: L) -> u64 {
    coroutine();
    loop {
        let index = batch.next.get();
        let Some(&input) = batch.inputs.get(index) else { return 0 };
        batch.next.set(index + 1);
        batch.outputs[index].set(lookup(input));
    }
}

/// Resumes a group of workers in turn until all lookups are done.
fn run<L: Fn(u64) -> u64 + Copy>(batch: &Batch<'_>, group: usize, lookup: L) {
    let mut places: Vec<Option<(Handle, Raw)>> = Vec::with_capacity(group);
    for _ in 0..group {
        let worker = create!(work::<L> => fn(&Batch<'_>, L) -> u64, batch, lookup);
        worker.start();
        places.push((!worker.done()).then(|| (worker, suspended())));
    }
    let mut left = places.iter().flatten().count();
    while left != 0 {
        for place in &mut places {
            let Some((worker, leaf)) = place else { continue };
            resume(*leaf);
            if worker.done() {
                *place = None;
                left -= 1;
            } else {
                *leaf = suspended();
            }
        }
    }
}

/// What the lab gives and gets.
///
/// # Safety
/// So many inputs and outputs must be valid, and nothing else may use the outputs.
unsafe fn with_batch(
    inputs: *const u64,
    outputs: *mut u64,
    count: usize,
    run: impl FnOnce(&Batch<'_>),
) {
    // SAFETY: by the conditions above, and a `Cell` has the layout of what is in it.
    let (inputs, outputs) = unsafe {
        (
            slice::from_raw_parts(inputs, count),
            slice::from_raw_parts(outputs.cast::<Cell<u64>>(), count),
        )
    };
    run(&Batch { inputs, outputs, next: Cell::new(0) });
}

/// Invokes `run` with the lookup for a call depth.
macro_rules! run_chain {
    ($batch:ident, $group:ident, $depth:ident, $levels:ident, $flat:ident, $table:ident) => {
        match $depth {
            1 => run($batch, $group, move |input| $flat($table, input, Yielding)),
            2 => run($batch, $group, move |input| $levels::level2($table, input, Yielding)),
            4 => run($batch, $group, move |input| $levels::level4($table, input, Yielding)),
            5 => run($batch, $group, move |input| $levels::level5($table, input, Yielding)),
            8 => run($batch, $group, move |input| $levels::level8($table, input, Yielding)),
            16 => run($batch, $group, move |input| $levels::level16($table, input, Yielding)),
            _ => abort(),
        }
    };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lab_bsearch(
    values: *const i32,
    length: usize,
    depth: u32,
    inputs: *const u64,
    outputs: *mut u64,
    count: usize,
    group: usize,
) {
    // SAFETY: the lab gives an array of that length.
    let table = unsafe { slice::from_raw_parts(values, length) };
    // SAFETY: the lab gives so many inputs and outputs.
    unsafe {
        with_batch(inputs, outputs, count, |batch| {
            run_chain!(batch, group, depth, bsearch_chain, bsearch, table);
        });
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lab_chase(
    nodes: *const cycle::Node,
    length: usize,
    hops: u32,
    inputs: *const u64,
    outputs: *mut u64,
    count: usize,
    group: usize,
) {
    if hops != cycle::HOPS {
        abort();
    }
    // SAFETY: the lab gives an array of that length.
    let table = unsafe { slice::from_raw_parts(nodes, length) };
    // SAFETY: the lab gives so many inputs and outputs.
    unsafe {
        with_batch(inputs, outputs, count, |batch| {
            run(batch, group, move |input| chase(table, input, Yielding));
        });
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lab_hash(
    heads: *const u32,
    nodes: *const chained::Node,
    length: usize,
    shift: u32,
    inputs: *const u64,
    outputs: *mut u64,
    count: usize,
    group: usize,
) {
    // SAFETY: the lab gives a head for each hash.
    let heads = unsafe { slice::from_raw_parts(heads, 1 << (u64::BITS - shift)) };
    // SAFETY: the lab gives so many nodes.
    let nodes = unsafe { slice::from_raw_parts(nodes, length) };
    let table = chained::View { heads, nodes, shift };
    // SAFETY: the lab gives so many inputs and outputs.
    unsafe {
        with_batch(inputs, outputs, count, |batch| {
            run(batch, group, move |input| hash(table, input, Yielding));
        });
    }
}

/// With depth 0, the form that suspends at call depth 5 by its own calls.
#[unsafe(no_mangle)]
unsafe extern "C" fn lab_btree(
    inner: *const tree::Inner,
    leaves: *const tree::Leaf,
    length: usize,
    root: u32,
    height: u32,
    depth: u32,
    inputs: *const u64,
    outputs: *mut u64,
    count: usize,
    group: usize,
) {
    // SAFETY: the root is the last of the lab's inner nodes.
    let inner = unsafe { slice::from_raw_parts(inner, root as usize + 1) };
    // SAFETY: the lab gives so many leaves.
    let leaves = unsafe { slice::from_raw_parts(leaves, length) };
    let table = tree::View { inner, leaves, height };
    // SAFETY: the lab gives so many inputs and outputs.
    unsafe {
        with_batch(inputs, outputs, count, |batch| match depth {
            0 => run(batch, group, move |input| btree(table, input, Yielding)),
            depth => run_chain!(batch, group, depth, btree_chain, btree_flat, table),
        });
    }
}
