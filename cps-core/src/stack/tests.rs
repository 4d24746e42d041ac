//! The frame stack: whatever is pushed and popped, what lies on it is as it was written, and the account is right.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// How a stack begins.
#[derive(Clone, Copy, Debug)]
struct Setup {
    limit: usize,
    measured: bool,
    first: First,
}

#[derive(Clone, Copy, Debug)]
enum First {
    /// With the first push.
    Later,
    /// Allocated, of so many bytes.
    Allocated(usize),
    /// In memory that is not the stack's own.
    Installed,
}

const INSTALLED: usize = 700;
const LARGEST_ALIGNMENT: usize = 1 << 8;

#[derive(Clone, Copy, Debug)]
enum Action {
    /// As calls do: the quick way first.
    Push(Layout),
    Pop,
}

fn setup() -> impl Strategy<Value = Setup> {
    let first = prop_oneof![
        Just(First::Later),
        (1..4000_usize).prop_map(First::Allocated),
        Just(First::Installed),
    ];
    (prop_oneof![Just(usize::MAX), 1..20_000_usize], any::<bool>(), first)
        .prop_map(|(limit, measured, first)| Setup { limit, measured, first })
}

fn action() -> impl Strategy<Value = Action> {
    let layout = |size, align: u32| Layout::from_size_align(size, 1 << align).unwrap();
    prop_oneof![
        1 => (1..3000_usize, 0..9_u32).prop_map(move |(s, a)| Action::Push(layout(s, a))),
        4 => (1..200_usize).prop_map(move |size| Action::Push(layout(size, 3))),
        4 => Just(Action::Pop),
    ]
}

/// A push: the byte that its memory is filled with, and where that lies. `None` if the limit refused it.
struct Pushed {
    layout: Layout,
    byte: u8,
    memory: Option<*mut u8>,
}

/// The stack itself, and what was pushed.
struct Tested {
    stack: FrameStack,
    pushed: Vec<Pushed>,
    pushes: u8,
    most_in_use: usize,
    setup: Setup,
    /// Freed after the stack.
    _installed: Option<Installed>,
}

/// Memory for a first chunk. Not a `Box`, which may not be moved while there are pointers into it.
struct Installed(*mut [u64; INSTALLED / 8 + 1]);

