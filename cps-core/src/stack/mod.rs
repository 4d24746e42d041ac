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
//! Padding for alignment is given back with the frame below it: once the top is a multiple of 64, it suits the next
//! call of that alignment too.
//!
//! The first chunk may be memory that is not an allocation of its own: [`FrameStack::install`].
//!
//! **Invariant K**: `current`, and each chunk that `previous` leads to from there, is `EMPTY` or a chunk that this
//! stack alone has and frees when it is dropped. A `spare` belongs to the stack likewise, and no frame lies in it.

pub(crate) mod options;

#[cfg(feature = "alloc")]
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr;

#[cfg(feature = "alloc")]
use crate::stack::options::FIRST_CHUNK;
use crate::stack::options::{Exhausted, StackOptions, StackUsage};

/// Sizes of frames are rounded up to a multiple of this, so that `top` is always aligned to it.
const GRAIN: usize = 8;

/// The alignment of a chunk that is allocated.
#[cfg(feature = "alloc")]
const CHUNK_ALIGN: usize = 16;

/// The largest size of a chunk that is added. A smaller one is a quarter of the stack, two kilobytes at least: so at
/// most a fifth of a stack and two kilobytes are unused.
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
    /// The upper bound of `reserved`.
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
    pub(crate) const fn borrowed<const N: usize>(options: StackOptions<N>) -> Self {
        Self::head(options.limit, options.measured, false)
    }

    /// Makes a chunk of the head and the memory behind it, `size` bytes in all.
    ///
    /// # Safety
    /// - That memory is in nobody's use.
    /// - `chunk` may be used for all of it, and its head is written.
    unsafe fn furnish(chunk: *const Chunk, size: usize) {
        // SAFETY: the caller has these bytes for itself: `allocate` has just obtained them, `install` was given
        // them for its stack alone. The head lies at their start.
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
    /// The chunk is one of a live stack (invariant K).
    unsafe fn in_use(this: *const Self) -> usize {
        // SAFETY: invariant K: `usage` alone calls this, for chunks that it reaches from the current one.
        let top = unsafe { (*this).top.get() };
        top.addr().saturating_sub(Self::start(this).addr())
    }
}

/// A chunk that is never written, and so may be shared by all stacks of all threads.
struct Empty(Chunk);

// SAFETY: nothing fits into it, so nothing is pushed to it or popped from it, and `grow`, `take_spare` and
// `usage` only read it.
unsafe impl Sync for Empty {}

/// The chunk of a stack before its first push.
static EMPTY: Empty = Empty(Chunk::head(usize::MAX, false, false));

/// LIFO memory, one word large until it is used.
#[repr(transparent)]
pub(crate) struct FrameStack {
    current: Cell<*const Chunk>,
}

impl FrameStack {
    /// What an empty stack consists of.
    pub(crate) const EMPTY: *const () = (&raw const EMPTY.0).cast();

    pub(crate) const fn new() -> Self {
        FrameStack { current: Cell::new(&raw const EMPTY.0) }
    }

    /// A stack with its first chunk.
    #[cfg(feature = "alloc")]
    pub(crate) fn with_options<const N: usize>(
        options: StackOptions<N>,
    ) -> Result<Self, Exhausted> {
        let size =
            options.first_chunk.clamp(size_of::<Chunk>(), options.limit.max(size_of::<Chunk>()));
        let head = Chunk::head(options.limit, options.measured, true);
        let chunk = allocate(size, head)?;
        let stack = Self::new();
        // SAFETY: `allocate` has just made and furnished the chunk, and nobody else has it.
        unsafe { stack.found(chunk) };
        Ok(stack)
    }

    /// A stack without memory, since there is no allocator.
    #[cfg(not(feature = "alloc"))]
    pub(crate) fn with_options<const N: usize>(_: StackOptions<N>) -> Result<Self, Exhausted> {
        Ok(Self::new())
    }

