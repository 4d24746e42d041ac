//! The memory of frames: `malloc`, or with `--cfg arena` a LIFO arena.

use std::cell::UnsafeCell;
use std::process::abort;

use crate::coroutine::Global;

unsafe extern "C" {
    fn malloc(bytes: usize) -> *mut u8;
    fn free(memory: *mut u8);
}

// What is counted with `--cfg count`.
/// Bytes of the frames that exist.
pub static LIVE: Global<usize> = Global::new(0);
/// The most that these have been.
pub static PEAK: Global<usize> = Global::new(0);
/// How often memory was asked for, and given back.
pub static ALLOCATIONS: Global<usize> = Global::new(0);
pub static FREED: Global<usize> = Global::new(0);

/// Coroutines of one chain end in the reverse order of their start, so freeing is setting the top back.
#[repr(align(64))]
struct Arena(UnsafeCell<[u8; CAPACITY]>);

const CAPACITY: usize = 1 << 20;

// SAFETY: one thread at a time calls into a peer, as the lab promises.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; CAPACITY]));
static TOP: Global<usize> = Global::new(0);

#[unsafe(no_mangle)]
#[inline(always)]
extern "C" fn coro_alloc(bytes: usize) -> *mut u8 {
    if cfg!(count) {
        LIVE.set(LIVE.get() + bytes);
        PEAK.set(PEAK.get().max(LIVE.get()));
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    }
    if cfg!(arena) {
        let start = TOP.get();
        TOP.set(start + bytes.next_multiple_of(16));
        if TOP.get() > CAPACITY {
            abort();
        }
        return ARENA.0.get().cast::<u8>().wrapping_add(start);
    }
    // SAFETY: any size is allowed.
    let memory = unsafe { malloc(bytes) };
    if memory.is_null() {
        abort();
    }
    memory
}

#[unsafe(no_mangle)]
#[inline(always)]
extern "C" fn coro_free(memory: *mut u8, bytes: usize) {
    if cfg!(count) {
        LIVE.set(LIVE.get() - bytes);
        FREED.set(FREED.get() + 1);
    }
    if cfg!(arena) {
        TOP.set(memory.addr() - ARENA.0.get().addr());
        return;
    }
    // SAFETY: the plugin frees what `coro_alloc` has given, once.
    unsafe { free(memory) };
}
