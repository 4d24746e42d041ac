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
//!            push_slow (does not fit) ─▶ grow       pop (the chunk's first frame) ─▶ leave
//! ```
//!
//! Chunks never move, so neither do frames. Calls of one chain end in the reverse order of their
//! beginning (invariant C of `chain`), so a frame that ends is the topmost: nothing is searched,
//! and where it lies is known from its size. A chunk that is left is kept as the one spare chunk of
//! its predecessor, so that calls at a boundary do not allocate each time.
//!
//! What alignment takes is given back with the frame below: a top that was moved up to a multiple of
//! 64 serves the next call likewise.
//!
//! The first chunk may be memory that is not an allocation of its own: [`FrameStack::install`].

pub(crate) mod options;

#[cfg(feature = "alloc")]
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr;

#[cfg(feature = "alloc")]
use crate::stack::options::FIRST_CHUNK;
use crate::stack::options::{Exhausted, StackOptions, StackUsage};

/// What every frame's size is rounded up to, so that `top` has this alignment at least.
const GRAIN: usize = 8;

/// The alignment of a chunk that is allocated.
#[cfg(feature = "alloc")]
const CHUNK_ALIGN: usize = 16;

/// The largest growth: from here on chunks are all of one size. Until then a chunk is a quarter of
/// what there is, so that at most a fifth of the stack is unused, and two kilobytes.
#[cfg(feature = "alloc")]
const LARGEST_CHUNK: usize = 1024 * 1024;

/// The head of a chunk. Its frames follow.
#[repr(C, align(8))]
pub(crate) struct Chunk {
    /// The lowest free byte.
    top: Cell<*mut u8>,
    /// The end of the memory that `push` may give out. Null in a stack that is measured, so that
    /// each push is a slow one, which takes note.
    end: Cell<*mut u8>,
    /// The chunk's lowest frame; null in the first chunk, which is never left.
    first: Cell<*mut u8>,
    previous: Cell<*const Chunk>,
    /// A chunk that is not in use.
    spare: Cell<*const Chunk>,
    /// Bytes of this chunk, with its head.
    size: Cell<usize>,
    /// Bytes of this chunk and those below it, spares not counted.
    reserved: Cell<usize>,
    /// The most that `reserved` has been above this chunk.
    most_reserved: Cell<usize>,
    /// What `reserved` may not exceed.
    limit: usize,
    /// The most bytes of frames that have been in use at a time, noted if `measured`.
    most_in_use: Cell<usize>,
    measured: bool,
    /// Whether the chunk is an allocation of its own.
    owned: bool,
}

impl Chunk {
    const fn head(limit: usize, measured: bool, owned: bool) -> Self {
        Chunk {
            top: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            first: Cell::new(ptr::null_mut()),
            previous: Cell::new(ptr::null()),
            spare: Cell::new(ptr::null()),
            size: Cell::new(0),
            reserved: Cell::new(0),
            most_reserved: Cell::new(0),
            limit,
            most_in_use: Cell::new(0),
            measured,
            owned,
        }
    }

    /// The head of a first chunk that is not an allocation, for [`FrameStack::install`].
    pub(crate) const fn borrowed(options: StackOptions) -> Self {
        Self::head(options.limit, options.measured, false)
    }

    /// Makes a chunk of the head and the memory behind it, `size` bytes in all.
    ///
    /// # Safety
    /// That memory is in nobody's use, and `chunk` may be used for all of it.
    unsafe fn furnish(chunk: *const Chunk, size: usize) {
        // SAFETY: by contract.
        unsafe {
            let start = chunk.cast_mut().cast::<u8>();
            (*chunk).top.set(start.add(size_of::<Chunk>()));
            (*chunk).end.set(if (*chunk).measured { ptr::null_mut() } else { start.add(size) });
            (*chunk).size.set(size);
        }
    }

    fn start(this: *const Self) -> *mut u8 {
        // The head is a part of the chunk, so this is in bounds.
        this.cast_mut().cast::<u8>().wrapping_add(size_of::<Chunk>())
    }

    /// Bytes of the chunk in use by frames.
    ///
    /// # Safety
    /// The chunk is live.
    unsafe fn in_use(this: *const Self) -> usize {
        // SAFETY: by contract.
        let top = unsafe { (*this).top.get() };
        top.addr().saturating_sub(Self::start(this).addr())
    }
}

