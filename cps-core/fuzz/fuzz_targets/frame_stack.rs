//! The frame stack under any sequence of pushes and pops: memory is aligned, lent once, within the
//! limit and, under the address sanitizer, within its chunk and freed.
//!
//! `cargo +nightly fuzz run frame_stack`
#![no_main]

extern crate alloc;

use std::alloc::Layout;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[path = "../../src/stack/mod.rs"]
#[allow(dead_code)]
mod stack;

use stack::FrameStack;
use stack::options::StackOptions;

#[derive(Arbitrary, Debug)]
struct Program {
    limit: Option<u16>,
    first_chunk: Option<u16>,
    measured: bool,
    actions: Vec<Action>,
}

#[derive(Arbitrary, Debug)]
enum Action {
    /// By layout: a size, and the binary logarithm of an alignment, modulo 13.
    Push(u16, u8),
    /// By type, the quick way.
    PushWord,
    PushLine,
    Pop,
    /// So many.
    Pops(u8),
}

struct Pushed {
    memory: *mut u8,
    size: usize,
    byte: u8,
}

struct Tested {
    stack: FrameStack,
    pushed: Vec<Pushed>,
    limit: usize,
}

impl Tested {
    fn push(&mut self, quick: Option<*mut u8>, layout: Layout) {
        let pushed = quick.map_or_else(|| self.stack.push_slow(layout), Ok);
        let usage = self.stack.usage();
        assert!(usage.in_use <= usage.reserved && usage.reserved <= usage.most_reserved);
        let Ok(memory) = pushed else {
            assert!(usage.reserved + 2 * layout.size() + 2 * layout.align() + 256 > self.limit);
            return;
        };
        assert_eq!(memory.addr() % layout.align(), 0);
        let byte = self.pushed.len() as u8;
        // SAFETY: the memory is ours and as large as asked for.
        unsafe { memory.write_bytes(byte, layout.size()) };
        self.pushed.push(Pushed { memory, size: layout.size(), byte });
    }

    fn pop(&mut self) {
        let Some(Pushed { memory, size, byte }) = self.pushed.pop() else { return };
        // SAFETY: it was filled and not popped since, and it was pushed last of those that remain.
        unsafe {
            let bytes = std::slice::from_raw_parts(memory, size);
            assert!(bytes.iter().all(|here| *here == byte), "memory is used twice");
            self.stack.pop(memory);
        }
    }
}

#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 192]);

fuzz_target!(|program: Program| {
    let limit = program.limit.map_or(usize::MAX, usize::from);
    let mut options = StackOptions::new().limit(limit);
    if let Some(bytes) = program.first_chunk {
        options = options.first_chunk(bytes.into());
    }
    if program.measured {
        options = options.measured();
    }
    let Ok(stack) = FrameStack::with_options(options) else { return };
    let mut tested = Tested { stack, pushed: Vec::new(), limit };
    for action in program.actions {
        match action {
            Action::Push(size, align) => {
                let size = usize::from(size).max(1);
                let layout = Layout::from_size_align(size, 1 << (align % 13)).expect("valid");
                tested.push(None, layout);
            }
            Action::PushWord => {
                let quick = tested.stack.push::<u64>().map(<*mut u64>::cast);
                tested.push(quick, Layout::new::<u64>());
            }
            Action::PushLine => {
                let quick = tested.stack.push::<Line>().map(<*mut Line>::cast);
                tested.push(quick, Layout::new::<Line>());
            }
            Action::Pop => tested.pop(),
            Action::Pops(times) => (0..times).for_each(|_| tested.pop()),
        }
    }
    while !tested.pushed.is_empty() {
        tested.pop();
    }
});
