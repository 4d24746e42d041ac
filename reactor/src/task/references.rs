//! The count of the references to a task of a current-thread runtime: biased towards the runtime's thread, which
//! counts without read-modify-writes.
//!
//! ```text
//!   owner: clone_local, drop_local          any thread: clone_shared, drop_shared
//!        local ± 1                                shared ± 2
//!            │                                        │
//!            └─────────── merge (owner, once) ────────┤  shared + 2 · local + 1
//!                                                     ▼
//!                                any thread: clone_shared, drop_shared; the last one frees
//! ```
//!
//! # Invariant
//!
//! `local + shared / 2` is the number of references (each half may be negative: a reference may be made on one thread
//! and dropped on another). Before the merge the executor has one, so it is never zero. Bit 0 of `shared` says that the
//! halves are merged; who brings it to exactly that bit, by the merge or by a drop, has the last one. Who finds that its
//! own reference is the only one need not: a reference is made from another one, and so there will be none.

use core::cell::Cell;
use core::fmt;

use crate::sync::{
    atomic::{AtomicIsize, Ordering::Relaxed},
    order,
};

const MERGED: isize = 1;
const ONE: isize = 2;
/// More references than this are an error: the count must not wrap.
const MOST: isize = isize::MAX / 2;

/// The two halves of the count.
pub struct References {
    local: Cell<isize>,
    shared: AtomicIsize,
}

// SAFETY: `local` is accessed by the methods that say "owner", which are `unsafe` for that reason.
unsafe impl Send for References {}
// SAFETY: `local` is accessed by the methods that say "owner", which are `unsafe` for that reason.
unsafe impl Sync for References {}

impl References {
    /// So many references in each half.
    pub fn new(local: isize, shared: isize) -> Self {
        References { local: Cell::new(local), shared: AtomicIsize::new(shared * ONE) }
    }

    /// Owner: another reference.
    ///
    /// # Safety
    /// On the owner's thread, before [`merge`](References::merge).
    #[inline]
    pub unsafe fn clone_local(&self) {
        // (Not even `mem::forget` in a loop makes this wrap.)
        self.local.set(self.local.get() + 1);
    }

    /// Owner: one reference less. It is not the last, which the executor has.
    ///
    /// # Safety
    /// As for [`clone_local`](References::clone_local).
    #[inline]
    pub unsafe fn drop_local(&self) {
        self.local.set(self.local.get() - 1);
    }

    /// Any thread: another reference, made from one.
    #[inline]
    pub fn clone_shared(&self) {
        // Relaxed: whoever makes a reference from another has been given that one.
        if self.shared.fetch_add(ONE, Relaxed) > MOST {
            std::process::abort();
        }
    }

    /// Any thread: one reference less. True if it was the last: the task is to be freed.
    #[inline]
    #[must_use]
    pub fn drop_shared(&self) -> bool {
        // Acquires what was done by the others. There is none but this one then, from which another could be made.
        if self.shared.load(order::acquire("references/one-left")) == MERGED + ONE {
            return true;
        }
        // Releases what was done by this reference; acquires, if it is the last, what was done by the others.
        let old = self.shared.fetch_sub(ONE, order::acq_rel("references/drop", "references/last"));
        old == MERGED + ONE
    }

    /// Owner: gives up the executor's reference, and has all others counted in one place. True if there is no other:
    /// the task is to be freed.
    ///
    /// # Safety
    /// On the owner's thread, once.
    #[must_use]
    pub unsafe fn merge(&self) -> bool {
        let others = self.local.get() - 1;
        // As the last `drop_shared`. If no reference is left by what is seen here, then none is: a count that is not seen
        // yet is that of a reference made from another one, and there is none but the executor's.
        if self.shared.load(order::acquire("references/none-left")) == -others * ONE {
            return true;
        }
        // As `drop_shared`.
        let old = (self.shared).fetch_add(
            others * ONE + MERGED,
            order::acq_rel("references/merge", "references/last"),
        );
        old + others * ONE == 0
    }
}

impl fmt::Debug for References {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("References").finish()
    }
}
