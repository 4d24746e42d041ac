//! The children of a scope: on their way to it, and running.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::marker::PhantomData;
use core::mem;
use core::pin::Pin;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::task::{Context, Poll, Waker};

use super::Kind;
use crate::branch::Branch;
use crate::group::most_yields;
use crate::suspend::{Continuation, Receiver, channel};
use crate::wake_set::Wakes;

/// A child's future, and where its output goes. By hand: an `async fn` would be twice as large.
pub(super) struct Deliver<F: Future> {
    child: Branch<F>,
    result: Option<Continuation<F::Output>>,
}

impl<F: Future> Deliver<F> {
    pub(super) fn new(child: F) -> (Self, Receiver<F::Output>) {
        let (result, handle) = channel();
        (Deliver { child: Branch::Running(child), result: Some(result) }, handle)
    }
}

impl<F: Future> Future for Deliver<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the child is pinned as this is; the continuation is not.
        let (child, result) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.child), &mut this.result)
        };
        child.poll(cx).map(|output| {
            if let Some(result) = result.take() {
                // An output that nobody will look at is dropped.
                drop(result.resume(output));
            }
        })
    }
}

/// A child in its box.
pub(super) type Boxed<K> = Pin<Box<<K as Kind>::Child>>;

/// A child that waits for its start.
struct Node<K: Kind> {
    child: Boxed<K>,
    next: *mut Node<K>,
}

/// What the handles of a scope share with its future.
pub(super) struct Shared<K: Kind> {
    /// The children that wait for their start, the last one first; [`closed`] when the scope has ended.
    spawned: AtomicPtr<Node<K>>,
    /// Of the scope, for each push.
    waker: Waker,
    _children: PhantomData<Boxed<K>>,
}

// SAFETY: the children are moved in and out by one atomic operation each, and never shared: it is
// enough that they are `Send`.
unsafe impl<K: Kind> Sync for Shared<K> where Boxed<K>: Send {}

/// What `Shared::spawned` is after the end: an address that is no node's.
fn closed<K: Kind>() -> *mut Node<K> {
    ptr::without_provenance_mut(usize::MAX)
}

impl<K: Kind> Shared<K> {
    pub(super) fn new(waker: Waker) -> Self {
        Shared { spawned: AtomicPtr::new(ptr::null_mut()), waker, _children: PhantomData }
    }

    /// # Panics
    /// If the scope has ended.
    pub(super) fn push(&self, child: Boxed<K>) {
        let node = Box::into_raw(Box::new(Node { child, next: ptr::null_mut() }));
        let mut head = self.spawned.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                // SAFETY: the node was never published.
                drop(unsafe { Box::from_raw(node) });
                panic!("a child was spawned in a scope that has ended");
            }
            // SAFETY: as above.
            unsafe { (*node).next = head };
            // Releases the node to `take`.
            match self.spawned.compare_exchange_weak(
                head,
                node,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(other) => head = other,
            }
        }
        self.waker.wake_by_ref();
    }

    /// Takes all that was pushed, the last one first.
    pub(super) fn take(&self) -> Nodes<K> {
        self.swap(ptr::null_mut())
    }

    /// As [`Shared::take`]; from now on a push panics.
    pub(super) fn close(&self) -> Nodes<K> {
        self.swap(closed())
    }

    /// Closes if there is nothing to take; whether it did.
    pub(super) fn close_if_empty(&self) -> bool {
        // Nothing to acquire, and nothing to release: there is no node.
        let (open, relaxed) = (ptr::null_mut(), Ordering::Relaxed);
        self.spawned.compare_exchange(open, closed(), relaxed, relaxed).is_ok()
    }

    fn swap(&self, rest: *mut Node<K>) -> Nodes<K> {
        // Acquires the nodes.
        Nodes(self.spawned.swap(rest, Ordering::Acquire))
    }
}

impl<K: Kind> Drop for Shared<K> {
    fn drop(&mut self) {
        // The future was leaked: what was spawned is dropped with the last handle.
        drop(self.close());
    }
}

/// A list of nodes, owned.
pub(super) struct Nodes<K: Kind>(*mut Node<K>);

impl<K: Kind> Iterator for Nodes<K> {
    type Item = Boxed<K>;

    fn next(&mut self) -> Option<Boxed<K>> {
        if self.0.is_null() || self.0 == closed() {
            return None;
        }
        // SAFETY: the list owns its nodes, each from `Box::into_raw`.
        let node = unsafe { Box::from_raw(self.0) };
        self.0 = node.next;
        Some(node.child)
    }
}

impl<K: Kind> Drop for Nodes<K> {
    /// Also when the drop of a child panics.
    fn drop(&mut self) {
        while let Some(child) = self.next() {
            let mut rest = Nodes(mem::replace(&mut self.0, ptr::null_mut()));
            drop(child);
            self.0 = mem::replace(&mut rest.0, ptr::null_mut());
        }
    }
}

/// A running child, and when it was spawned.
pub(super) struct Started<K: Kind> {
    pub(super) number: u64,
    pub(super) child: Boxed<K>,
}

/// Children whose wakers are of one set.
pub(super) struct Chunk<K: Kind> {
    wakes: Wakes,
    pub(super) children: Box<[Option<Started<K>>]>,
    /// Places without a child.
    free: Vec<usize>,
    /// Places whose child was not polled yet.
    fresh: Vec<usize>,
}

impl<K: Kind> Chunk<K> {
    pub(super) fn new(room: usize) -> Self {
        Chunk {
            wakes: Wakes::new(),
            children: (0..room).map(|_| None).collect(),
            free: (0..room).rev().collect(),
            fresh: Vec::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// Gives a child a place, from which [`Chunk::run`] starts it.
    pub(super) fn insert(&mut self, started: Started<K>) {
        let place = self.free.pop().expect("the chunk has room");
        self.children[place] = Some(started);
        self.fresh.push(place);
    }

    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Polls the fresh children and those that were woken; gives the number of those that finished.
    pub(super) fn run(&mut self, cx: &mut Context<'_>) -> usize {
        let (mut finished, mut yields) = (0, 0);
        self.wakes.begin();
        for index in mem::take(&mut self.fresh) {
            finished += usize::from(self.poll_child(index));
        }
        while yields < most_yields(self.children.len()) {
            let Some(index) = self.wakes.next() else { break };
            if self.poll_child(index) {
                finished += 1;
            } else {
                yields += usize::from(self.wakes.is_woken(index));
            }
        }
        if self.free.len() < self.children.len() {
            self.wakes.arm(cx.waker());
        }
        finished
    }

    /// Whether there was a child, and it has finished.
    fn poll_child(&mut self, index: usize) -> bool {
        let room = self.children.len();
        let Some(started) = &mut self.children[index] else { return false };
        let child = started.child.as_mut();
        if self.wakes.lend(index, room, None, |cx| child.poll(cx)).is_pending() {
            return false;
        }
        self.children[index] = None;
        self.free.push(index);
        true
    }
}

/// Drops children from the last to the first, also when one of those drops panics.
pub(super) struct DropInOrder<K: Kind>(pub(super) Vec<Started<K>>);

impl<K: Kind> Drop for DropInOrder<K> {
    fn drop(&mut self) {
        while let Some(last) = self.0.pop() {
            let mut rest = DropInOrder(mem::take(&mut self.0));
            drop(last);
            self.0 = mem::take(&mut rest.0);
        }
    }
}
