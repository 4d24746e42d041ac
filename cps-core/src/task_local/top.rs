//! The scopes of a key that are entered on a thread: a list on the host stack.
//!
//! ```text
//!   Top ──▶ Node of the innermost scope ──▶ Node of the one around it ──▶ …
//!             │ value, readers                │
//!             ▼                               ▼
//!           a `Scope`'s value               another's
//! ```
//!
//! # Invariant Z
//!
//! A node is in the list of its thread from `enter` until `enter` returns or unwinds, and so its value is valid. That
//! holds also if code inside runs on another host stack, and both do not end in the order in which they began: a node
//! takes *itself* out of the list, wherever in it it is. And a value is read only while its node is in the list: a node
//! that goes while somebody reads, which takes a switch of stacks in a read, ends the process.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr;

/// The innermost scope of a key on this thread.
#[derive(Debug)]
pub struct Top<T>(Cell<*const Node<T>>);

/// A scope that is entered.
struct Node<T> {
    value: *const T,
    below: Cell<*const Node<T>>,
    readers: Cell<usize>,
}

/// Takes its node out of the list.
struct Leave<'a, T> {
    top: &'a Top<T>,
    node: &'a Node<T>,
}

/// One that reads a node's value.
struct Reader<'a>(&'a Cell<usize>, PhantomData<*const ()>);

impl<T> Top<T> {
    /// Of a thread that is in no scope.
    #[allow(clippy::new_without_default)]
    #[must_use]
    pub const fn new() -> Self {
        Top(Cell::new(ptr::null()))
    }

    /// Runs `f` in a scope with that value.
    #[inline]
    pub(super) fn enter<R>(&self, value: &T, f: impl FnOnce() -> R) -> R {
        let node = Node {
            value: ptr::from_ref(value),
            below: Cell::new(self.0.get()),
            readers: Cell::new(0),
        };
        self.0.set(&raw const node);
        let _leave = Leave { top: self, node: &node };
        f()
    }

    /// Calls `f` with the value of the innermost scope; `None` if there is no scope.
    #[inline]
    pub(super) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        // SAFETY: invariant Z: what is in the list is valid, and stays there until the reader has gone.
        let node = unsafe { self.0.get().as_ref() }?;
        node.readers.set(node.readers.get() + 1);
        let _reader = Reader(&node.readers, PhantomData);
        // SAFETY: invariant Z: the value is valid while the node is in the list.
        Some(f(unsafe { &*node.value }))
    }

    /// Takes a node out that is not the innermost.
    #[cold]
    fn remove(&self, node: *const Node<T>) {
        let mut place = &self.0;
        while !ptr::eq(place.get(), node) {
            // SAFETY: invariant Z: what is in the list is valid. The node is in it.
            place = unsafe { &(*place.get()).below };
        }
        // SAFETY: the caller has the node.
        place.set(unsafe { (*node).below.get() });
    }
}

impl<T> Drop for Leave<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if ptr::eq(self.top.0.get(), self.node) {
            self.top.0.set(self.node.below.get());
        } else {
            self.top.remove(self.node);
        }
        if self.node.readers.get() != 0 {
            // A panic would drop the value, which somebody reads.
            std::process::abort();
        }
    }
}

impl Drop for Reader<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
