//! The reference of a task to its executor.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::task::members::Members;

/// So many references are taken at once for a stock, and given back when it has twice as many.
const BATCH: usize = 64;

/// An executor that tasks refer to.
///
/// A thread may have a stock of references to it, left for tasks that it spawns. They are among the members.
pub(crate) trait Executor: Sized {
    /// The count of their references.
    fn members(&self) -> &Members;

    /// How many are in this thread's stock, if it has one.
    fn stock(&self) -> Option<usize>;

    /// So many are in this thread's stock, which it has.
    fn set_stock(&self, references: usize);
}

/// A reference to an executor. It is counted without a read-modify-write on threads that have a stock.
pub(crate) struct Member<E: Executor>(NonNull<E>);

// SAFETY: as an `Arc`: what threads share is an executor.
unsafe impl<E: Executor + Send + Sync> Send for Member<E> {}
// SAFETY: as an `Arc`: what threads share is an executor.
unsafe impl<E: Executor + Send + Sync> Sync for Member<E> {}

impl<E: Executor> Member<E> {
    /// Another reference.
    #[inline(always)]
    pub(crate) fn of(executor: &Arc<E>) -> Self {
        match executor.stock() {
            Some(0) => {
                add(executor, BATCH);
                executor.set_stock(BATCH - 1);
            }
            Some(left) => executor.set_stock(left - 1),
            None => add(executor, 1),
        }
        // SAFETY: the pointer of an `Arc` is not null.
        Member(unsafe { NonNull::new_unchecked(Arc::as_ptr(executor).cast_mut()) })
    }
}

impl<E: Executor> Deref for Member<E> {
    type Target = E;

    #[inline(always)]
    fn deref(&self) -> &E {
        // SAFETY: while there are members the executor is kept (`Members`), and this is one.
        unsafe { self.0.as_ref() }
    }
}

impl<E: Executor> Drop for Member<E> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.stock() {
            Some(references) if references < 2 * BATCH => self.set_stock(references + 1),
            stock => drop_beside_stock(self.0.as_ptr(), stock),
        }
    }
}

/// Drops a reference that the stock has no room for, with some that are in it.
#[cold]
fn drop_beside_stock<E: Executor>(executor: *const E, stock: Option<usize>) {
    let from_stock = if stock.is_some() { BATCH } else { 0 };
    // SAFETY: the reference that is dropped, which keeps the executor, and those of a full stock. None is used again.
    unsafe {
        if let Some(references) = stock {
            (*executor).set_stock(references - from_stock);
        }
        remove(executor, 1 + from_stock);
    }
}

/// Gives back what is in this thread's stock of references to the executor, if it has one.
pub(crate) fn empty_stock<E: Executor>(executor: &Arc<E>) {
    if let Some(references @ 1..) = executor.stock() {
        executor.set_stock(0);
        // SAFETY: they were in the stock. The caller has lent another one.
        unsafe { remove(Arc::as_ptr(executor), references) };
    }
}

/// Makes so many references.
#[cold]
fn add<E: Executor>(executor: &Arc<E>, references: usize) {
    // As `Members` says: made before it is counted.
    let for_them = executor.clone();
    if executor.members().add(references) {
        // Kept by its count, until `remove`.
        std::mem::forget(for_them);
    }
}

/// Gives so many references up.
///
/// # Safety
/// The caller has them, and uses `executor`, a pointer of its `Arc`, no more unless it has others.
unsafe fn remove<E: Executor>(executor: *const E, references: usize) {
    // SAFETY: the caller's references keep it. If they are the last, the reference that `add` has left is given up.
    unsafe {
        if (*executor).members().remove(references) {
            drop(Arc::from_raw(executor));
        }
    }
}
