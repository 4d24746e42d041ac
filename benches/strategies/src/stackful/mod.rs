//! corosensei: the chain runs as plain calls on a stack of its own; a suspension switches stacks.

use anyhow::Result;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use lab_work::clock::ThreadTime;
use lab_work::drive::{Timed, opaque};
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};

mod lookups;
mod memory;

/// The strategy `stackful`.
#[derive(Debug)]
pub struct Stackful;

type Yield = Yielder<(), ()>;
type Stack = Coroutine<(), (), u64, DefaultStack>;

fn leaf(yielder: &Yield, suspensions: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..suspensions {
        yielder.suspend(());
        sum += opaque(1);
    }
    sum
}

/// A level of the unrolled static chain: as type parameters count down, each level is a function
/// of its own.
trait Level {
    fn call(yielder: &Yield, suspensions: u64) -> u64;
}

struct Leaf;

impl Level for Leaf {
    fn call(yielder: &Yield, suspensions: u64) -> u64 {
        leaf(yielder, suspensions)
    }
}

struct Above<Next>(Next);

impl<Next: Level> Level for Above<Next> {
    fn call(yielder: &Yield, suspensions: u64) -> u64 {
        Next::call(yielder, suspensions) + opaque(1)
    }
}

type Add1<L> = Above<L>;
type Add2<L> = Add1<Add1<L>>;
type Add4<L> = Add2<Add2<L>>;
type Add8<L> = Add4<Add4<L>>;
type Add16<L> = Add8<Add8<L>>;
type Add32<L> = Add16<Add16<L>>;

type Depth2 = Add1<Leaf>;
type Depth4 = Add2<Depth2>;
type Depth8 = Add4<Depth4>;
type Depth16 = Add8<Depth8>;
type Depth32 = Add16<Depth16>;
type Depth64 = Add32<Depth32>;

fn static_chain(yielder: &Yield, depth: u32, suspensions: u64) -> u64 {
    match depth {
        1 => Leaf::call(yielder, suspensions),
        2 => Depth2::call(yielder, suspensions),
        4 => Depth4::call(yielder, suspensions),
        8 => Depth8::call(yielder, suspensions),
        16 => Depth16::call(yielder, suspensions),
        32 => Depth32::call(yielder, suspensions),
        DEEPEST_UNROLLED => Depth64::call(yielder, suspensions),
        _ => deep(yielder, depth, suspensions),
    }
}

fn deep(yielder: &Yield, depth: u32, suspensions: u64) -> u64 {
    if depth == 1 {
        leaf(yielder, suspensions)
    } else {
        deep(yielder, depth - 1, suspensions) + opaque(1)
    }
}

fn dynamic(yielder: &Yield, depth: u32, suspensions: u64) -> u64 {
    if depth == 1 {
        leaf(yielder, suspensions)
    } else {
        let next: fn(&Yield, u32, u64) -> u64 = opaque(dynamic);
        next(yielder, depth - 1, suspensions) + opaque(1)
    }
}

fn fib(n: u32) -> u64 {
    if n < 2 {
        return opaque(u64::from(n));
    }
    opaque(fib(n - 1) + fib(n - 2))
}

fn fib_yield(yielder: &Yield, n: u32) -> u64 {
    if n < 2 {
        yielder.suspend(());
        return opaque(u64::from(n));
    }
    opaque(fib_yield(yielder, n - 1) + fib_yield(yielder, n - 2))
}

fn chain(yielder: &Yield, chain: Chain, depth: u32, suspensions: u64) -> u64 {
    match chain {
        Chain::Static => static_chain(yielder, depth, suspensions),
        Chain::Dyn => dynamic(yielder, depth, suspensions),
    }
}

/// The counterpart of [`lab_work::drive::resumes`].
fn resumes(kind: Chain, depth: u32, n: u64) -> Timed {
    let suspensions = opaque(n + 1);
    let mut stack: Stack =
        Coroutine::new(move |yielder, ()| chain(yielder, kind, depth, suspensions));
    assert!(stack.resume(()).as_yield().is_some(), "the chain did not suspend");
    let start = ThreadTime::now();
    for _ in 0..n {
        assert!(stack.resume(()).as_yield().is_some(), "the chain ended early");
    }
    let elapsed = start.elapsed();
    let checksum = stack.resume(()).as_return().expect("the chain suspended too often");
    Timed { elapsed, checksum }
}

/// The counterpart of [`lab_work::drive::calls`]. All calls use one stack in turn, as with a pool:
/// mapping a fresh one for each call would measure the kernel.
fn calls(body: impl Fn(&Yield) -> u64 + Copy + 'static, n: u64) -> Timed {
    let mut stack = DefaultStack::default();
    let start = ThreadTime::now();
    let mut checksum = 0u64;
    for _ in 0..n {
        let mut coroutine: Stack = Coroutine::with_stack(stack, move |yielder, ()| body(yielder));
        let value = loop {
            if let CoroutineResult::Return(value) = coroutine.resume(()) {
                break value;
            }
        };
        checksum = checksum.wrapping_add(value);
        stack = coroutine.into_stack();
    }
    Timed { elapsed: start.elapsed(), checksum }
}

fn run(workload: Workload, iterations: u64) -> Timed {
    match workload {
        Workload::Resume { chain, depth } => resumes(chain, depth, iterations),
        Workload::Call { chain: kind, depth, suspensions } => {
            calls(move |yielder| chain(yielder, kind, depth, opaque(suspensions)), iterations)
        }
        Workload::Fib { n, yields: false } => calls(move |_| fib(opaque(n)), iterations),
        Workload::Fib { n, yields: true } => {
            calls(move |yielder| fib_yield(yielder, opaque(n)), iterations)
        }
    }
}

impl Strategy for Stackful {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        Variant::only(move |n| run(workload, n))
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        lookups::lookups(way)
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        Ok(memory::probes(case))
    }
}
