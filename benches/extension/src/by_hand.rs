//! A strategy: futures that are written by hand, a box for each call, polled from the root.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lab_strategies::registry::{Entry, Role, Work};
use lab_work::drive::{self, Timed, opaque};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, Workload};

/// What the lab has to know.
pub(crate) const ENTRY: Entry = Entry {
    name: "by-hand",
    about: "futures without `async`: a box for each call, polled from the root",
    does: &[Work::Chains],
    role: Role::Other,
    colour: (0, 90, 160),
    is_compiled: false,
    load: |_| Ok(Box::new(ByHand)),
};

struct ByHand;

/// A level of a chain, as `lab_work::workload` defines it.
enum Level {
    Leaf { is_suspended: bool, suspensions: u64, sum: u64 },
    Caller(Box<Level>),
}

impl Level {
    fn chain(depth: u32, suspensions: u64) -> Self {
        match depth {
            1 => Level::Leaf { is_suspended: false, suspensions, sum: 0 },
            _ => Level::Caller(Box::new(Self::chain(depth - 1, suspensions))),
        }
    }
}

impl Future for Level {
    type Output = u64;

    // The leaf waits for nobody, so that nobody keeps a waker: the lab resumes it.
    #[expect(clippy::only_used_in_recursion)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        match &mut *self {
            Level::Caller(callee) => Pin::new(&mut **callee).poll(cx).map(|sum| sum + opaque(1)),
            Level::Leaf { is_suspended, suspensions, sum } => {
                *sum += if *is_suspended { opaque(1) } else { 0 };
                *is_suspended = *suspensions > 0;
                if !*is_suspended {
                    return Poll::Ready(*sum);
                }
                *suspensions -= 1;
                Poll::Pending
            }
        }
    }
}

fn run(workload: Workload, iterations: u64) -> Timed {
    match workload {
        Workload::Resume { depth, .. } => drive::resumes(|k| Level::chain(depth, k), iterations),
        Workload::Call { depth, suspensions, .. } => {
            drive::calls(|| Level::chain(depth, opaque(suspensions)), iterations)
        }
        Workload::Fib { .. } => unreachable!("not offered"),
    }
}

impl Strategy for ByHand {
    /// The chains whose levels are called by a pointer: a box is one. The lab leaves out what is not offered, and
    /// compares every result with the known one.
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        match workload {
            Workload::Resume { chain: Chain::Dyn, .. }
            | Workload::Call { chain: Chain::Dyn, .. } => {
                Variant::only(move |iterations| run(workload, iterations))
            }
            _ => Vec::new(),
        }
    }
}
