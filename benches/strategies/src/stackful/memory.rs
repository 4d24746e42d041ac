//! corosensei: calls on a stack of their own. The stack is painted before the chain starts; what
//! the chain has touched is everything from the stack's base to the furthest byte that is no longer
//! the paint. Of that, nothing can be given back while the chain is suspended.

use anyhow::ensure;
use corosensei::stack::{DefaultStack, Stack};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use lab_work::drive::opaque;
use lab_work::memory::resident::{self, resident_set, resident_vector};
use lab_work::memory::{
    Case, Footprint, HOST_STACK_DEPTH, Probe, Program, Shape, look, payload, read, words,
};

type Yield = Yielder<(), ()>;
type Chain = Coroutine<(), (), u64, DefaultStack>;

/// Enough for every case.
const STACK: usize = 8 << 20;

/// Enough for a task. Only what is touched is resident.
const TASK_STACK: usize = 64 << 10;

/// A stack is at least two mappings, of which a process may have 65 530 unless the system is told
/// otherwise.
const MOST_TASKS: u32 = 10_000;

const PAINT: u8 = 0xA7;

/// Runs `body` on a painted stack.
fn chain(body: impl FnOnce(&Yield) -> u64 + 'static, expected: u64) -> Program {
    Box::new(move || {
        let stack = DefaultStack::new(STACK)?;
        // The stack was made for so many bytes, a multiple of any page, above its guard.
        let lowest = (stack.base().get() - STACK) as *mut u8;
        // SAFETY: this memory is the stack's and mapped for writing; nothing runs on it yet.
        unsafe { lowest.write_bytes(PAINT, STACK) };
        let mut chain: Chain = Coroutine::with_stack(stack, move |yielder, ()| body(yielder));
        let value = loop {
            if let CoroutineResult::Return(value) = chain.resume(()) {
                break value;
            }
        };
        ensure!(value == expected, "wrong result: expected {expected}, got {value}");
        let stack = chain.into_stack();
        // SAFETY: the memory is the stack's, which is still mapped; the chain has ended, and the paint initialised
        // all bytes.
        let bytes = unsafe { std::slice::from_raw_parts(lowest, STACK) };
        let untouched = bytes.iter().take_while(|byte| **byte == PAINT).count();
        ensure!(untouched != 0, "the stack is too small");
        drop(stack);
        let touched = (STACK - untouched) as f64;
        Ok(Footprint { bytes: touched, peak_bytes: Some(touched), allocations: 1.0 })
    })
}

#[inline(never)]
fn held<const N: usize>(yielder: &Yield, payload: [u8; N]) -> u64 {
    yielder.suspend(());
    look(&payload)
}

#[inline(never)]
fn local<const N: usize>(yielder: &Yield) -> u64 {
    let payload = payload::<N>();
    yielder.suspend(());
    look(&payload)
}

#[inline(never)]
fn passed<const N: usize>(yielder: &Yield, payload: [u8; N], levels: u32, late: bool) -> u64 {
    if levels == 0 {
        return held(yielder, payload);
    }
    if late {
        yielder.suspend(());
    }
    passed(yielder, payload, levels - 1, late) + opaque(1)
}

fn blocks<const N: usize>(yielder: &Yield, blocks: u32) -> u64 {
    let mut sum = 0;
    for _ in 0..blocks {
        let payload = payload::<N>();
        yielder.suspend(());
        sum += look(&payload);
        yielder.suspend(());
        sum += look(&payload);
    }
    sum
}

#[inline(never)]
fn recursion<const W: usize>(yielder: &Yield, levels: u64) -> u64 {
    if levels == 0 {
        yielder.suspend(());
        return 0;
    }
    let kept = words::<W>(levels);
    let below = recursion::<W>(yielder, levels - 1);
    below + read(&kept)
}

