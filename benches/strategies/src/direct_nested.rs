//! The strategy `direct-nested`: the text of `direct` with `.nested()` at each call, so that a static chain is one
//! state machine in one frame.

use cps_core::interleave::Group;
use cps_core::prefetch::{Interleaved, Locality, Policy};
use lab_work::drive::{calls, opaque, resumes, suspend};
use lab_work::prefetch::{Lookups, Spec, Table, Way, lookups as in_batches, tree};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};

use crate::bodies::{self, unrolled_chain, with_static_chain};
use crate::direct::Direct;
use crate::direct::lookups::{bsearch, btree_flat, grouped};

/// The strategy `direct-nested`.
#[derive(Debug)]
pub struct DirectNested;

unrolled_chain! { #[cps_core::coroutine] placed = [.nested()] }

bodies::descent! { #[cps_core::coroutine] placed = [.nested()] }

mod bsearch_chain {
    use super::{Policy, bsearch};
    crate::bodies::levels! { #[cps_core::coroutine] placed = [.nested()] bsearch in &[i32] }
}

mod btree_chain {
    use super::{Policy, btree_flat, tree};
    crate::bodies::levels! { #[cps_core::coroutine] placed = [.nested()] btree_flat in tree::View<'_> }
}

/// Never called: deeper chains are not nested.
fn deep(_: u32, suspensions: u64) -> impl Future<Output = u64> {
    leaf(suspensions)
}

impl Strategy for DirectNested {
    /// A recursion, and what is called through a pointer, cannot be nested: these are as in `direct`.
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        match workload {
            Workload::Resume { chain: Chain::Static, depth } if depth <= DEEPEST_UNROLLED => {
                Variant::only(move |n| with_static_chain!(depth, deep, |chain| resumes(chain, n)))
            }
            Workload::Call { chain: Chain::Static, depth, suspensions }
                if depth <= DEEPEST_UNROLLED =>
            {
                Variant::only(move |n| {
                    with_static_chain!(depth, deep, |chain| calls(|| chain(opaque(suspensions)), n))
                })
            }
            other => {
                let mut variants = Direct.variants(other);
                variants.truncate(1);
                variants.iter_mut().for_each(|variant| variant.placement = None);
                variants
            }
        }
    }

    /// Those that make calls, in groups.
    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
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
                bodies::with_depth!(
                    depth,
                    btree_chain,
                    grouped!(tree.view(), group, inputs, outputs)
                );
            }
            (Table::Chase(_) | Table::Hash(_), _) => unreachable!("the table is the spec's"),
        }))
    }
}
