//! The frame stack against a model, as a state machine.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

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

/// What is on the stack: layouts and the bytes they are filled with.
#[derive(Clone, Debug)]
struct Model {
    setup: Setup,
    pushed: Vec<(Layout, u8)>,
    pushes: u8,
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Action;

    fn init_state() -> BoxedStrategy<Model> {
        let first = prop_oneof![
            Just(First::Later),
            (1..4000_usize).prop_map(First::Allocated),
            Just(First::Installed),
        ];
        (prop_oneof![Just(usize::MAX), 1..20_000_usize], any::<bool>(), first)
            .prop_map(|(limit, measured, first)| Model {
                setup: Setup { limit, measured, first },
                pushed: Vec::new(),
                pushes: 0,
            })
            .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Action> {
        let layout = |size, align: u32| Layout::from_size_align(size, 1 << align).unwrap();
        prop_oneof![
            1 => (1..3000_usize, 0..9_u32).prop_map(move |(s, a)| Action::Push(layout(s, a))),
            4 => (1..200_usize).prop_map(move |size| Action::Push(layout(size, 3))),
            4 => Just(Action::Pop),
        ]
        .boxed()
    }

    fn apply(mut model: Model, action: &Action) -> Model {
        match *action {
            Action::Push(layout) => {
                model.pushes = model.pushes.wrapping_add(1);
                model.pushed.push((layout, model.pushes));
            }
            Action::Pop => {
                model.pushed.pop();
            }
        }
        model
    }
}

/// The stack itself, and where what was pushed lies; a push that the limit refused is `None`.
struct Tested {
    stack: FrameStack,
    pushed: Vec<Option<*mut u8>>,
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
    fn push(&self, layout: Layout) -> Result<*mut u8, Exhausted> {
        // The quick way is for types.
        let quick = match layout.size() {
            1..=8 if layout.align() == 8 => self.stack.push::<u64>().map(<*mut u64>::cast),
            120..=128 if layout.align() == 8 => {
                self.stack.push::<[u64; 16]>().map(<*mut [u64; 16]>::cast)
            }
            _ => None,
        };
        quick.map_or_else(|| self.stack.push_slow(layout), Ok)
    }
}

impl StateMachineTest for Tested {
    type SystemUnderTest = Tested;
    type Reference = Model;

    fn init_test(model: &Model) -> Tested {
        let Setup { limit, measured, first } = model.setup;
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
        Tested {
            stack,
            pushed: Vec::new(),
            most_in_use: 0,
            setup: model.setup,
            _installed: installed,
        }
    }

    fn apply(mut tested: Tested, model: &Model, action: Action) -> Tested {
        match action {
            Action::Push(layout) => {
                let reserved = tested.stack.usage().reserved;
                let pushed = match tested.push(layout) {
                    Ok(memory) => {
                        assert_eq!(memory.addr() % layout.align(), 0);
                        let (_, byte) = *model.pushed.last().unwrap();
                        // SAFETY: the memory is ours and as large as asked for.
                        unsafe { memory.write_bytes(byte, layout.size()) };
                        Some(memory)
                    }
                    Err(exhausted) => {
                        assert_eq!(exhausted, Exhausted::Limit(tested.setup.limit));
                        let needed =
                            layout.size() + layout.align() + size_of::<Chunk>() + 2 * GRAIN;
                        assert!(reserved + needed > tested.setup.limit, "there was room");
                        None
                    }
                };
                tested.pushed.push(pushed);
            }
            Action::Pop => {
                // What is popped is checked by `check_invariants`, before.
                if let Some(Some(memory)) = tested.pushed.pop() {
                    // SAFETY: it was pushed last of those that remain.
                    unsafe { tested.stack.pop(memory) };
                }
            }
        }
        tested.most_in_use = tested.most_in_use.max(tested.stack.usage().in_use);
        tested
    }

    /// Whatever was pushed keeps its content, and the account is right.
    fn check_invariants(tested: &Tested, model: &Model) {
        assert_eq!(tested.pushed.len(), model.pushed.len());
        let mut sizes = 0;
        for (memory, (layout, byte)) in tested.pushed.iter().zip(&model.pushed) {
            let Some(memory) = *memory else { continue };
            sizes += layout.size();
            // SAFETY: what was pushed is live and was filled.
            let bytes = unsafe { core::slice::from_raw_parts(memory, layout.size()) };
            assert!(bytes.iter().all(|here| here == byte), "memory is used twice");
        }
        let usage = tested.stack.usage();
        assert!(usage.in_use >= sizes && usage.reserved >= usage.in_use, "{usage:?}");
        assert!(usage.most_reserved >= usage.reserved, "{usage:?}");
        let first = match tested.setup.first {
            First::Installed => INSTALLED,
            _ => size_of::<Chunk>(),
        };
        assert!(usage.most_reserved <= tested.setup.limit.max(first), "{usage:?}");
        if tested.setup.measured {
            assert_eq!(usage.most_in_use, Some(tested.most_in_use));
        }
        if tested.pushed.iter().all(Option::is_none) {
            // The padding before an aligned value is left where it is.
            assert!(usage.in_use < LARGEST_ALIGNMENT, "{usage:?}");
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_is_lent_once_and_accounted_for(
        sequential 1..if cfg!(miri) { 30 } else { 300 } => Tested
    );
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