/// A chunk that is never written, and so may be shared by all stacks of all threads.
struct Empty(Chunk);

// SAFETY: nothing fits into it, so nothing is pushed to or popped from it, and `grow` only reads it.
unsafe impl Sync for Empty {}

/// What a stack points to before its first push.
static EMPTY: Empty = Empty(Chunk::head(usize::MAX, false, false));

/// LIFO memory, one word large until it is used.
pub(crate) struct FrameStack {
    current: Cell<*const Chunk>,
}

impl FrameStack {
    pub(crate) const fn new() -> Self {
        FrameStack { current: Cell::new(&raw const EMPTY.0) }
    }

    /// A stack with its first chunk.
    #[cfg(feature = "alloc")]
    pub(crate) fn with_options(options: StackOptions) -> Result<Self, Exhausted> {
        let size =
            options.first_chunk.clamp(size_of::<Chunk>(), options.limit.max(size_of::<Chunk>()));
        let head = Chunk::head(options.limit, options.measured, true);
        let chunk = allocate(size, head)?;
        let stack = Self::new();
        // SAFETY: the chunk is new.
        unsafe { stack.found(chunk) };
        Ok(stack)
    }

    /// Gives the stack its first chunk: `head` and what lies behind it, `size` bytes in all.
    ///
    /// # Safety
    /// The stack is unused. The memory belongs to the stack, and is not moved, until that is
    /// dropped; `head` may be used for all of it, and comes from [`Chunk::borrowed`].
    pub(crate) unsafe fn install(&self, head: *const Chunk, size: usize) {
        // SAFETY: by contract.
        unsafe {
            Chunk::furnish(head, size);
            self.found(head);
        }
    }

    /// # Safety
    /// The chunk is furnished, and this stack's own.
    unsafe fn found(&self, chunk: *const Chunk) {
        // SAFETY: by contract.
        unsafe {
            (*chunk).previous.set(&raw const EMPTY.0);
            (*chunk).reserved.set((*chunk).size.get());
            (*chunk).most_reserved.set((*chunk).size.get());
        }
        self.current.set(chunk);
    }

    /// Memory for a `T`, until the `pop` that goes with it, or `None` if the current chunk has not
    /// enough: then [`FrameStack::push_slow`] goes further. `T` has a size.
    #[inline(always)]
    pub(crate) fn push<T>(&self) -> Option<*mut T> {
        const { assert!(size_of::<T>() != 0, "a chunk's first frame is known by its address") };
        // SAFETY: the current chunk is live.
        let chunk = unsafe { &*self.current.get() };
        let memory = aligned(chunk.top.get(), align_of::<T>());
        let size = const { size_of::<T>().next_multiple_of(GRAIN) };
        if fits(memory, size, chunk.end.get()) {
            // SAFETY: that much is left in the chunk.
            chunk.top.set(unsafe { memory.add(size) });
            Some(memory.cast())
        } else {
            None
        }
    }

    /// [`FrameStack::push`] that takes a further chunk if it must, and keeps account.
    #[cold]
    #[inline(never)]
    pub(crate) fn push_slow(&self, layout: Layout) -> Result<*mut u8, Exhausted> {
        let size = layout.size().next_multiple_of(GRAIN);
        let current = self.current.get();
        // SAFETY: the current chunk is live.
        let chunk = unsafe { &*current };
        let memory = aligned(chunk.top.get(), layout.align());
        // The real end: a measured chunk hides it.
        let end = current.cast_mut().cast::<u8>().wrapping_add(chunk.size.get());
        let memory = if chunk.size.get() != 0 && fits(memory, size, end) {
            chunk.top.set(memory.wrapping_add(size));
            memory
        } else {
            self.grow(layout)?
        };
        self.note();
        Ok(memory)
    }

    /// Takes note of the bytes in use, if the stack is measured.
    fn note(&self) {
        // SAFETY: the current chunk is live.
        let chunk = unsafe { &*self.current.get() };
        if chunk.measured {
            chunk.most_in_use.set(chunk.most_in_use.get().max(self.usage().in_use));
        }
    }

    /// Ends the use of the memory that was pushed last and not popped yet, where that is known not
    /// to be the first of a further chunk: it came from [`FrameStack::push`].
    ///
    /// # Safety
    /// `memory` is what that `push` returned.
    #[inline(always)]
    pub(crate) unsafe fn pop_within<T>(&self, memory: *mut T) {
        // SAFETY: the current chunk is live, and it is where `memory` lies, by contract.
        unsafe { (*self.current.get()).top.set(memory.cast()) }
    }

