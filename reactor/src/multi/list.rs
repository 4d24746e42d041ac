//! The list of all tasks, in parts, so that workers that spawn do not wait for each other.

use std::ptr;

use crate::multi::task::Task;
use crate::sync::{Mutex, lock};

/// One part of the list.
pub(super) struct List(Mutex<Inner>);

struct Inner {
    first: *const Task,
    /// The next one that a dump looks at.
    next_to_look_at: *const Task,
    /// How many were linked, and how many are.
    linked: u64,
    length: u64,
    /// The runtime is going: nothing is linked any more.
    is_closed: bool,
}

// SAFETY: what is in the list is kept by the executor's reference, which is given up after `unlink` or `pop`; the links
// are used under the lock.
unsafe impl Send for Inner {}

impl List {
    pub(super) fn new() -> Self {
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
    /// The task is new, with a reference for the executor, and its `shard` is this list.
    #[must_use]
    pub(super) unsafe fn link(&self, task: *const Task) -> bool {
        let mut inner = lock(&self.0);
        if inner.is_closed {
            return false;
        }
        // SAFETY: the executor's reference keeps the task, and its neighbour.
        unsafe {
            (*task).is_linked.set(true);
            (*task).next.set(inner.first);
            if let Some(next) = inner.first.as_ref() {
                next.previous.set(task);
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
    /// By who runs the task, whose `shard` is this list.
    pub(super) unsafe fn unlink(&self, task: &Task) {
        let mut inner = lock(&self.0);
        if task.is_linked.replace(false) {
            // SAFETY: it is in the list.
            unsafe { inner.remove(task) };
        }
    }

    /// Begins to look at the tasks that are there. One thread at a time does.
    pub(super) fn look_from_start(&self) {
        let mut inner = lock(&self.0);
        inner.next_to_look_at = inner.first;
    }

    /// Looks at the next task, which stays in the list meanwhile. Others may be linked and unlinked between two looks:
    /// those that are new are not looked at.
    pub(super) fn look_at_next<R>(&self, look: impl FnOnce(*const Task) -> R) -> Option<R> {
        let mut inner = lock(&self.0);
        let task = inner.next_to_look_at;
        // SAFETY: it is in the list: what is taken out is not the next one any more.
        inner.next_to_look_at = unsafe { task.as_ref() }?.next.get();
        Some(look(task))
    }

    /// How many tasks were put into the list, and how many are in it.
    pub(super) fn counts(&self) -> (u64, u64) {
        let inner = lock(&self.0);
        (inner.linked, inner.length)
    }

    /// Closes the list, and takes a task out.
    pub(super) fn pop(&self) -> Option<*const Task> {
        let mut inner = lock(&self.0);
        inner.is_closed = true;
        let first = inner.first;
        // SAFETY: what is in the list is kept by the executor's reference.
        let task = unsafe { first.as_ref() }?;
        task.is_linked.set(false);
        // SAFETY: it is in the list.
        unsafe { inner.remove(task) };
        Some(first)
    }
}

impl Inner {
    /// # Safety
    /// The task is in the list.
    unsafe fn remove(&mut self, task: &Task) {
        let (previous, next) = (task.previous.get(), task.next.get());
        self.length -= 1;
        if ptr::eq(self.next_to_look_at, task) {
            self.next_to_look_at = next;
        }
        // SAFETY: what is in the list is kept by the executor's reference.
        let neighbours = unsafe { (previous.as_ref(), next.as_ref()) };
        match neighbours.0 {
            Some(previous) => previous.next.set(next),
            None => self.first = next,
        }
        if let Some(next) = neighbours.1 {
            next.previous.set(previous);
        }
    }
}
