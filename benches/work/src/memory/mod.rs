//! The memory of a suspended call stack: the cases, and how they are measured.
//!
//! Every case is a program with a known result. A strategy runs it as it would run it anywhere,
//! with its root in an allocation of its own, as a spawned task has it, and the allocator counts.
//! See [`Footprint`] for what exactly.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::drive::Placement;

pub mod meter;
pub mod movability;
pub mod resident;

use meter::Counting;

/// A program's shape. What [`Case::depth`] counts is said at each; "the payload" is an array of
/// that many bytes, "the leaf" suspends once while it holds the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The payload is an argument, by value, of the leaf. The depth is 0.
    Held,
    /// It is passed down, by value, through so many callers of the leaf.
    Passed,
    /// The same, and each caller suspends once before it calls.
    PassedLate,
    /// An ad-hoc leaf that has captured the payload is passed, as an argument, to so many wrappers
    /// around one another; a wrapper does nothing but await its argument.
    Wrap,
    /// The same, and each wrapper suspends once before it awaits.
    Combine,
    /// The same, and each wrapper looks at a clock before each poll of its argument.
    Timeout,
    /// So many calls, one after the other, of a leaf that makes the payload itself.
    Sequential,
    /// So many blocks, one after the other, that each hold a payload over two suspensions.
    Disjoint,
    /// The same with each block in `pack!`.
    Packed,
    /// A call of one of two such leaves, in the branches of an `if`. The depth is 1.
    Branch,
    /// Two such leaves at the same time: `futures::join!`. The depth is 2.
    Join,
    /// A function that calls itself so often, holding the payload, as words that it has computed,
    /// over the call. The innermost suspends.
    Recursion,
    /// A million suspended tasks, or as many as are asked for, of so many levels; each level has
    /// the payload, as words, from its caller and uses it after its call.
    TasksArguments,
    /// The same, with words that each level has computed.
    TasksLocals,
}

impl Shape {
    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Shape::Held => "held",
            Shape::Passed => "passed",
            Shape::PassedLate => "passed-late",
            Shape::Wrap => "wrap",
            Shape::Combine => "combine",
            Shape::Timeout => "timeout",
            Shape::Sequential => "sequential",
            Shape::Disjoint => "disjoint",
            Shape::Packed => "packed",
            Shape::Branch => "branch",
            Shape::Join => "join",
            Shape::Recursion => "recursion",
            Shape::TasksArguments => "tasks-arguments",
            Shape::TasksLocals => "tasks-locals",
        }
    }

    /// Whether the payload is words, as in [`WORDS`].
    #[must_use]
    pub fn has_words(self) -> bool {
        self == Shape::Recursion || self.is_tasks()
    }

    /// Whether [`Footprint::bytes`] is resident memory, which needs a process for each measurement.
    #[must_use]
    pub fn is_tasks(self) -> bool {
        matches!(self, Shape::TasksArguments | Shape::TasksLocals)
    }
}

/// One program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Case {
    /// Its shape.
    pub shape: Shape,
    /// How often: see [`Shape`].
    pub depth: u32,
    /// Size of the payload in bytes.
    pub payload: u32,
    /// How many of it at the same time; 1 but for tasks.
    pub tasks: u32,
}

/// The payloads for which the cases other than recursion and tasks exist.
pub const PAYLOADS: [u32; 3] = [64, 1024, 65_536];

/// The payloads for which recursion and tasks exist.
pub const WORDS: [u32; 4] = [8, 16, 32, 64];

/// The deepest recursion of strategies that need host stack for each level.
pub const HOST_STACK_DEPTH: u32 = 1000;

/// The depth of the tasks.
pub const TASK_DEPTH: u32 = 4;

impl Case {
    /// What the program evaluates to; for tasks, the sum over all. The leaf gives 1, or, where the
    /// payload is words, what it was started with; each caller adds 1, or its own words' value.
    #[must_use]
    pub fn expected(&self) -> u64 {
        let depth = u64::from(self.depth);
        match self.shape {
            Shape::Held | Shape::Branch => 1,
            Shape::Passed | Shape::PassedLate | Shape::Wrap | Shape::Combine | Shape::Timeout => {
                1 + depth
            }
            Shape::Sequential | Shape::Join => depth,
            Shape::Disjoint | Shape::Packed => 2 * depth,
            Shape::Recursion => depth * (depth + 1) / 2,
            Shape::TasksArguments | Shape::TasksLocals => {
                let tasks = u64::from(self.tasks);
                depth * (tasks * tasks.saturating_sub(1) / 2)
            }
        }
    }
}

