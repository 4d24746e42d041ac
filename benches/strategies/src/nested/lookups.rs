//! The strategy `nested`: the lookups as plain `async fn`, polled in turn from their roots.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cps_core::prefetch::{Locality, prefetch_read, prefetch_read_range};
use lab_work::drive::{Suspend, suspend};
use lab_work::prefetch::{
    Lookups, Table, Way, chained, cycle, lookups as in_batches, sorted, tree,
};

use crate::bodies;

/// What the lookups need of [`cps_core::prefetch::Policy`], with the suspension of the lab's plain
/// futures: `cps_core`'s own would look at the waker each time.
pub(super) trait Policy: Copy {
    fn prefetch_read<T: ?Sized>(self, target: *const T) -> Suspend;
    fn prefetch_read_range<T>(self, start: *const T, length: usize, locality: Locality) -> Suspend;
}

/// Suspends as all strategies of the lab do.
#[derive(Clone, Copy)]
struct Yielding;

impl Policy for Yielding {
    #[inline(always)]
    fn prefetch_read<T: ?Sized>(self, target: *const T) -> Suspend {
        prefetch_read(target);
        suspend()
    }

    #[inline(always)]
    fn prefetch_read_range<T>(self, start: *const T, length: usize, locality: Locality) -> Suspend {
        prefetch_read_range(start, length, locality);
        suspend()
    }
}

bodies::lookups! {}
bodies::descent! { placed = [] }

mod bsearch_chain {
    use super::{Policy, bsearch};
    crate::bodies::levels! { placed = [] bsearch in &[i32] }
}

mod btree_chain {
    use super::{Policy, btree_flat, tree};
    crate::bodies::levels! { placed = [] btree_flat in tree::View<'_> }
}

struct Slot<F> {
    /// `None` when there are no inputs left.
    future: Option<F>,
    index: usize,
}

/// Polls a group of futures in turn, side by side in one allocation; starts the next lookup in
/// place of one that is done.
fn run<F: Future<Output = u64>>(
    make: impl Fn(u64) -> F,
    group: usize,
    inputs: &[u64],
    outputs: &mut [u64],
) {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut waiting = inputs.iter().enumerate();
    let first = waiting.by_ref().take(group);
    let mut slots: Box<[Slot<F>]> =
        first.map(|(index, &input)| Slot { future: Some(make(input)), index }).collect();
    let mut running = slots.len();
    while running > 0 {
        for slot in &mut slots {
            // SAFETY: the slots are on the heap and never moved, only overwritten, until they are
            // dropped there.
            let mut future = unsafe { Pin::new_unchecked(&mut slot.future) };
            let Some(current) = future.as_mut().as_pin_mut() else { continue };
            if let Poll::Ready(result) = current.poll(cx) {
                outputs[slot.index] = result;
                match waiting.next() {
                    Some((index, &input)) => {
                        slot.index = index;
                        future.set(Some(make(input)));
                    }
                    None => {
                        future.set(None);
                        running -= 1;
                    }
                }
            }
        }
    }
}

macro_rules! run {
    ($chain:path, $table:expr, $group:expr, $inputs:expr, $outputs:expr) => {{
        let table = $table;
        run(|input| $chain(table, input, Yielding), $group, $inputs, $outputs)
    }};
}

/// The lookups in groups; not one after the other, which is `naive`.
#[must_use]
pub(super) fn lookups(way: Way) -> Option<Lookups> {
    let Way { group: group @ 1.., call_depth } = way else { return None };
    Some(in_batches(move |table, inputs, outputs| match (table, call_depth) {
        (Table::Bsearch(values), None | Some(1)) => {
            run!(bsearch, &values[..], group, inputs, outputs);
        }
        (Table::Bsearch(values), Some(depth)) => {
            bodies::with_depth!(depth, bsearch_chain, run!(&values[..], group, inputs, outputs));
        }
        (Table::Chase(nodes), _) => run!(chase, &nodes[..], group, inputs, outputs),
        (Table::Hash(table), _) => run!(hash, table.view(), group, inputs, outputs),
        (Table::Btree(tree), None) => run!(btree, tree.view(), group, inputs, outputs),
        (Table::Btree(tree), Some(1)) => run!(btree_flat, tree.view(), group, inputs, outputs),
        (Table::Btree(tree), Some(depth)) => {
            bodies::with_depth!(depth, btree_chain, run!(tree.view(), group, inputs, outputs));
        }
    }))
}
