//! The frame stack: LIFO memory for the frames of one chain.
//!
//! ```text
//!   Driver            Chunk (current)                       Chunk (previous)
//!  ┌───────┐        ┌──────────────────────────────┐      ┌──────────────────────┐
//!  │ stack ┼───────▶│ top end first previous spare │  ┌──▶│ …  previous: EMPTY   │
//!  └───────┘        ├───────────────┼──────┼───────┤  │   ├──────────────────────┤
//!                   │ frame │ frame │ free │       │  │   │ frame │ frame │ frame│
//!                   └───────┴───────┴──────┘  previous┘   └──────────────────────┘
//!
//!            push (fits) ─▶ top moves up            pop ─▶ top moves down
//!            push (does not fit) ─▶ grow            pop (the chunk's first frame) ─▶ leave
//! ```
//!
//! Chunks never move, so neither do frames. Calls of one chain end in the reverse order of their
//! beginning (invariant C of `driver`), so a frame that ends is the topmost: nothing is searched and
//! nothing is checked. A chunk that is left is kept as the one spare chunk of its predecessor, so
//! that calls at a boundary do not allocate each time.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr;

/// The alignment of every frame that asks for no more.
const ALIGN: usize = 16;

/// The size of the first chunk, with its head.
const FIRST_CHUNK: usize = 1024;

/// The largest growth: from here on chunks are all of one size.
const LARGEST_CHUNK: usize = 1024 * 1024;

/// The head of a chunk. Its frames follow.
#[repr(C, align(16))]
struct Chunk {
    /// The lowest free byte.
    top: Cell<*mut u8>,
    /// The end of the chunk.
    end: Cell<*mut u8>,
    /// The chunk's lowest frame; null in the first chunk, which is never left.
    first: Cell<*mut u8>,
    previous: Cell<*const Chunk>,
    /// A chunk that is not in use.
    spare: Cell<*const Chunk>,
    size: usize,
}

/// A chunk that is never written, and so may be shared by all stacks of all threads.
struct Empty(Chunk);

// SAFETY: nothing fits into it, so nothing is pushed to or popped from it, and `grow` only reads it.
unsafe impl Sync for Empty {}

/// What a stack points to before its first push.
static EMPTY: Empty = Empty(Chunk {
    top: Cell::new(ptr::null_mut()),
    end: Cell::new(ptr::null_mut()),
    first: Cell::new(ptr::null_mut()),
    previous: Cell::new(ptr::null()),
    spare: Cell::new(ptr::null()),
    size: 0,
});

/// LIFO memory, one word large until it is used.
pub(crate) struct FrameStack {
    current: Cell<*const Chunk>,
}

impl FrameStack {
    pub(crate) const fn new() -> Self {
        FrameStack { current: Cell::new(&raw const EMPTY.0) }
    }

    /// Memory for a value of this layout, until the `pop` that goes with it. The layout has a size:
    /// the chunk's first value is known by its address. A value that asks for more than the usual
    /// alignment gets a chunk of its own.
    ///
    /// # Panics
    /// If memory cannot be allocated.
    #[inline(always)]
    pub(crate) fn push(&self, layout: Layout) -> *mut u8 {
        debug_assert_ne!(layout.size(), 0);
        let size = layout.size().next_multiple_of(ALIGN);
        // SAFETY: the current chunk is live.
        let chunk = unsafe { &*self.current.get() };
        let top = chunk.top.get();
        if layout.align() <= ALIGN && chunk.end.get().addr() - top.addr() >= size {
            // SAFETY: that much is left in the chunk.
            chunk.top.set(unsafe { top.add(size) });
            top
        } else {
            self.grow(layout)
        }
    }

    /// Ends the use of the memory that was pushed last and not popped yet.
    ///
    /// # Safety
    /// `memory` is what that `push` returned.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, memory: *mut u8) {
        // SAFETY: the current chunk is live, and it is where `memory` lies, by contract.
        let chunk = unsafe { &*self.current.get() };
        chunk.top.set(memory);
        if memory == chunk.first.get() {
            self.leave();
        }
    }

    /// [`FrameStack::push`] into a further chunk.
    #[cold]
    #[inline(never)]
    fn grow(&self, layout: Layout) -> *mut u8 {
        let previous = self.current.get();
        // SAFETY: the current chunk is live.
        let (spare, last_size) = unsafe { ((*previous).spare.get(), (*previous).size) };
        let needed = size_of::<Chunk>() + layout.align() + layout.size();
        let fresh = || (2 * last_size).clamp(FIRST_CHUNK, LARGEST_CHUNK).max(needed);
        let chunk = if spare.is_null() {
            Chunk::allocate(fresh())
        } else {
            // SAFETY: only a chunk that is not `EMPTY` has a spare; a spare is live and in nobody's
            // use.
            unsafe {
                (*previous).spare.set(ptr::null());
                if (*spare).size >= needed {
                    spare
                } else {
                    Chunk::free(spare);
                    Chunk::allocate(fresh())
                }
            }
        };
        let is_first = ptr::eq(previous, &raw const EMPTY.0);
        // SAFETY: the chunk is live and large enough for the value, aligned, behind its head.
        unsafe {
            let start = chunk.cast_mut().cast::<u8>().add(size_of::<Chunk>());
            let value = start.add(start.align_offset(layout.align().max(ALIGN)));
            (*chunk).top.set(value.add(layout.size().next_multiple_of(ALIGN)));
            (*chunk).first.set(if is_first { ptr::null_mut() } else { value });
            (*chunk).previous.set(previous);
            self.current.set(chunk);
            value
        }
    }

    /// Goes back to the previous chunk and keeps this one, which is empty, as its spare.
    #[cold]
    #[inline(never)]
    fn leave(&self) {
        let chunk = self.current.get();
        // SAFETY: only a chunk that is not the first has a `first` frame, so `previous` is live and
        // not `EMPTY`. Its spare, if it had one, is this chunk or was freed when it grew. A spare is
        // in nobody's use.
        unsafe {
            let further = (*chunk).spare.replace(ptr::null());
            if !further.is_null() {
                Chunk::free(further);
            }
            let previous = (*chunk).previous.get();
            (*previous).spare.set(chunk);
            self.current.set(previous);
        }
    }
}