impl Drop for Installed {
    fn drop(&mut self) {
        // SAFETY: it was made from a box.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

impl Tested {
    fn new(setup: Setup) -> Tested {
        let Setup { limit, measured, first } = setup;
        let mut options = StackOptions::new().limit(limit);
        if measured {
            options = options.measured();
        }
        let mut installed = None;
        let stack = match first {
            First::Later if limit == usize::MAX && !measured => FrameStack::new(),
            First::Later => FrameStack::with_options(options).unwrap(),
            First::Allocated(size) => FrameStack::with_options(options.first_chunk(size)).unwrap(),
            First::Installed => {
                let memory = Box::into_raw(Box::new([0; INSTALLED / 8 + 1]));
                installed = Some(Installed(memory));
                let head = memory.cast::<Chunk>();
                let stack = FrameStack::new();
                // SAFETY: the memory is large enough, in nobody's use, and freed after the stack.
                unsafe {
                    head.write(Chunk::borrowed(options));
                    stack.install(head, INSTALLED & !7);
                }
                stack
            }
        };
        let (pushed, _installed) = (Vec::new(), installed);
        Tested { stack, pushed, pushes: 0, most_in_use: 0, setup, _installed }
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Push(layout) => self.push(layout),
            Action::Pop => self.pop(),
        }
        self.most_in_use = self.most_in_use.max(self.stack.usage().in_use);
    }

    /// What was pushed last has kept its content.
    fn pop(&mut self) {
        let Some(Pushed { layout, byte, memory: Some(memory) }) = self.pushed.pop() else { return };
        // SAFETY: what was pushed is live and was filled.
        let bytes = unsafe { core::slice::from_raw_parts(memory, layout.size()) };
        assert!(bytes.iter().all(|here| *here == byte), "memory is used twice");
        // SAFETY: it was pushed last of those that remain.
        unsafe { self.stack.pop(memory) };
    }

    fn push(&mut self, layout: Layout) {
        self.pushes = self.pushes.wrapping_add(1);
        let byte = self.pushes;
        let reserved = self.stack.usage().reserved;
        let memory = match self.push_by_type_or_layout(layout) {
            Ok(memory) => {
                assert_eq!(memory.addr() % layout.align(), 0);
                // SAFETY: the memory is ours and as large as asked for.
                unsafe { memory.write_bytes(byte, layout.size()) };
                Some(memory)
            }
            Err(exhausted) => {
                assert_eq!(exhausted, Exhausted::Limit(self.setup.limit));
                let needed = layout.size() + layout.align() + size_of::<Chunk>() + 2 * GRAIN;
                assert!(reserved + needed > self.setup.limit, "there was room");
                None
            }
        };
        self.pushed.push(Pushed { layout, byte, memory });
    }

    /// The quick way is for types.
    fn push_by_type_or_layout(&self, layout: Layout) -> Result<*mut u8, Exhausted> {
        let quick = match layout.size() {
            1..=8 if layout.align() == 8 => self.stack.push::<u64>().map(<*mut u64>::cast),
            120..=128 if layout.align() == 8 => {
                self.stack.push::<[u64; 16]>().map(<*mut [u64; 16]>::cast)
            }
            _ => None,
        };
        quick.map_or_else(|| self.stack.push_slow(layout), Ok)
    }

    fn check_account(&self) {
        let pushed = self.pushed.iter().filter(|pushed| pushed.memory.is_some());
        let sizes: usize = pushed.map(|pushed| pushed.layout.size()).sum();
        let usage = self.stack.usage();
        assert!(usage.in_use >= sizes && usage.reserved >= usage.in_use, "{usage:?}");
        assert!(usage.most_reserved >= usage.reserved, "{usage:?}");
        let first = match self.setup.first {
            First::Installed => INSTALLED,
            _ => size_of::<Chunk>(),
        };
        assert!(usage.most_reserved <= self.setup.limit.max(first), "{usage:?}");
        if self.setup.measured {
            assert_eq!(usage.most_in_use, Some(self.most_in_use));
        }
        if self.pushed.iter().all(|pushed| pushed.memory.is_none()) {
            // The padding before an aligned value is left where it is.
            assert!(usage.in_use < LARGEST_ALIGNMENT, "{usage:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_is_lent_once_and_accounted_for(
        setup in setup(),
        actions in prop::collection::vec(action(), 1..if cfg!(miri) { 20 } else { 300 }),
    ) {
        let mut tested = Tested::new(setup);
        for action in actions {
            tested.apply(action);
            tested.check_account();
        }
        while !tested.pushed.is_empty() {
            tested.pop();
        }
        tested.check_account();
    }
}

#[test]
fn a_call_at_a_boundary_uses_the_spare_chunk() {
    let stack = FrameStack::new();
    let layout = Layout::from_size_align(FIRST_CHUNK, 16).unwrap();
    stack.push_slow(Layout::new::<u64>()).unwrap();
    let first = stack.push_slow(layout).unwrap();
    // SAFETY: it is what `push_slow` returned last, just above.
    unsafe { stack.pop(first) };
    for _ in 0..3 {
        let again = stack.push_slow(layout).unwrap();
        assert_eq!(again, first, "a new chunk for each call");
        // SAFETY: it is what `push_slow` returned last, just above.
        unsafe { stack.pop(again) };
    }
}

#[test]
fn a_value_of_large_alignment_shares_a_chunk_with_others() {
    #[repr(align(64))]
    struct Line(#[expect(dead_code, reason = "only its layout matters")] [u8; 64]);

    let stack = FrameStack::new();
    stack.push_slow(Layout::new::<u64>()).unwrap();
    let reserved = stack.usage().reserved;
    let line = stack.push::<Line>().expect("the first chunk has room");
    assert_eq!(line.addr() % 64, 0);
    assert_eq!(stack.topmost::<Line>(), line);
    let after = stack.push::<u64>().expect("the first chunk has room");
    assert_eq!(stack.usage().reserved, reserved);
    assert_eq!(after.addr(), line.addr() + 64);
}

#[test]
fn an_unused_stack_is_one_word_and_allocates_nothing() {
    assert_eq!(size_of::<FrameStack>(), size_of::<usize>());
    assert_eq!(FrameStack::new().usage().reserved, 0);
}

#[test]
fn a_chunk_head_is_less_than_128_bytes() {
    assert!(size_of::<Chunk>() < 128);
}
