//! By hand: one lookup after the other, without branches on what was read, or with.

use lab_work::prefetch::{Lookups, Spec, Table, Way, cycle, lookups, sequential, sorted};
use lab_work::strategy::Strategy;

use crate::group_prefetch::with_const;

/// The strategy `naive`: the loops by hand. For `chase` also several chains at a time, without
/// prefetches: the floor.
#[derive(Debug)]
pub struct Naive;

impl Strategy for Naive {
    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        match (spec, way) {
            (_, Way { call_depth: Some(2..), .. }) => None,
            (_, Way { group: 0, .. }) => Some(lookups(sequential)),
            (Spec::Chase { .. }, Way { group, .. }) => {
                Some(lookups(move |table, inputs, outputs| {
                    let Table::Chase(nodes) = table else {
                        unreachable!("the table is the spec's")
                    };
                    with_const!(group, G => cycle::chains::<G>(nodes, inputs, outputs));
                }))
            }
            _ => None,
        }
    }
}

/// The strategy `naive-branch`: binary search with a branch on what was read, which the processor
/// guesses, and reads on before it knows. A wrong guess costs; with cold memory, waiting costs more.
#[derive(Debug)]
pub struct NaiveBranch;

impl Strategy for NaiveBranch {
    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        match (spec, way) {
            (Spec::Bsearch { .. }, Way { group: 0, call_depth: None | Some(1) }) => {
                Some(lookups(|table, inputs, outputs| {
                    let Table::Bsearch(values) = table else {
                        unreachable!("the table is the spec's")
                    };
                    sorted::branching(values, inputs, outputs);
                }))
            }
            _ => None,
        }
    }
}