/// The memory that a program took. The root counts as an allocation, like a spawned task.
///
/// | | futures, this project | C++ | stackful |
/// |---|---|---|---|
/// | `bytes` | live bytes of the allocator, the most at any suspension | the same of `operator new` | as `peak_bytes` |
/// | `peak_bytes` | the most at any time | the same | from the stack's base to the furthest byte written, by painting |
/// | `allocations` | requests to the allocator | the same | 1, the stack |
///
/// For tasks `bytes` is what the resident set of a fresh process grew by, for each task, and there
/// is no peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// While suspended.
    pub bytes: f64,
    /// At any time.
    pub peak_bytes: Option<f64>,
    /// How often memory was asked for; for each task.
    pub allocations: f64,
}

/// One way in which a strategy runs a case.
pub struct Probe {
    /// Where the frames live, where a strategy has a choice.
    pub placement: Option<Placement>,
    /// Runs it once and checks the result.
    pub measure: Program,
}

/// A program that is ready to be run and measured.
pub type Program = Box<dyn FnOnce() -> Result<Footprint>>;

impl Probe {
    /// `program`, if there is one.
    #[must_use]
    pub fn of(placement: impl Into<Option<Placement>>, program: Option<Program>) -> Option<Self> {
        program.map(|measure| Probe { placement: placement.into(), measure })
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("placement", &self.placement).finish_non_exhaustive()
    }
}

/// A task: a chain in an allocation of its own.
pub(crate) type Task = Pin<Box<dyn Future<Output = u64>>>;

/// The program that runs the chain that `make` builds to its end, in an allocation, and counts.
///
/// It fails if the chain's size is not what was allocated, if its result is not `expected`, or if
/// memory is left over.
pub fn chain<F>(make: impl Fn() -> F + Send + 'static, expected: u64) -> Program
where
    F: IntoFuture<Output = u64>,
    F::IntoFuture: 'static,
{
    program(Box::new(move || pinned(&make)), expected)
}

/// The part of [`chain`] that is the same for all types, compiled once.
fn program(make: Box<dyn Fn() -> Task + Send>, expected: u64) -> Program {
    Box::new(move || {
        on_large_stack(Box::new(move || {
            let counting = Counting::start();
            let chain = make();
            run(counting, chain, expected)
        }))
    })
}

/// Runs a chain to its end.
fn run(counting: Counting, mut chain: Task, expected: u64) -> Result<Footprint> {
    let (size, start) = (size_of_val(&*chain), counting.usage().live);
    ensure!(start == size as isize, "a chain of {size} bytes took {start}");
    let mut suspended = 0;
    let value = loop {
        match chain.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => suspended = suspended.max(counting.usage().live),
            Poll::Ready(value) => break value,
        }
    };
    let usage = counting.usage();
    drop(chain);
    let left = counting.usage().live;
    ensure!(left == 0, "{left} bytes were not given back");
    ensure!(value == expected, "wrong result: expected {expected}, got {value}");
    Ok(Footprint {
        bytes: suspended as f64,
        peak_bytes: Some(usage.peak as f64),
        allocations: usage.allocations as f64,
    })
}

/// Not inlined, so that the temporaries of making a large future are off the host stack when it is
/// polled.
#[inline(never)]
fn pinned<F>(make: &impl Fn() -> F) -> Task
where
    F: IntoFuture<Output = u64>,
    F::IntoFuture: 'static,
{
    Box::pin(make().into_future())
}

/// Runs `measure` on a thread with room for the largest of these futures, which is made on the
/// stack, several times over without optimisation.
fn on_large_stack(measure: Box<dyn FnOnce() -> Result<Footprint> + Send>) -> Result<Footprint> {
    const STACK: usize = 512 << 20;
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(measure)?;
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A payload that the optimiser knows nothing about.
#[inline(always)]
#[must_use]
pub fn payload<const N: usize>() -> [u8; N] {
    [crate::drive::opaque(1); N]
}

/// Looks at a payload, as a whole: it must exist up to here. Gives 1.
#[inline(always)]
#[must_use]
pub fn look<const N: usize>(payload: &[u8; N]) -> u64 {
    u64::from(crate::drive::opaque(payload)[N - 1])
}

/// `W` words that the optimiser knows nothing about.
#[inline(always)]
#[must_use]
pub fn words<const W: usize>(seed: u64) -> [u64; W] {
    [crate::drive::opaque(seed); W]
}

/// Looks at words, as a whole. Gives what they were made from.
#[inline(always)]
#[must_use]
pub fn read<const W: usize>(words: &[u64; W]) -> u64 {
    crate::drive::opaque(words)[W - 1]
}
