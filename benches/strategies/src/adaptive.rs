//! The strategy `adaptive`: the coroutines of `direct`, in groups or one after the other, whichever
//! the interleaver finds to be faster.

use std::time::Duration;

use cps_core::interleave::{Adaptive as Interleaver, DEFAULT_GROUP, clock};
use cps_core::prefetch::{Interleaved, Sequential};
use lab_work::prefetch::{Lookups, Spec, Table, Way, lookups};
use lab_work::strategy::Strategy;

use crate::direct::lookups::{bsearch, btree, hash};

/// The strategy `adaptive`.
#[derive(Debug)]
pub struct Adaptive;

impl Strategy for Adaptive {
    /// The lookups as the interleaver chooses, which learns from batch to batch. The group is an upper
    /// bound; only the default one is here. Not for `chase`, whose lookups are so long and few that it
    /// would learn to the end.
    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        let Way { group: DEFAULT_GROUP, call_depth: None } = way else { return None };
        if let Spec::Chase { .. } = spec {
            return None;
        }
        let mut adaptive =
            Interleaver::<DEFAULT_GROUP, fn() -> Duration>::new(spec.table_bytes(), clock);
        Some(lookups(move |table, inputs, outputs| {
            let inputs = inputs.iter().copied();
            let sink = |index: usize, result| outputs[index] = result;
            macro_rules! run {
                ($lookup:path, $table:expr) => {{
                    let table = $table;
                    adaptive.run(
                        inputs,
                        |input| $lookup(table, input, Sequential),
                        |input| $lookup(table, input, Interleaved),
                        sink,
                    );
                }};
            }
            match table {
                Table::Bsearch(values) => run!(bsearch, &values[..]),
                Table::Chase(_) => unreachable!("the table is the spec's"),
                Table::Hash(table) => run!(hash, table.view()),
                Table::Btree(tree) => run!(btree, tree.view()),
            }
        }))
    }
}
