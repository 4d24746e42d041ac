//! A worker's slot: the task that was woken last, by another one. It runs next, with what is in the caches.
//!
//! The worker alone fills it. It takes the task out again, unless another thread has stolen it: which is done only if
//! the worker is kept in a poll (`watch.rs`).
//!
//! # Invariant
//!
//! What is put in comes out once: a slot is emptied by read-modify-writes. A plain store fills it, which is enough,
//! since nobody else writes to an empty one.

use core::fmt;
use core::ptr;

use crate::sync::{
    atomic::{AtomicPtr, Ordering::Relaxed},
    order,
};

/// The place.
pub struct Slot<T>(AtomicPtr<T>);

impl<T> Slot<T> {
    /// An empty one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Slot(AtomicPtr::new(ptr::null_mut()))
    }

    /// Its worker: puts a task in. Gives the one that was there, or null.
    #[inline(always)]
    pub fn put(&self, task: *const T) -> *const T {
        // Releases the task to a thief.
        if self.is_empty() {
            self.0.store(task.cast_mut(), order::release("slot/put"));
            return ptr::null();
        }
        self.0.swap(task.cast_mut(), order::release("slot/replace"))
    }

    /// Its worker: the task, or null.
    #[inline(always)]
    pub fn take(&self) -> *const T {
        if self.is_empty() {
            return ptr::null();
        }
        // Relaxed: what is there was put in by this thread.
        self.0.swap(ptr::null_mut(), Relaxed)
    }

    /// Whether there is no task.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.0.load(Relaxed).is_null()
    }

    /// Any thread: the task, or null; also if another one gets it.
    pub fn steal(&self) -> *const T {
        let task = self.0.load(Relaxed);
        if task.is_null() {
            return task;
        }
        // Acquires the task. (One that was put in again meanwhile is as good.)
        let stolen =
            self.0.compare_exchange(task, ptr::null_mut(), order::acquire("slot/steal"), Relaxed);
        stolen.unwrap_or(ptr::null_mut())
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.0.load(Relaxed)).finish()
    }
}