    /// Gives the stack its first chunk: `head` and the memory behind it, `size` bytes in all.
    ///
    /// # Safety
    /// - The stack is unused.
    /// - The memory belongs to the stack, and is not moved, until the stack is dropped.
    /// - `head` comes from [`Chunk::borrowed`], and may be used for all of the memory.
    pub(crate) unsafe fn install(&self, head: *const Chunk, size: usize) {
        // SAFETY: `RootMemory::start_here`, which calls this, lends the bytes behind `head` for as long as the
        // stack lives (invariant M).
        unsafe {
            Chunk::furnish(head, size);
            self.found(head);
        }
    }

    /// # Safety
    /// - The chunk is furnished.
    /// - No other stack has it, and this one has no chunk yet.
    unsafe fn found(&self, chunk: *const Chunk) {
        // SAFETY: invariant K: `with_options`, `install` and `grow` give a chunk that is furnished and in no other
        // stack.
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
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
        let chunk = unsafe { &*self.current.get() };
        let memory = aligned(chunk.top.get(), align_of::<T>());
        let size = const { size_of::<T>().next_multiple_of(GRAIN) };
        if fits(memory, size, chunk.end.get()) {
            // SAFETY: `fits` has just found that the chunk has `size` bytes from `memory` on.
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
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
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
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
        let chunk = unsafe { &*self.current.get() };
        if chunk.measured {
            chunk.most_in_use.set(chunk.most_in_use.get().max(self.usage().in_use));
        }
    }

    /// [`FrameStack::pop`] of memory that is known not to be the first of a further chunk.
    ///
    /// # Safety
    /// - `memory` is what a [`FrameStack::push`] returned.
    /// - All that was pushed after it was popped.
    #[inline(always)]
    pub(crate) unsafe fn pop_within<T>(&self, memory: *mut T) {
        // SAFETY: invariant K: the current chunk is live. `memory` lies in it: it was pushed last (frames end in
        // LIFO order, invariant C, which the caller upholds) and no chunk has begun with it.
        unsafe { (*self.current.get()).top.set(memory.cast()) }
    }

    /// Ends the use of the memory that was pushed last and not popped yet.
    ///
    /// # Safety
    /// - `memory` is what a [`FrameStack::push`] or [`FrameStack::push_slow`] returned.
    /// - All that was pushed after it was popped.
    #[inline(always)]
    pub(crate) unsafe fn pop<T>(&self, memory: *mut T) {
        // SAFETY: invariant K: the current chunk is live. `memory` lies in it: it was pushed last, and frames end
        // in LIFO order (invariant C, which the caller upholds).
        let chunk = unsafe { &*self.current.get() };
        chunk.top.set(memory.cast());
        if memory.cast() == chunk.first.get() {
            self.leave();
        }
    }

    /// The address of the `T` that was pushed last and not popped yet.
    #[inline(always)]
    pub(crate) fn topmost<T>(&self) -> *mut T {
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
        let top = unsafe { (*self.current.get()).top.get() };
        top.wrapping_sub(const { size_of::<T>().next_multiple_of(GRAIN) }).cast()
    }

    /// Memory in a further chunk.
    #[cfg(feature = "alloc")]
    fn grow(&self, layout: Layout) -> Result<*mut u8, Exhausted> {
        let previous = self.current.get();
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
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
        // SAFETY: invariant K: `allocate` or `take_spare` has given the chunk to this stack alone.
        let head = unsafe { &*chunk };
        let memory = aligned(Chunk::start(chunk), layout.align());
        if ptr::eq(previous, &raw const EMPTY.0) {
            // SAFETY: `allocate` has furnished the chunk, and it is in no stack yet.
            unsafe { self.found(chunk) };
        } else {
            let reserved = below.reserved.get() + head.size.get();
            head.previous.set(previous);
            head.reserved.set(reserved);
            head.most_reserved.set(reserved);
            head.first.set(memory);
            self.current.set(chunk);
        }
        // In bounds: the chunk has `needed` bytes.
        head.top.set(memory.wrapping_add(layout.size().next_multiple_of(GRAIN)));
        Ok(memory)
    }

    /// The current chunk's spare, if that has `needed` bytes; if not, it is freed.
    #[cfg(feature = "alloc")]
    fn take_spare(&self, needed: usize) -> Option<*const Chunk> {
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
        let chunk = unsafe { &*self.current.get() };
        let spare = chunk.spare.get();
        // (`EMPTY` has none, and is not written.)
        if spare.is_null() {
            return None;
        }
        chunk.spare.set(ptr::null());
        // SAFETY: invariant K: `leave` put a chunk there that is live and empty.
        if unsafe { (*spare).size.get() } >= needed {
            return Some(spare);
        }
        // SAFETY: it was taken out of its place just now, so nobody else has it.
        unsafe { free(spare) };
        None
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
            // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
            let chunk = unsafe { &*current };
            let further = chunk.spare.replace(ptr::null());
            if !further.is_null() {
                // SAFETY: invariant K: a spare is in nobody's use, and it was taken out of its place just now.
                unsafe { free(further) };
            }
            let previous = chunk.previous.get();
            // SAFETY: invariant K. It is not `EMPTY`, and may be written: `pop` calls this only for a chunk with
            // a `first` frame, which the first chunk has not.
            let below = unsafe { &*previous };
            // (The previous chunk has no spare now: `grow` took or freed it.)
            below.spare.set(current);
            below.most_reserved.set(below.most_reserved.get().max(chunk.most_reserved.get()));
            below.most_in_use.set(below.most_in_use.get().max(chunk.most_in_use.get()));
            // The pointer, and not the reference, which is to the head only.
            self.current.set(previous);
        }
    }

