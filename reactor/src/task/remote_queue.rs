//! The way into a current-thread executor from other threads: a stack, linked through what is pushed, so that a push
//! allocates nothing; taken as a whole and turned round.
//!
//! ```text
//!             push -> First                  push -> Queued
//!    EMPTY ─────────────────────▶ a list ◀──────────────────┐
//!      ▲ ▲                         │ │ └────────────────────┘
//!      │ └────────── take ─────────┘ │
//!      │ close                       │ close
//!      └─────────▶ CLOSED ◀──────────┘      push -> Closed
//! ```
//!
//! # Invariant
//!
//! An entry is in one list at most, once: between its push and the `take` or `close` that gives it back it belongs to
//! the queue, and so does its [`Link`]. The first one of each list has the executor unparked *after* its push, so the
//! executor takes it, and with it all that were pushed meanwhile.

use core::fmt;
use core::ptr;

use crate::sync::{
    Owned,
    atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed},
    order,
};

/// What makes a value one that can be pushed. Part of it.
pub struct Link {
    /// By who owns the link.
    next: Owned<*mut Link>,
    /// It is in the queue, or about to be.
    notified: AtomicBool,
}

// SAFETY: `next` is used by one thread at a time (invariant).
unsafe impl Send for Link {}
// SAFETY: `next` is used by one thread at a time (invariant).
unsafe impl Sync for Link {}

impl Link {
    /// Of what is in no queue, or (`notified`) will be pushed by who makes it.
    pub fn new(notified: bool) -> Self {
        Link { next: Owned::new(ptr::null_mut()), notified: AtomicBool::new(notified) }
    }

    /// Any thread: whether the caller is to push it. If not, it is in the queue, or will be.
    #[must_use]
    pub fn notify(&self) -> bool {
        // Releases what the caller has to say, also if another one pushes; acquires `next`.
        !self.notified.swap(true, order::acq_rel("remote/notify", "remote/link"))
    }

    /// Executor, with what it has taken, before it does what it was pushed for: it may be pushed again.
    pub fn heard(&self) {
        // Acquires what all had to say that have notified; releases `next`.
        self.notified.swap(false, order::acq_rel("remote/unlink", "remote/heard"));
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("notified", &self.notified.load(Relaxed)).finish()
    }
}

/// No link is at this address.
fn closed() -> *mut Link {
    ptr::without_provenance_mut(1)
}

fn is_list(head: *mut Link) -> bool {
    head.addr() > 1
}

/// The queue of one executor.
pub struct RemoteQueue {
    head: AtomicPtr<Link>,
}

/// The duty of a thread that has pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// Nothing: another thread has the executor look.
    Queued,
    /// Have the executor look: unpark it.
    First,
    /// It was not pushed: the executor is gone.
    Closed,
}

impl RemoteQueue {
    /// Empty.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        RemoteQueue { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Any thread.
    ///
    /// # Safety
    /// [`Link::notify`] has told the caller to, or the link was made so; it stays valid until it is taken or given
    /// back.
    pub unsafe fn push(&self, link: *const Link) -> Pushed {
        let mut head = self.head.load(Relaxed);
        loop {
            if head == closed() {
                return Pushed::Closed;
            }
            // SAFETY: the caller keeps the link valid, and is the one to push it.
            unsafe { (*link).next.set(head) };
            // Releases the link, and what the executor is to see.
            match self.head.compare_exchange_weak(
                head,
                link.cast_mut(),
                order::release("remote/push"),
                Relaxed,
            ) {
                Ok(_) if head.is_null() => return Pushed::First,
                Ok(_) => return Pushed::Queued,
                Err(now) => head = now,
            }
        }
    }

    /// Executor: whether there is something to take.
    #[inline]
    pub fn has_entries(&self) -> bool {
        is_list(self.head.load(Relaxed))
    }

    /// Executor: takes what was pushed, in that order.
    pub fn take(&self) -> Taken {
        // Acquires the links and what was said before.
        Taken::new(self.head.swap(ptr::null_mut(), order::acquire("remote/take")))
    }

    /// Executor, when it goes away: takes what was pushed, and refuses what comes.
    pub fn close(&self) -> Taken {
        // As `take`.
        Taken::new(self.head.swap(closed(), order::acquire("remote/close")))
    }
}

impl fmt::Debug for RemoteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteQueue")
    }
}

/// What was taken: an iterator. Each link is the caller's again when it is given.
#[derive(Debug)]
pub struct Taken {
    next: *mut Link,
}

impl Taken {
    fn new(head: *mut Link) -> Self {
        let (mut rest, mut turned) = (head, ptr::null_mut());
        while is_list(rest) {
            let link = rest;
            // SAFETY: an entry of the list, which stays valid until it is given back (contract of `push`). (No
            // reference is made of it: its pointer leads to the whole of which it is part.)
            unsafe {
                rest = (*link).next.get();
                (*link).next.set(turned);
            }
            turned = link;
        }
        Taken { next: turned }
    }
}

impl Iterator for Taken {
    type Item = *const Link;

    fn next(&mut self) -> Option<*const Link> {
        let link = self.next;
        if link.is_null() {
            return None;
        }
        // SAFETY: as in `new`; it is given back after this.
        self.next = unsafe { (*link).next.get() };
        Some(link)
    }
}