    /// Ends the use of the memory that was pushed last and not popped yet.
    ///
    /// # Safety
    /// `memory` is what that `push` or `push_slow` returned.
    #[inline(always)]
    pub(crate) unsafe fn pop<T>(&self, memory: *mut T) {
        // SAFETY: the current chunk is live, and it is where `memory` lies, by contract.
        let chunk = unsafe { &*self.current.get() };
        chunk.top.set(memory.cast());
        if memory.cast() == chunk.first.get() {
            self.leave();
        }
    }

    /// Where the `T` lies that was pushed last and not popped yet.
    #[inline(always)]
    pub(crate) fn topmost<T>(&self) -> *mut T {
        // SAFETY: the current chunk is live.
        let top = unsafe { (*self.current.get()).top.get() };
        top.wrapping_sub(const { size_of::<T>().next_multiple_of(GRAIN) }).cast()
    }

    /// Memory in a further chunk.
    #[cfg(feature = "alloc")]
    fn grow(&self, layout: Layout) -> Result<*mut u8, Exhausted> {
        let previous = self.current.get();
        // SAFETY: the current chunk is live.
        let below = unsafe { &*previous };
        // However the chunk lies, the value can be aligned.
        let padding = layout.align().saturating_sub(GRAIN);
        let needed = size_of::<Chunk>() + padding + layout.size().next_multiple_of(GRAIN);
        let allowed = below.limit.saturating_sub(below.reserved.get());
        if needed > allowed {
            return Err(Exhausted::Limit(below.limit));
        }
        let chunk = match self.take_spare(needed) {
            Some(spare) => spare,
            None => {
                let growth = (below.reserved.get() / 4).clamp(2 * FIRST_CHUNK, LARGEST_CHUNK);
                let first = ptr::eq(previous, &raw const EMPTY.0);
                let size = if first { FIRST_CHUNK } else { growth }.max(needed);
                allocate(size.min(allowed), Chunk::head(below.limit, below.measured, true))?
            }
        };
        // SAFETY: the chunk is live and in nobody's use, and has room for the value.
        unsafe {
            if ptr::eq(previous, &raw const EMPTY.0) {
                self.found(chunk);
            } else {
                let reserved = below.reserved.get() + (*chunk).size.get();
                (*chunk).previous.set(previous);
                (*chunk).reserved.set(reserved);
                (*chunk).most_reserved.set(reserved);
                self.current.set(chunk);
            }
            let memory = aligned(Chunk::start(chunk), layout.align());
            if !ptr::eq(previous, &raw const EMPTY.0) {
                (*chunk).first.set(memory);
            }
            (*chunk).top.set(memory.add(layout.size().next_multiple_of(GRAIN)));
            Ok(memory)
        }
    }

    /// The current chunk's spare, if that has `needed` bytes; if not, it is freed.
    #[cfg(feature = "alloc")]
    fn take_spare(&self, needed: usize) -> Option<*const Chunk> {
        // SAFETY: the current chunk is live, and so is its spare, which is in nobody's use. (`EMPTY`
        // has none, and is not written.)
        unsafe {
            let chunk = &*self.current.get();
            let spare = chunk.spare.get();
            if spare.is_null() {
                return None;
            }
            chunk.spare.set(ptr::null());
            if (*spare).size.get() >= needed {
                return Some(spare);
            }
            free(spare);
            None
        }
    }

    /// Without an allocator there is the first chunk only.
    #[cfg(not(feature = "alloc"))]
    fn grow(&self, _: Layout) -> Result<*mut u8, Exhausted> {
        Err(Exhausted::Full)
    }

    /// Goes back to the previous chunk and keeps this one, which is empty, as its spare.
    #[cold]
    #[inline(never)]
    fn leave(&self) {
        #[cfg(feature = "alloc")]
        {
            let current = self.current.get();
            // SAFETY: only a chunk that is not the first has a `first` frame, so `previous` is live
            // and not `EMPTY`. The current chunk's spare, if it has one, is in nobody's use; that of
            // the previous chunk was taken or freed when it grew.
            unsafe {
                let chunk = &*current;
                let further = chunk.spare.replace(ptr::null());
                if !further.is_null() {
                    free(further);
                }
                // By pointer: a reference would be to the head only.
                let previous = chunk.previous.get();
                (*previous).spare.set(current);
                let most = &(*previous).most_reserved;
                most.set(most.get().max(chunk.most_reserved.get()));
                let most = &(*previous).most_in_use;
                most.set(most.get().max(chunk.most_in_use.get()));
                self.current.set(previous);
            }
        }
    }

