//! Messages from the handles of a scope to its future: a list that any thread pushes to, until it is closed.
//!
//! ```text
//!              push: exchange of head            take: swap of head
//!   (owned) ───────────────────────▶ in the list ──────────────────▶ (owned by the thread that took it)
//! ```
//!
//! One side pushes; the other takes the whole list, or closes it. Each does so by one read-modify-write of the head, so
//! a node belongs to one side or the other. The races are named in `loom-tests/README.md`.

#![allow(unreachable_pub, reason = "loom-tests includes this file as a public module")]

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem;
use core::ptr;

use crate::sync::{
    atomic::{AtomicPtr, Ordering::Relaxed},
    cell::UnsafeCell,
    order,
};

struct Node<T> {
    value: T,
    /// The node that was pushed before this one.
    next: UnsafeCell<*mut Node<T>>,
}

/// The values that were pushed and not taken.
pub struct Inbox<T> {
    /// The node that was pushed last; [`closed`] at the end.
    head: AtomicPtr<Node<T>>,
    _values: PhantomData<T>,
}

// SAFETY: values are moved in and out, each by one thread, and never shared: it is enough that they are
// `Send`.
unsafe impl<T: Send> Sync for Inbox<T> {}
// SAFETY: an inbox owns its values.
unsafe impl<T: Send> Send for Inbox<T> {}

/// The head of a closed inbox: an address that is no node's.
fn closed<T>() -> *mut Node<T> {
    ptr::without_provenance_mut(usize::MAX)
}

impl<T> Inbox<T> {
    #[allow(clippy::new_without_default, reason = "it says more")]
    pub fn new() -> Self {
        Inbox { head: AtomicPtr::new(ptr::null_mut()), _values: PhantomData }
    }

    /// Any thread: leaves a value. Gives it back if the inbox is closed.
    pub fn push(&self, value: T) -> Result<(), T> {
        let node = Box::into_raw(Box::new(Node { value, next: UnsafeCell::new(ptr::null_mut()) }));
        let mut head = self.head.load(Relaxed);
        loop {
            if head == closed() {
                // SAFETY: the node was never published.
                return Err(unsafe { Box::from_raw(node) }.value);
            }
            // SAFETY: the node was not published yet, so it is this thread's.
            unsafe { (*node).next.with_mut(|next| *next = head) };
            // Releases the node. The nodes before it were released by the exchange that wrote the head just read, whose
            // release sequence this one continues.
            let order = order::release("node/push");
            match self.head.compare_exchange_weak(head, node, order, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => head = other,
            }
        }
    }

    /// Takes all that was pushed, the last one first.
    pub fn take(&self) -> Nodes<T> {
        self.swap(ptr::null_mut())
    }

    /// As [`Inbox::take`]; from now on a push fails.
    pub fn close(&self) -> Nodes<T> {
        self.swap(closed())
    }

    /// Closes if there is nothing to take; whether it did.
    pub fn close_if_empty(&self) -> bool {
        // Nothing to acquire, and nothing to release: there is no node.
        self.head.compare_exchange(ptr::null_mut(), closed(), Relaxed, Relaxed).is_ok()
    }

    fn swap(&self, rest: *mut Node<T>) -> Nodes<T> {
        // Acquires the nodes.
        Nodes(self.head.swap(rest, order::acquire("node/take")))
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// A list of nodes, owned.
pub struct Nodes<T>(*mut Node<T>);

impl<T> Iterator for Nodes<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.0.is_null() || self.0 == closed() {
            return None;
        }
        // SAFETY: `swap` has taken these nodes out of the inbox: the list owns them, each from `Box::into_raw`.
        let node = unsafe { Box::from_raw(self.0) };
        self.0 = node.next.with_mut(|next| {
            // SAFETY: the node was taken out of the inbox, and is this list's.
            unsafe { *next }
        });
        Some(node.value)
    }
}

impl<T> Drop for Nodes<T> {
    /// Also when the drop of a value panics.
    fn drop(&mut self) {
        while let Some(value) = self.next() {
            let mut rest = Nodes(mem::replace(&mut self.0, ptr::null_mut()));
            drop(value);
            self.0 = mem::replace(&mut rest.0, ptr::null_mut());
        }
    }
}
