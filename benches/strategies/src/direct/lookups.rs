//! The strategies `direct` and `direct-tail`, this project: the text of `nested` as coroutines, in
//! groups by [`Group`], and one after the other with the suspensions compiled out.

use cps_core::interleave::{Group, Start, complete};
use cps_core::prefetch::{Interleaved, Locality, Policy, Sequential};
use lab_work::prefetch::{
    Lookups, Table, Way, chained, cycle, lookups as in_batches, sorted, tree,
};

use crate::bodies;

bodies::lookups! { #[cps_core::coroutine] }
bodies::descent! { #[cps_core::coroutine] placed = [] }

mod bsearch_chain {
    use super::{Policy, bsearch};
    crate::bodies::levels! { #[cps_core::coroutine] placed = [] bsearch in &[i32] }
}

mod btree_chain {
    use super::{Policy, btree_flat, tree};
    crate::bodies::levels! { #[cps_core::coroutine] placed = [] btree_flat in tree::View<'_> }
}

/// One after the other, in the loop of `naive`. A function for each table, as its are: in one for all
/// of them the registers would be spilled.
#[inline(never)]
fn one_by_one<C: Start<Output = u64>>(
    make: impl Fn(u64) -> C,
    inputs: &[u64],
    outputs: &mut [u64],
) {
    for (&input, output) in inputs.iter().zip(outputs) {
        *output = complete(make(input));
    }
}

/// Does a batch by `$chain(table, input, policy)` in groups of `$group`.
macro_rules! grouped {
    ($chain:path, $table:expr, $group:expr, $inputs:expr, $outputs:expr) => {{
        let (table, inputs, outputs) = ($table, $inputs, $outputs);
        let make = |input| $chain(table, input, Interleaved);
        let sink = |index: usize, result| outputs[index] = result;
        Group::new($group).run(inputs.iter().copied(), make, sink);
    }};
}

/// The same, or if `$group` is 0 one after the other.
macro_rules! run {
    ($chain:path, $table:expr, $group:expr, $inputs:expr, $outputs:expr) => {{
        let (table, inputs, outputs) = ($table, $inputs, $outputs);
        match $group {
            0 => one_by_one(|input| $chain(table, input, Sequential), inputs, outputs),
            group => grouped!($chain, table, group, inputs, outputs),
        }
    }};
}

/// The lookups in groups, or one after the other. That not through a chain of calls: without
/// suspensions the calls are gone, too.
pub(super) fn lookups(way: Way) -> Option<Lookups> {
    let Way { group, call_depth } = way;
    if group == 0 && call_depth > Some(1) {
        return None;
    }
    Some(in_batches(move |table, inputs, outputs| match (table, call_depth) {
        (Table::Bsearch(values), None | Some(1)) => {
            run!(bsearch, &values[..], group, inputs, outputs);
        }
        (Table::Bsearch(values), Some(depth)) => {
            bodies::with_depth!(
                depth,
                bsearch_chain,
                grouped!(&values[..], group, inputs, outputs)
            );
        }
        (Table::Chase(nodes), _) => run!(chase, &nodes[..], group, inputs, outputs),
        (Table::Hash(table), _) => run!(hash, table.view(), group, inputs, outputs),
        (Table::Btree(tree), None) => run!(btree, tree.view(), group, inputs, outputs),
        (Table::Btree(tree), Some(1)) => run!(btree_flat, tree.view(), group, inputs, outputs),
        (Table::Btree(tree), Some(depth)) => {
            bodies::with_depth!(depth, btree_chain, grouped!(tree.view(), group, inputs, outputs));
        }
    }))
}

pub(crate) use grouped;
