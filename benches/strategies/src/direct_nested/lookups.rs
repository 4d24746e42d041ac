//! The lookups whose calls are nested.

use cps_core::interleave::Group;
use cps_core::prefetch::{Interleaved, Locality, Policy};
use lab_work::prefetch::{Lookups, Spec, Table, Way, lookups as in_batches, tree};

use crate::bodies;
use crate::direct::lookups::{bsearch, btree_flat, grouped};

bodies::descent! { #[cps_core::coroutine] placed = [.nested()] }

mod bsearch_chain {
    use super::{Policy, bsearch};
    crate::bodies::levels! { #[cps_core::coroutine] placed = [.nested()] bsearch in &[i32] }
}

mod btree_chain {
    use super::{Policy, btree_flat, tree};
    crate::bodies::levels! { #[cps_core::coroutine] placed = [.nested()] btree_flat in tree::View<'_> }
}

/// Those that make calls, in groups.
pub(super) fn lookups(spec: Spec, way: Way) -> Option<Lookups> {
    let Way { group: group @ 1.., call_depth } = way else { return None };
    match spec {
        Spec::Bsearch { .. } if call_depth.is_some() => {}
        Spec::Btree { .. } => {}
        _ => return None,
    }
    Some(in_batches(move |table, inputs, outputs| match (table, call_depth) {
        (Table::Bsearch(values), None | Some(1)) => {
            grouped!(bsearch, &values[..], group, inputs, outputs);
        }
        (Table::Bsearch(values), Some(depth)) => {
            bodies::with_depth!(
                depth,
                bsearch_chain,
                grouped!(&values[..], group, inputs, outputs)
            );
        }
        (Table::Btree(tree), None) => grouped!(btree, tree.view(), group, inputs, outputs),
        (Table::Btree(tree), Some(1)) => {
            grouped!(btree_flat, tree.view(), group, inputs, outputs);
        }
        (Table::Btree(tree), Some(depth)) => {
            bodies::with_depth!(depth, btree_chain, grouped!(tree.view(), group, inputs, outputs));
        }
        (Table::Chase(_) | Table::Hash(_), _) => unreachable!("the table is the spec's"),
    }))
}