    /// The memory that the stack uses, and the most that it has used.
    pub(crate) fn usage(&self) -> StackUsage {
        // SAFETY: invariant K: the current chunk is live, upheld by `grow` and `leave`.
        let current = unsafe { &*self.current.get() };
        let mut usage = StackUsage {
            in_use: 0,
            reserved: current.reserved.get(),
            most_reserved: 0,
            most_in_use: current.measured.then_some(0),
        };
        let mut chunk = self.current.get();
        while !ptr::eq(chunk, &raw const EMPTY.0) {
            // SAFETY: invariant K: the chunk is reached from the current one, so it is live.
            let (head, in_use) = unsafe { (&*chunk, Chunk::in_use(chunk)) };
            usage.in_use += in_use;
            usage.most_reserved = usage.most_reserved.max(head.most_reserved.get());
            usage.most_in_use = usage.most_in_use.map(|most| most.max(head.most_in_use.get()));
            chunk = head.previous.get();
        }
        usage
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
    // SAFETY: the size is that of the head at least, not zero: `with_options` and `grow` see to it.
    let chunk = unsafe { alloc(layout) }.cast::<Chunk>();
    if chunk.is_null() {
        return Err(Exhausted::Memory(size));
    }
    // SAFETY: the memory was allocated just now with `size` bytes, which hold the head, and with an alignment
    // above the head's.
    unsafe {
        chunk.write(head);
        Chunk::furnish(chunk, size);
    }
    Ok(chunk)
}

/// Frees a chunk if it is an allocation of its own.
///
/// # Safety
/// - The chunk comes from [`allocate`], or is [`Chunk::borrowed`] and still valid.
/// - No stack leads to it any more.
#[cfg(feature = "alloc")]
unsafe fn free(chunk: *const Chunk) {
    // SAFETY: the caller has taken the chunk out of its stack; a chunk that is `owned` comes from `allocate`,
    // which used this layout.
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
            // SAFETY: invariant K: the chunk is this stack's, which ends here, after its frames (invariant C).
            unsafe { free_all(current) }
        }
    }
}

/// Frees a stack's chunks. It takes the pointer, not the stack, so that the compiler sees that nothing is to be done
/// where a driver ends that was not used.
///
/// # Safety
/// - `chunk` is the current chunk of a stack, and not `EMPTY`.
/// - The stack's frames have ended, and the stack is not used again.
#[cfg(feature = "alloc")]
#[inline(never)]
unsafe fn free_all(mut chunk: *const Chunk) {
    while !ptr::eq(chunk, &raw const EMPTY.0) {
        // SAFETY: invariant K: each chunk from the current one down, and its spare, is live and this stack's, and
        // is freed once, here.
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
