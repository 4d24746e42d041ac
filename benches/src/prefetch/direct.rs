//! The strategies `direct` and `direct-tail`, this project: the text of `nested` as coroutines, in
//! groups by [`Group`], and one after the other with the suspensions compiled out.

use cps_core::interleave::{Group, sequential};
use cps_core::prefetch::{Interleaved, Locality, Policy, Sequential};

use super::{Lookups, Spec, Table, Way, bodies, chained, cycle, lookups, sorted, tree};

bodies::lookups! { #[cps_core::coroutine] }

mod bsearch_chain {
    use super::{Policy, bsearch};
    super::bodies::levels! { #[cps_core::coroutine] bsearch in &[i32] }
}

mod btree_chain {
    use super::{Policy, btree_flat, tree};
    super::bodies::levels! { #[cps_core::coroutine] btree_flat in tree::View<'_> }
}

/// Does a batch by `$chain(table, input, policy)`: in groups of `$group`, or if that is 0 one after
/// the other.
macro_rules! run {
    ($chain:path, $table:expr, $group:expr, $inputs:expr, $outputs:expr) => {{
        let (table, outputs) = ($table, $outputs);
        let inputs = $inputs.iter().copied();
        let sink = |index: usize, result| outputs[index] = result;
        match $group {
            0 => sequential(inputs, |input| $chain(table, input, Sequential), sink),
            group => Group::new(group).run(inputs, |input| $chain(table, input, Interleaved), sink),
        }
    }};
}

/// The lookups in groups, or one after the other.
#[must_use]
pub fn direct(_: Spec, way: Way) -> Option<Lookups> {
    let Way { group, call_depth } = way;
    Some(lookups(move |table, inputs, outputs| match (table, call_depth) {
        (Table::Bsearch(values), depth) => bodies::with_depth!(
            depth.unwrap_or(1),
            bsearch,
            bsearch_chain,
            run!(&values[..], group, inputs, outputs)
        ),
        (Table::Chase(nodes), _) => run!(chase, &nodes[..], group, inputs, outputs),
        (Table::Hash(table), _) => run!(hash, table.view(), group, inputs, outputs),
        (Table::Btree(tree), None) => run!(btree, tree.view(), group, inputs, outputs),
        (Table::Btree(tree), Some(depth)) => bodies::with_depth!(
            depth,
            btree_flat,
            btree_chain,
            run!(tree.view(), group, inputs, outputs)
        ),
    }))
}
