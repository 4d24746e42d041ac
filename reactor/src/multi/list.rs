//! The list of all tasks, in parts, so that workers that spawn do not wait for each other.
//!
//! # Invariant
//!
//! What is in a list is kept by the executor's reference, which is given up after [`unlink`](List::unlink) or
//! [`pop`](List::pop). Each is taken out once. The links are used under the lock. From the first `pop` on nothing is linked
//! any more: who would link a task is told, and cancels it.

use core::fmt;
use core::ptr;

use crate::sync::{Mutex, Owned, lock};

/// What has a place for the links of a list.
///
/// # Safety
/// It gives the same links always, and they are used by lists only.
pub unsafe trait Linked: Sized {
    /// The links.
    fn links(&self) -> &Links<Self>;
}

/// The links of a value that is in a list, or will be. Guarded by the list's lock.
pub struct Links<T> {
    previous: Owned<*const T>,
    next: Owned<*const T>,
    is_linked: Owned<bool>,
    /// In which list.
    pub list: u32,
}

impl<T> Links<T> {
    /// Of what belongs to the list with that number, and is not in it.
    pub fn of(list: u32) -> Self {
        Links {
            previous: Owned::new(ptr::null()),
            next: Owned::new(ptr::null()),
            is_linked: Owned::new(false),
            list,
        }
    }
}

impl<T> fmt::Debug for Links<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("list", &self.list).finish_non_exhaustive()
    }
}

/// One part of the list.
pub struct List<T>(Mutex<Inner<T>>);

struct Inner<T> {
    first: *const T,
    /// The next one that a dump looks at.
    next_to_look_at: *const T,
    /// How many were linked, and how many are.
    linked: u64,
    length: u64,
    /// The runtime is going: nothing is linked any more.
    is_closed: bool,
}

// SAFETY: what is in the list is kept (invariant), and the links are used under the lock.
unsafe impl<T> Send for Inner<T> {}

impl<T: Linked> List<T> {
    /// An empty one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        List(Mutex::new(Inner {
            first: ptr::null(),
            next_to_look_at: ptr::null(),
            linked: 0,
            length: 0,
            is_closed: false,
        }))
    }

    /// Puts a task into the list. False if it is closed.
    ///
    /// # Safety
    /// The task is new, with a reference for the executor, and belongs to this list.
    #[must_use]
    pub unsafe fn link(&self, task: *const T) -> bool {
        let mut inner = lock(&self.0);
        if inner.is_closed {
            return false;
        }
        // SAFETY: the executor's references keep the task, and its neighbour.
        unsafe {
            let links = (*task).links();
            links.is_linked.set(true);
            links.next.set(inner.first);
            if let Some(next) = inner.first.as_ref() {
                next.links().previous.set(task);
            }
        }
        inner.first = task;
        inner.linked += 1;
        inner.length += 1;
        true
    }

    /// Takes a task out of the list, if it is there.
    ///
    /// # Safety
    /// By who runs the task, which belongs to this list.
    pub unsafe fn unlink(&self, task: &T) {
        let mut inner = lock(&self.0);
        if task.links().is_linked.get() {
            // SAFETY: it is in the list.
            unsafe { inner.remove(task) };
        }
    }

    /// Begins to look at the tasks that are there. One thread at a time does.
    pub fn look_from_start(&self) {
        let mut inner = lock(&self.0);
        inner.next_to_look_at = inner.first;
    }

    /// Looks at the next task, which stays in the list meanwhile. Others may be linked and unlinked between two looks:
    /// those that are new are not looked at.
    pub fn look_at_next<R>(&self, look: impl FnOnce(*const T) -> R) -> Option<R> {
        let mut inner = lock(&self.0);
        let task = inner.next_to_look_at;
        // SAFETY: it is in the list: what is taken out is not the next one any more.
        inner.next_to_look_at = unsafe { task.as_ref() }?.links().next.get();
        Some(look(task))
    }

    /// How many tasks were put into the list, and how many are in it.
    pub fn counts(&self) -> (u64, u64) {
        let inner = lock(&self.0);
        (inner.linked, inner.length)
    }

    /// Closes the list, and takes a task out.
    pub fn pop(&self) -> Option<*const T> {
        let mut inner = lock(&self.0);
        inner.is_closed = true;
        let first = inner.first;
        // SAFETY: what is in the list is kept by the executor's reference.
        let task = unsafe { first.as_ref() }?;
        // SAFETY: it is in the list.
        unsafe { inner.remove(task) };
        Some(first)
    }
}

impl<T: Linked> Inner<T> {
    /// # Safety
    /// The task is in the list.
    unsafe fn remove(&mut self, task: &T) {
        let links = task.links();
        links.is_linked.set(false);
        let (previous, next) = (links.previous.get(), links.next.get());
        self.length -= 1;
        if ptr::eq(self.next_to_look_at, task) {
            self.next_to_look_at = next;
        }
        // SAFETY: what is in the list is kept by the executor's reference.
        let neighbours = unsafe { (previous.as_ref(), next.as_ref()) };
        match neighbours.0 {
            Some(previous) => previous.links().next.set(next),
            None => self.first = next,
        }
        if let Some(next) = neighbours.1 {
            next.links().previous.set(previous);
        }
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("List")
    }
}
