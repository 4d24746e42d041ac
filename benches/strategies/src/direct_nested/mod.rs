//! The strategy `direct-nested`: the text of `direct` with `.nested()` at each call, so that a static chain is one
//! state machine in one frame.

use lab_work::drive::{calls, opaque, resumes};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};

use crate::bodies::{unrolled_chain, with_static_chain};
use crate::direct::Direct;

mod lookups;

/// The strategy `direct-nested`.
#[derive(Debug)]
pub struct DirectNested;

unrolled_chain! { #[cps_core::coroutine] placed = [.nested()] }

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

    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        lookups::lookups(spec, way)
    }
}
