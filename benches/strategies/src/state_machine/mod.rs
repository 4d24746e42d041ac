//! By hand: the code of a programmer who has no coroutines. Frames are an explicit stack in a vector, and a loop
//! works on the topmost, so this, too, resumes the leaf directly.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use lab_work::clock::ThreadTime;
use lab_work::drive::{self, Timed, opaque, resumes};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, Workload};

mod lookups;

/// The strategy `state-machine`.
#[derive(Debug)]
pub struct StateMachine;

/// The outcome of a step of the topmost frame.
enum Step {
    /// Another frame is on top now, or the same in another state.
    Continue,
    /// The leaf suspended.
    Suspend,
}

/// A stack of frames of type `F`, and the result of the frame that finished last.
struct Machine<F> {
    frames: Vec<F>,
    result: u64,
}

impl<F> Machine<F> {
    /// The topmost frame is done.
    #[inline(always)]
    fn finish(&mut self, result: u64) -> Step {
        self.frames.pop();
        self.result = result;
        Step::Continue
    }

    /// The topmost frame calls.
    #[inline(always)]
    fn call(&mut self, callee: F) -> Step {
        self.frames.push(callee);
        Step::Continue
    }
}

trait Frame: Copy {
    /// Runs the topmost frame of `machine`, which is a copy of `self`.
    fn step(self, machine: &mut Machine<Self>) -> Step;
}

/// Reuses the vector of frames from call to call, as anyone would who writes this by hand.
struct Running<'a, F>(&'a mut Machine<F>);

impl<F: Frame> Future for Running<'_, F> {
    type Output = u64;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        let machine = &mut *self.0;
        while let Some(&top) = machine.frames.last() {
            if let Step::Suspend = top.step(machine) {
                return Poll::Pending;
            }
        }
        Poll::Ready(machine.result)
    }
}

impl<F: Frame> Machine<F> {
    fn new() -> Self {
        Self { frames: Vec::new(), result: 0 }
    }

    fn start(&mut self, root: F) -> Running<'_, F> {
        self.frames.push(root);
        Running(self)
    }
}

/// A frame of the static chain: the loop sees every kind and branches on it.
#[derive(Clone, Copy)]
enum ChainFrame {
    Call { depth: u32, suspensions: u64 },
    Return,
    Leaf { left: u64, sum: u64 },
    Resumed { left: u64, sum: u64 },
}

impl Frame for ChainFrame {
    #[inline(always)]
    fn step(self, machine: &mut Machine<Self>) -> Step {
        let top = machine.frames.len() - 1;
        match self {
            ChainFrame::Call { depth: 1, suspensions } => {
                machine.frames[top] = ChainFrame::Leaf { left: suspensions, sum: 0 };
                Step::Continue
            }
            ChainFrame::Call { depth, suspensions } => {
                machine.frames[top] = ChainFrame::Return;
                machine.call(ChainFrame::Call { depth: depth - 1, suspensions })
            }
            ChainFrame::Return => machine.finish(machine.result + opaque(1)),
            ChainFrame::Leaf { left: 0, sum } => machine.finish(sum),
            ChainFrame::Leaf { left, sum } => {
                machine.frames[top] = ChainFrame::Resumed { left: left - 1, sum };
                Step::Suspend
            }
            ChainFrame::Resumed { left, sum } => {
                machine.frames[top] = ChainFrame::Leaf { left, sum: sum + opaque(1) };
                Step::Continue
            }
        }
    }
}

/// A frame of the dynamic chain: a function pointer says how it goes on.
#[derive(Clone, Copy)]
struct DynFrame {
    resume: fn(&mut Machine<DynFrame>) -> Step,
    depth: u32,
    left: u64,
    sum: u64,
}

impl Frame for DynFrame {
    #[inline(always)]
    fn step(self, machine: &mut Machine<Self>) -> Step {
        (self.resume)(machine)
    }
}

impl DynFrame {
    fn new(depth: u32, suspensions: u64) -> Self {
        Self { resume: opaque(DynFrame::start), depth, left: suspensions, sum: 0 }
    }