    /// What the stack uses and has used.
    pub(crate) fn usage(&self) -> StackUsage {
        // SAFETY: the current chunk and all below it are live.
        unsafe {
            let current = &*self.current.get();
            let mut usage = StackUsage {
                in_use: 0,
                reserved: current.reserved.get(),
                most_reserved: 0,
                most_in_use: current.measured.then_some(0),
            };
            let mut chunk = self.current.get();
            while !ptr::eq(chunk, &raw const EMPTY.0) {
                usage.in_use += Chunk::in_use(chunk);
                usage.most_reserved = usage.most_reserved.max((*chunk).most_reserved.get());
                usage.most_in_use =
                    usage.most_in_use.map(|most| most.max((*chunk).most_in_use.get()));
                chunk = (*chunk).previous.get();
            }
            usage
        }
    }
}

/// `memory` moved up to a multiple of `align`; a multiple of [`GRAIN`] it is already.
#[inline(always)]
fn aligned(memory: *mut u8, align: usize) -> *mut u8 {
    if align <= GRAIN {
        memory
    } else {
        memory.map_addr(|address| (address + (align - 1)) & !(align - 1))
    }
}

/// Whether `size` bytes from `memory` end at `end` or before.
#[inline(always)]
fn fits(memory: *mut u8, size: usize, end: *mut u8) -> bool {
    // A sum costs an instruction less than a difference. It cannot wrap: memory lies below 2^62.
    if cfg!(target_pointer_width = "64") && size < 1 << 62 {
        memory.addr() + size <= end.addr()
    } else {
        end.addr().checked_sub(memory.addr()).is_some_and(|left| left >= size)
    }
}

/// A chunk of its own.
#[cfg(feature = "alloc")]
fn allocate(size: usize, head: Chunk) -> Result<*const Chunk, Exhausted> {
    let size = size & !(GRAIN - 1);
    let layout = Layout::from_size_align(size, CHUNK_ALIGN).map_err(|_| Exhausted::Memory(size))?;
    // SAFETY: the size is the head's at least.
    let chunk = unsafe { alloc(layout) }.cast::<Chunk>();
    if chunk.is_null() {
        return Err(Exhausted::Memory(size));
    }
    // SAFETY: the memory is new, and large and aligned enough for the head.
    unsafe {
        chunk.write(head);
        Chunk::furnish(chunk, size);
    }
    Ok(chunk)
}

/// # Safety
/// The chunk comes from [`allocate`], or is borrowed, and nobody uses it any more.
#[cfg(feature = "alloc")]
unsafe fn free(chunk: *const Chunk) {
    // SAFETY: by contract; this is the layout of `allocate`.
    unsafe {
        if (*chunk).owned {
            let layout = Layout::from_size_align_unchecked((*chunk).size.get(), CHUNK_ALIGN);
            dealloc(chunk.cast_mut().cast(), layout);
        }
    }
}

#[cfg(feature = "alloc")]
impl Drop for FrameStack {
    #[inline]
    fn drop(&mut self) {
        let current = self.current.get();
        if !ptr::eq(current, &raw const EMPTY.0) {
            // SAFETY: it is this stack's, which ends.
            unsafe { free_all(current) }
        }
    }
}

/// Frees a stack's chunks. Given the pointer, and not the stack: where a driver that nobody has used ends, the
/// compiler sees that there is nothing to be done.
///
/// # Safety
/// The current chunk is that of a stack whose frames have ended and which is not used again.
#[cfg(feature = "alloc")]
#[inline(never)]
unsafe fn free_all(mut chunk: *const Chunk) {
    while !ptr::eq(chunk, &raw const EMPTY.0) {
        // SAFETY: every chunk from the current one down is live and the stack's own, as is its spare.
        unsafe {
            let (previous, spare) = ((*chunk).previous.get(), (*chunk).spare.get());
            if !spare.is_null() {
                free(spare);
            }
            free(chunk);
            chunk = previous;
        }
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests;