impl Chunk {
    fn allocate(size: usize) -> *const Chunk {
        let layout = Layout::from_size_align(size.next_multiple_of(ALIGN), ALIGN)
            .expect("a frame is too large for memory");
        // SAFETY: the size is not zero.
        let memory = unsafe { alloc(layout) };
        assert!(!memory.is_null(), "no memory for {} bytes of frame stack", layout.size());
        let chunk = memory.cast::<Chunk>();
        // SAFETY: the memory is large and aligned enough for the head.
        unsafe {
            chunk.write(Chunk {
                top: Cell::new(memory),
                end: Cell::new(memory.add(layout.size())),
                first: Cell::new(ptr::null_mut()),
                previous: Cell::new(ptr::null()),
                spare: Cell::new(ptr::null()),
                size: layout.size(),
            });
        }
        chunk
    }

    /// # Safety
    /// The chunk comes from `allocate` and nobody uses it any more.
    unsafe fn free(chunk: *const Chunk) {
        // SAFETY: by contract; this is the layout of `allocate`.
        unsafe {
            let layout = Layout::from_size_align_unchecked((*chunk).size, ALIGN);
            dealloc(chunk.cast_mut().cast(), layout);
        }
    }
}

impl Drop for FrameStack {
    #[inline]
    fn drop(&mut self) {
        let mut chunk = self.current.get();
        while !ptr::eq(chunk, &raw const EMPTY.0) {
            // SAFETY: every chunk from the current one down is live and this stack's own, as is its
            // spare. The frames in them have ended.
            unsafe {
                let (previous, spare) = ((*chunk).previous.get(), (*chunk).spare.get());
                if !spare.is_null() {
                    Chunk::free(spare);
                }
                Chunk::free(chunk);
                chunk = previous;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// A push that has not been popped, and the byte that fills it.
    struct Pushed {
        memory: *mut u8,
        layout: Layout,
        byte: u8,
    }

    #[derive(Clone, Debug)]
    enum Action {
        Push { size: usize, align: u32 },
        Pop,
    }

    fn actions() -> impl Strategy<Value = Vec<Action>> {
        let push = (1..3000_usize, 0..9_u32).prop_map(|(size, align)| Action::Push { size, align });
        let small = (1..200_usize).prop_map(|size| Action::Push { size, align: 3 });
        let pop = Just(Action::Pop);
        let lengths = 0..if cfg!(miri) { 40 } else { 400 };
        proptest::collection::vec(prop_oneof![1 => push, 4 => small, 4 => pop], lengths)
    }

    fn check(pushed: &Pushed) {
        // SAFETY: what was pushed is live and was filled.
        let bytes = unsafe { core::slice::from_raw_parts(pushed.memory, pushed.layout.size()) };
        assert!(bytes.iter().all(|byte| *byte == pushed.byte), "memory is used twice");
    }

    fn run(actions: Vec<Action>) {
        let stack = FrameStack::new();
        let mut model: Vec<Pushed> = Vec::new();
        for (turn, action) in actions.into_iter().enumerate() {
            match action {
                Action::Push { size, align } => {
                    let layout = Layout::from_size_align(size, 1 << align).unwrap();
                    let memory = stack.push(layout);
                    assert_eq!(memory.addr() % layout.align(), 0);
                    let byte = u8::try_from(turn % 256).unwrap();
                    // SAFETY: the memory is ours and as large as asked for.
                    unsafe { memory.write_bytes(byte, size) };
                    model.push(Pushed { memory, layout, byte });
                }
                Action::Pop => {
                    if let Some(pushed) = model.pop() {
                        check(&pushed);
                        // SAFETY: it was pushed last of those that remain.
                        unsafe { stack.pop(pushed.memory) };
                    }
                }
            }
        }
        model.iter().for_each(check);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 3 } else { 512 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// Whatever is pushed is aligned and keeps its content until it is popped.
        #[test]
        fn memory_is_lent_once(actions in actions()) {
            run(actions);
        }
    }

    #[test]
    fn a_call_at_a_boundary_uses_the_spare_chunk() {
        let stack = FrameStack::new();
        let layout = Layout::from_size_align(FIRST_CHUNK, 16).unwrap();
        stack.push(Layout::new::<u64>());
        let first = stack.push(layout);
        // SAFETY: pushed last.
        unsafe { stack.pop(first) };
        for _ in 0..3 {
            let again = stack.push(layout);
            assert_eq!(again, first, "a new chunk for each call");
            // SAFETY: pushed last.
            unsafe { stack.pop(again) };
        }
    }

    #[test]
    fn an_unused_stack_is_one_word_and_allocates_nothing() {
        assert_eq!(size_of::<FrameStack>(), size_of::<usize>());
        drop(FrameStack::new());
    }
}
