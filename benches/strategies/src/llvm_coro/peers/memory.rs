//! The programs of `memory`, as functions that become coroutines. What is exported is what `memory.cpp` exports.

#![allow(unused)]
// As in the lab: eight wrappers around one another.
#![recursion_limit = "256"]

use std::ffi::{CStr, c_char};

mod coroutine;
mod frames;
#[macro_use]
mod programs;
use coroutine::{Handle, Raw, coroutine, create, leaf, opaque, resume, suspend};
use frames::{ALLOCATIONS, FREED, LIVE, PEAK};
use programs::{blocks, leaves, passing, programs, sequence, tasks, times};

// What the programs name.

fn payload<const N: usize>() -> [u8; N] {
    [opaque(1); N]
}

#[inline(always)]
fn look<const N: usize>(payload: &[u8; N]) -> u64 {
    u64::from(opaque(payload)[N - 1])
}

#[inline(always)]
fn words<const W: usize>(seed: u64) -> [u64; W] {
    [opaque(seed); W]
}

#[inline(always)]
fn read<const W: usize>(words: &[u64; W]) -> u64 {
    opaque(words)[W - 1]
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Held,
    Passed,
    PassedLate,
    Wrap,
    Combine,
    Sequential,
    Disjoint,
    Branch,
    Recursion,
    TasksArguments,
    TasksLocals,
}

impl Shape {
    fn of(name: &CStr) -> Option<Self> {
        Some(match name.to_bytes() {
            b"held" => Shape::Held,
            b"passed" => Shape::Passed,
            b"passed-late" => Shape::PassedLate,
            b"wrap" => Shape::Wrap,
            b"combine" => Shape::Combine,
            b"sequential" => Shape::Sequential,
            b"disjoint" => Shape::Disjoint,
            b"branch" => Shape::Branch,
            b"recursion" => Shape::Recursion,
            b"tasks-arguments" => Shape::TasksArguments,
            b"tasks-locals" => Shape::TasksLocals,
            _ => return None,
        })
    }

    fn has_words(self) -> bool {
        matches!(self, Shape::Recursion | Shape::TasksArguments | Shape::TasksLocals)
    }
}

#[derive(Clone, Copy)]
struct Case {
    shape: Shape,
    depth: u32,
    payload: u32,
    tasks: Tasks,
}

/// How many, and what the resident set is.
type Tasks = (u32, extern "C" fn() -> u64);

impl Case {
    /// The lab compares the result.
    fn expected(&self) {}
}

// `footprint` of `memory.cpp`.
#[repr(C)]
struct Footprint {
    bytes: u64,
    peak_bytes: u64,
    allocations: u64,
    result: u64,
}

/// Gives its result and what it took; whether nothing is left over.
type Program = Box<dyn FnOnce(&mut Footprint) -> bool>;

fn reset() {
    for counter in [&LIVE, &PEAK, &ALLOCATIONS, &FREED] {
        counter.set(0);
    }
}

// A root is a coroutine that makes the arguments of what it calls, for they lie where the caller has them.
#[inline(never)]
fn root<F: Fn() -> u64>(body: F) -> u64 {
    coroutine();
    body()
}

/// The chain that `make` calls.
fn chain<F: Fn() -> u64 + Copy + 'static>(make: F, (): ()) -> Program {
    Box::new(move |out| {
        reset();
        out.bytes = 0;
        {
            // Where LLVM sees where a root begins and ends, it puts it on the stack of this function.
            let create = move || create!(root::<F> => fn(F) -> u64, make);
            let create: &dyn Fn() -> Handle = opaque(&create);
            let root = create();
            root.start();
            while !root.done() {
                out.bytes = out.bytes.max(LIVE.get() as u64);
                resume(leaf());
            }
            out.result = root.result();
        }
        out.peak_bytes = PEAK.get() as u64;
        out.allocations = ALLOCATIONS.get() as u64;
        LIVE.get() == 0
    })
}

#[inline(never)]
fn task_root<F: Fn(u64) -> u64>(body: F, number: u64) -> u64 {
    coroutine();
    body(number)
}

/// So many tasks that are suspended at the same time.
fn boxed<F: Fn(u64) -> u64 + Copy + 'static>((count, resident): Tasks, make: F, (): ()) -> Program {
    Box::new(move |out| {
        reset();
        let mut tasks: Vec<Handle> = Vec::with_capacity(count as usize);
        let mut leaves: Vec<Raw> = Vec::with_capacity(count as usize);
        // So that the memory for handles is resident before the tasks are.
        let rooms = [tasks.as_mut_ptr().cast::<u8>(), leaves.as_mut_ptr().cast()];
        for room in rooms {
            // SAFETY: both have room for so many pointers.
            unsafe { room.write_bytes(0x5A, count as usize * size_of::<Raw>()) };
        }
        let create = move |number| create!(task_root::<F> => fn(F, u64) -> u64, make, number);
        let create: &dyn Fn(u64) -> Handle = opaque(&create);
        let before = resident();
        for number in 0..u64::from(count) {
            let task = create(number);
            task.start();
            tasks.push(task);
            leaves.push(leaf());
        }
        *out = Footprint {
            bytes: resident().saturating_sub(before),
            peak_bytes: 0,
            allocations: ALLOCATIONS.get() as u64,
            result: 0,
        };
        let mut are_done = true;
        for (task, leaf) in tasks.into_iter().zip(leaves) {
            are_done &= !task.done();
            resume(leaf);
            are_done &= task.done();
            out.result += task.result();
        }
        are_done && LIVE.get() == 0
    })
}

/// A leaf that has captured a payload and is passed on is a closure.
fn captured<const N: usize>() -> impl FnOnce() -> u64 {
    let payload = payload::<N>();
    move || {
        suspend();
        look(&payload)
    }
}

leaves! { #[cfg_attr(not(inlined), inline(never))] }
programs! {
    #[cfg_attr(not(inlined), inline(never))]
    callee = [impl FnOnce() -> u64], placed = [], recursive = [], called = [()], later = [move ||]
}
tasks! { #[cfg_attr(not(inlined), inline(never))] placed = [] }

fn run(shape: *const c_char, depth: u32, payload: u32, tasks: Tasks, out: &mut Footprint) -> bool {
    // SAFETY: the lab gives a C string that outlives the call.
    let Some(shape) = Shape::of(unsafe { CStr::from_ptr(shape) }) else { return false };
    let case = Case { shape, depth, payload, tasks };
    program(case).or_else(|| task(case)).is_some_and(|run| run(out))
}

#[unsafe(no_mangle)]
extern "C" fn lab_memory(
    shape: *const c_char,
    depth: u32,
    payload: u32,
    out: &mut Footprint,
) -> bool {
    extern "C" fn unknown() -> u64 {
        0
    }
    run(shape, depth, payload, (1, unknown), out)
}

#[unsafe(no_mangle)]
extern "C" fn lab_memory_tasks(
    shape: *const c_char,
    payload: u32,
    count: u32,
    resident: extern "C" fn() -> u64,
    out: &mut Footprint,
) -> bool {
    run(shape, 4, payload, (count, resident), out)
}
