//! The list of tracked roots, and the lock of each.
//!
//! # Invariant Y
//!
//! If the content of an entry is a chain, its lock is free only while that chain is suspended, and the chain's memory
//! is valid: who polls the root has the lock until the chain is suspended again, and who drops it empties the content
//! before. (A root that is leaked after its first poll was pinned: its memory stays valid.)

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use core::ops::Bound::{Excluded, Unbounded};
use core::panic::Location;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// The parts of the list, so that threads that make roots seldom wait for each other.
static SHARDS: [Mutex<Shard>; COUNT] = [const { Mutex::new(Shard::new()) }; COUNT];
const COUNT: usize = 16;

/// The next part that a root comes to.
static NEXT: AtomicUsize = AtomicUsize::new(0);

struct Shard {
    /// How many roots came here.
    count: u64,
    entries: BTreeMap<u64, Arc<Entry>>,
}

impl Shard {
    const fn new() -> Self {
        Shard { count: 0, entries: BTreeMap::new() }
    }
}

/// A root, as others know it.
pub(super) struct Entry {
    /// Of which the remainder by [`COUNT`] is its part of the list.
    number: u64,
    name: Cow<'static, str>,
    made_at: &'static Location<'static>,
    content: Mutex<Content>,
}

/// What a root is at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// It was not polled.
    Unstarted,
    /// A future that is no chain.
    Future,
    /// A suspended chain, for [`hosted`](crate::coroutine::hosted).
    Chain(*const ()),
    /// Nothing: it has ended, or is being dropped.
    Gone,
}

// SAFETY: the pointer is followed by those that have the lock, when the chain does not run (invariant Y).
unsafe impl Send for Content {}

/// Locks a mutex that may have been held during a panic of foreign code, by a guard that has put things in order then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A poll of a root, which has its lock. Unless it is told that the root has suspended, the root has ended.
pub(super) struct Polling<'a> {
    entry: &'a Entry,
    content: MutexGuard<'a, Content>,
    is_suspended: bool,
}

impl Entry {
    /// A root that was not polled, in the list.
    pub(super) fn register(
        name: Cow<'static, str>,
        made_at: &'static Location<'static>,
    ) -> Arc<Self> {
        let shard = NEXT.fetch_add(1, Relaxed) % COUNT;
        let mut list = lock(&SHARDS[shard]);
        let number = list.count * COUNT as u64 + shard as u64;
        list.count += 1;
        let content = Mutex::new(Content::Unstarted);
        let entry = Arc::new(Entry { number, name, made_at, content });
        list.entries.insert(number, entry.clone());
        entry
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn name(&self) -> &Cow<'static, str> {
        &self.name
    }

    pub(super) fn made_at(&self) -> &'static Location<'static> {
        self.made_at
    }

    /// Begins a poll: waits while a dump looks at the root.
    pub(super) fn poll(&self) -> Polling<'_> {
        Polling { entry: self, content: lock(&self.content), is_suspended: false }
    }

    /// Looks at the root, which does not run meanwhile. `None` if it is being polled.
    pub(super) fn look<R>(&self, look: impl FnOnce(Content) -> R) -> Option<R> {
        match self.content.try_lock() {
            Ok(content) => Some(look(*content)),
            Err(TryLockError::Poisoned(content)) => Some(look(*content.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The root is to be dropped: takes it out of the list, and waits while a dump looks at it.
    pub(super) fn retire(&self) {
        if *lock(&self.content) != Content::Gone {
            self.remove();
            *lock(&self.content) = Content::Gone;
        }
    }

    fn remove(&self) {
        let removed =
            lock(&SHARDS[(self.number % COUNT as u64) as usize]).entries.remove(&self.number);
        drop(removed); // Without the lock.
    }
}

impl Polling<'_> {
    pub(super) fn content(&self) -> Content {
        *self.content
    }

    pub(super) fn set(&mut self, content: Content) {
        *self.content = content;
    }

    /// The root waits.
    pub(super) fn suspend(mut self) {
        self.is_suspended = true;
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        if !self.is_suspended && *self.content != Content::Gone {
            *self.content = Content::Gone;
            self.entry.remove();
        }
    }
}

/// Calls `f` with all roots that were there before, of those that are there still, one after the other. No lock is held
/// meanwhile.
pub(super) fn each(mut f: impl FnMut(&Entry)) {
    for shard in &SHARDS {
        let mut from = Unbounded;
        let until = Excluded(lock(shard).count * COUNT as u64);
        loop {
            let list = lock(shard);
            // Numbers only grow; none is between the last one that came here and `until`.
            let Some((&number, entry)) = list.entries.range((from, until)).next() else { break };
            let entry = entry.clone();
            drop(list);
            from = Excluded(number);
            f(&entry);
        }
    }
}