    fn top(machine: &mut Machine<DynFrame>) -> &mut DynFrame {
        machine.frames.last_mut().expect("a running machine has a frame")
    }

    fn start(machine: &mut Machine<DynFrame>) -> Step {
        let top = Self::top(machine);
        if top.depth == 1 {
            top.resume = Self::leaf;
            return Step::Continue;
        }
        top.resume = Self::returned;
        let callee = Self::new(top.depth - 1, top.left);
        machine.call(callee)
    }

    fn returned(machine: &mut Machine<DynFrame>) -> Step {
        machine.finish(machine.result + opaque(1))
    }

    fn leaf(machine: &mut Machine<DynFrame>) -> Step {
        let top = Self::top(machine);
        if top.left == 0 {
            let sum = top.sum;
            return machine.finish(sum);
        }
        top.left -= 1;
        top.resume = Self::resumed;
        Step::Suspend
    }

    fn resumed(machine: &mut Machine<DynFrame>) -> Step {
        let top = Self::top(machine);
        top.sum += opaque(1);
        top.resume = Self::leaf;
        Self::leaf(machine)
    }
}

/// A frame of `fib`; `YIELDS` says whether a leaf suspends.
#[derive(Clone, Copy)]
enum FibFrame<const YIELDS: bool> {
    Call { n: u32 },
    Resumed { n: u32 },
    First { n: u32 },
    Second { first: u64 },
}

impl<const YIELDS: bool> Frame for FibFrame<YIELDS> {
    #[inline(always)]
    fn step(self, machine: &mut Machine<Self>) -> Step {
        let top = machine.frames.len() - 1;
        match self {
            FibFrame::Call { n } if n >= 2 => {
                machine.frames[top] = FibFrame::First { n };
                machine.call(FibFrame::Call { n: n - 1 })
            }
            FibFrame::Call { n } if YIELDS => {
                machine.frames[top] = FibFrame::Resumed { n };
                Step::Suspend
            }
            FibFrame::Call { n } | FibFrame::Resumed { n } => machine.finish(opaque(u64::from(n))),
            FibFrame::First { n } => {
                machine.frames[top] = FibFrame::Second { first: machine.result };
                machine.call(FibFrame::Call { n: n - 2 })
            }
            FibFrame::Second { first } => machine.finish(opaque(first + machine.result)),
        }
    }
}

/// The counterpart of [`drive::calls`] for futures that borrow one machine in turn.
fn machine_calls<F: Frame>(root: impl Fn() -> F, iterations: u64) -> Timed {
    let mut machine = Machine::new();
    let start = ThreadTime::now();
    let mut checksum = 0u64;
    for _ in 0..iterations {
        let running = pin!(machine.start(root()));
        checksum = checksum.wrapping_add(drive::finish(running));
    }
    Timed { elapsed: start.elapsed(), checksum }
}

fn run(workload: Workload, iterations: u64) -> Timed {
    match workload {
        Workload::Resume { chain: Chain::Static, depth } => {
            let machine = &mut Machine::new();
            resumes(
                |suspensions| machine.start(ChainFrame::Call { depth, suspensions }),
                iterations,
            )
        }
        Workload::Resume { chain: Chain::Dyn, depth } => {
            let machine = &mut Machine::new();
            resumes(|suspensions| machine.start(DynFrame::new(depth, suspensions)), iterations)
        }
        Workload::Call { chain: Chain::Static, depth, suspensions } => machine_calls(
            || ChainFrame::Call { depth, suspensions: opaque(suspensions) },
            iterations,
        ),
        Workload::Call { chain: Chain::Dyn, depth, suspensions } => {
            machine_calls(|| DynFrame::new(depth, opaque(suspensions)), iterations)
        }
        Workload::Fib { n, yields: false } => {
            machine_calls(|| FibFrame::<false>::Call { n: opaque(n) }, iterations)
        }
        Workload::Fib { n, yields: true } => {
            machine_calls(|| FibFrame::<true>::Call { n: opaque(n) }, iterations)
        }
    }
}

impl Strategy for StateMachine {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        Variant::only(move |n| run(workload, n))
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        lookups::lookups(way)
    }
}