fn with_bytes<const N: usize>(case: Case) -> Option<Program> {
    let Case { shape, depth, .. } = case;
    let expected = case.expected();
    Some(match shape {
        Shape::Held => chain(|yielder| held::<N>(yielder, payload()), expected),
        Shape::Passed | Shape::PassedLate => {
            let late = shape == Shape::PassedLate;
            chain(move |yielder| passed::<N>(yielder, payload(), depth, late), expected)
        }
        Shape::Sequential => {
            chain(move |yielder| (0..depth).map(|_| local::<N>(yielder)).sum(), expected)
        }
        Shape::Disjoint => chain(move |yielder| blocks::<N>(yielder, depth), expected),
        Shape::Branch => chain(local::<N>, expected),
        _ => return None,
    })
}

fn with_words<const W: usize>(case: Case) -> Option<Program> {
    let Case { shape, depth, .. } = case;
    match shape {
        // Deeper ones do not fit.
        Shape::Recursion if depth <= HOST_STACK_DEPTH => {
            Some(chain(move |yielder| recursion::<W>(yielder, depth.into()), case.expected()))
        }
        Shape::TasksArguments => Some(tasks(case, argument::<W>)),
        Shape::TasksLocals => Some(tasks(case, local_words::<W>)),
        _ => None,
    }
}

#[inline(never)]
fn argument<const W: usize>(yielder: &Yield, levels: u32, seed: u64) -> u64 {
    fn level<const W: usize>(yielder: &Yield, levels: u32, kept: [u64; W]) -> u64 {
        let below = match levels {
            1 => {
                yielder.suspend(());
                0
            }
            _ => level(yielder, levels - 1, kept),
        };
        below + read(&kept)
    }
    level::<W>(yielder, levels, words(seed))
}

#[inline(never)]
fn local_words<const W: usize>(yielder: &Yield, levels: u32, seed: u64) -> u64 {
    let kept = words::<W>(seed);
    let below = match levels {
        1 => {
            yielder.suspend(());
            0
        }
        _ => local_words::<W>(yielder, levels - 1, seed),
    };
    below + read(&kept)
}

/// As many tasks as there can be; each figure is that of one.
fn tasks(case: Case, body: fn(&Yield, u32, u64) -> u64) -> Program {
    let case = Case { tasks: case.tasks.min(MOST_TASKS), ..case };
    Box::new(move || {
        let mut tasks: Vec<Chain> = resident_vector(case.tasks as usize);
        let before = resident_set()?;
        for i in 0..u64::from(case.tasks) {
            let stack = DefaultStack::new(TASK_STACK)?;
            let mut task = Chain::with_stack(stack, move |y, ()| body(y, case.depth, i));
            ensure!(task.resume(()).as_yield().is_some(), "a task did not suspend");
            tasks.push(task);
        }
        let footprint = resident::footprint(before, case.tasks, case.tasks.into())?;
        let results = tasks.iter_mut().map(|task| task.resume(()).as_return());
        let sum: Option<u64> = results.sum();
        let expected = case.expected();
        ensure!(sum == Some(expected), "wrong result: expected {expected}, got {sum:?}");
        Ok(footprint)
    })
}

/// The only way of a case, if it is one of plain calls: wrappers and combinators of futures have no
/// counterpart.
pub(super) fn probes(case: Case) -> Vec<Probe> {
    let program = match (case.shape, case.payload) {
        // Elsewhere the system commits a stack's pages in order.
        _ if !cfg!(unix) => None,
        (shape, 64) if shape.has_words() => with_words::<8>(case),
        (_, 8) => with_words::<1>(case),
        (_, 16) => with_words::<2>(case),
        (_, 32) => with_words::<4>(case),
        (_, 64) => with_bytes::<64>(case),
        (_, 1024) => with_bytes::<1024>(case),
        (_, 65_536) => with_bytes::<65_536>(case),
        _ => None,
    };
    Probe::of(None, program).into_iter().collect()
}
