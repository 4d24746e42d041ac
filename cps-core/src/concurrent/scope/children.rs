//! The children of a scope: on their way to it, and running.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::future::Future;
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use core::task::{Context, Poll, Waker};

use super::ChildBound;
use super::inbox::{Inbox, Nodes};
use crate::chain::driver::Driver;
use crate::chain::header::BranchVisitor;
use crate::chain::outermost::{Joiner, Outermost};
use crate::concurrent::branch::Branch;
use crate::concurrent::engine::most_yields;
use crate::concurrent::frame::TagOf;
use crate::suspend::{Continuation, Receiver, channel};
use crate::sync::loses;
use crate::wake_set::{BranchAt, Wakes};

/// A child's future, and the place for its output. Written by hand, since an `async fn` would be twice as large.
pub(super) struct Deliver<F: Future> {
    /// In a cell, so that a reference to this is no access to it.
    child: UnsafeCell<Branch<F>>,
    result: Option<Continuation<F::Output>>,
}

impl<F: Future> Deliver<F> {
    pub(super) fn new(child: F) -> (Self, Receiver<F::Output>) {
        let (result, handle) = channel();
        (Deliver { child: UnsafeCell::new(Branch::Running(child)), result: Some(result) }, handle)
    }
}

impl<F: Future> Future for Deliver<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the child is pinned as this is (invariant A); the continuation is not pinned.
        let (child, result) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(this.child.get_mut()), &mut this.result)
        };
        child.poll(cx).map(|output| {
            if let Some(result) = result.take() {
                // If the handle is gone, the output is dropped.
                drop(result.resume(output));
            }
        })
    }
}

/// A child, as its box holds it.
pub trait Task: Future<Output = ()> {
    /// Shows the child's future.
    ///
    /// # Safety
    /// As for [`BranchingPoint::look`](crate::concurrent::frame::BranchingPoint::look).
    #[doc(hidden)]
    unsafe fn look(&self, kind: TagOf, number: usize, look: &mut BranchVisitor<'_>);

    /// What the child's first waker tells.
    ///
    /// # Safety
    /// As for [`Branch::branch_at`].
    #[doc(hidden)]
    unsafe fn branch_at(&self, joiner: *const Joiner) -> Option<BranchAt>;

    /// The driver of the first frames that a drop of it would drop, or null.
    ///
    /// # Safety
    /// As for [`Branch::frames`].
    #[doc(hidden)]
    unsafe fn frames(&self, kind: TagOf) -> *const Driver;
}

impl<F: Future> Task for Deliver<F> {
    unsafe fn look(&self, kind: TagOf, number: usize, look: &mut BranchVisitor<'_>) {
        // SAFETY: the scope that shows its children leads to this one, which nobody polls (invariant A).
        unsafe { Branch::look(self.child.get(), kind, number, look) }
    }

    unsafe fn branch_at(&self, joiner: *const Joiner) -> Option<BranchAt> {
        // SAFETY: the scope that starts this child leads to it, and it was not polled (invariant A).
        unsafe { Branch::branch_at(self.child.get(), joiner) }
    }

    unsafe fn frames(&self, kind: TagOf) -> *const Driver {
        // SAFETY: the scope that drops this child leads to it, and nobody polls it (invariant A).
        unsafe { Branch::frames(self.child.get(), kind) }
    }
}

/// A child in its box.
pub(super) type Boxed<K> = Pin<Box<<K as ChildBound>::Child>>;

/// The state that the handles of a scope share with its future.
pub(super) struct Shared<K: ChildBound> {
    /// Children that wait for their start, each with its number.
    pub(super) spawned: Inbox<(usize, Boxed<K>)>,
    pub(super) orders: Arc<Orders>,
}

/// The part of [`Shared`] that does not depend on the children's type.
pub(super) struct Orders {
    /// Numbers of children that are to be dropped.
    pub(super) aborted: Inbox<usize>,
    /// How many children were spawned.
    numbered: AtomicUsize,
    /// Wakes the scope after each push.
    waker: Waker,
}

impl Orders {
    /// Asks the scope to drop that child, if it is not finished.
    pub(super) fn abort(&self, number: usize) {
        if self.aborted.push(number).is_ok() {
            self.waker.wake_by_ref();
        }
    }
}

impl<K: ChildBound> Shared<K> {
    pub(super) fn new(waker: Waker) -> Self {
        let (aborted, numbered) = (Inbox::new(), AtomicUsize::new(0));
        let orders = Arc::new(Orders { aborted, numbered, waker });
        Shared { spawned: Inbox::new(), orders }
    }

    /// Asks the scope to start a child; gives its number.
    ///
    /// # Panics
    /// If the scope has ended.
    pub(super) fn spawn(&self, child: Boxed<K>) -> usize {
        let number = self.orders.numbered.fetch_add(1, Relaxed);
        if self.spawned.push((number, child)).is_err() {
            panic!("a child was spawned in a scope that has ended");
        }
        if !loses("spawn") {
            self.orders.waker.wake_by_ref();
        }
        number
    }

    /// Ends the scope if no child waits for its start; whether it did.
    pub(super) fn close_if_empty(&self) -> bool {
        self.spawned.close_if_empty() && {
            self.orders.aborted.close();
            true
        }
    }

    /// Ends the scope; gives the children that wait for their start.
    pub(super) fn close(&self) -> Nodes<(usize, Boxed<K>)> {
        self.orders.aborted.close();
        self.spawned.close()
    }
}

/// A running child, and when it was spawned.
pub(super) struct Started<K: ChildBound> {
    pub(super) number: usize,
    pub(super) child: Boxed<K>,
    /// The tag that its future has reported.
    pub(super) kind: TagOf,
}

/// Children whose wakers are of one set.
pub(super) struct Chunk<K: ChildBound> {
    wakes: Wakes,
    pub(super) children: Box<[Option<Started<K>>]>,
    /// Places without a child.
    free: Vec<usize>,
    /// Places whose child was not polled yet.
    fresh: VecDeque<usize>,
    /// The child in which a branching point was deferred.
    at: Option<usize>,
}

impl<K: ChildBound> Chunk<K> {
    pub(super) fn new(room: usize) -> Self {
        Chunk {
            wakes: Wakes::new(),
            children: (0..room).map(|_| None).collect(),
            free: (0..room).rev().collect(),
            fresh: VecDeque::new(),
            at: None,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// Gives a child a place, from which [`Chunk::run`] starts it.
    pub(super) fn insert(&mut self, started: Started<K>) {
        let place = self.free.pop().expect("the chunk has room");
        self.children[place] = Some(started);
        self.fresh.push_back(place);
    }

    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Polls the fresh children and those that were woken; gives the number of those that finished. Stops if a
    /// branching point was deferred, to go on with that child in the next call.
    pub(super) fn run(
        &mut self,
        cx: &mut Context<'_>,
        joiner: *const Joiner,
        outermost: &Outermost,
    ) -> usize {
        let (mut finished, mut yields) = (0, 0);
        let mut again = self.at.take();
        if again.is_none() {
            self.wakes.begin(self.children.len(), cx.waker());
        }
        while yields < most_yields(self.children.len()) {
            let (index, is_finished) = if let Some(index) = again.take() {
                (index, self.poll_child(index, cx.waker()))
            } else if let Some(index) = self.fresh.pop_front() {
                (index, self.start_child(index, cx.waker(), joiner))
            } else if let Some(index) = self.wakes.next(self.children.len()) {
                let is_finished = self.poll_child(index, cx.waker());
                if !is_finished {
                    yields += usize::from(self.wakes.is_woken(index, self.children.len()));
                }
                (index, is_finished)
            } else {
                break;
            };
            finished += usize::from(is_finished);
            if !outermost.is_idle() {
                self.at = Some(index);
                return finished;
            }
        }
        if self.free.len() < self.children.len() {
            self.wakes.end(self.children.len(), cx.waker());
        }
        finished
    }

    /// The children that were started and are not finished.
    pub(super) fn started(&self) -> impl Iterator<Item = &Started<K>> {
        self.children.iter().flatten()
    }

    /// Polls a child for the first time; whether it has finished.
    fn start_child(&mut self, index: usize, waker: &Waker, joiner: *const Joiner) -> bool {
        let room = self.children.len();
        let Some(started) = &mut self.children[index] else { return false };
        // SAFETY: the child was not polled, and stays in its box, pinned, until it is dropped (invariant A).
        let branch = unsafe { started.child.branch_at(joiner) };
        let branch = branch.unwrap_or(BranchAt::NONE);
        let first = self.wakes.first(index, room, waker, false, branch);
        let poll = started.child.as_mut().poll(&mut Context::from_waker(&first.lend()));
        // SAFETY: `report`, the only function of this crate that reports, takes a `FutureTag` (invariant A).
        started.kind = unsafe { first.reported() };
        poll.is_ready() && self.vacate(index)
    }

    /// Drops the children of these numbers, which are sorted; gives how many there were.
    pub(super) fn abort(&mut self, numbers: &[usize]) -> usize {
        let mut dropped = 0;
        for index in 0..self.children.len() {
            let number = self.children[index].as_ref().map(|started| started.number);
            if number.is_some_and(|number| numbers.binary_search(&number).is_ok()) {
                self.vacate(index);
                dropped += 1;
            }
        }
        dropped
    }

    fn vacate(&mut self, index: usize) -> bool {
        self.children[index] = None;
        self.free.push(index);
        true
    }

    /// Whether there was a child, and it has finished.
    fn poll_child(&mut self, index: usize, waker: &Waker) -> bool {
        let room = self.children.len();
        let Some(started) = &mut self.children[index] else { return false };
        let child = started.child.as_mut();
        let mut first = MaybeUninit::uninit();
        let lent = self.wakes.lend(&mut first, index, room, waker);
        child.poll(&mut Context::from_waker(&lent)).is_ready() && self.vacate(index)
    }
}

/// Drops children from the last to the first, also when one of those drops panics.
pub(super) struct DropInOrder<K: ChildBound>(pub(super) Vec<Started<K>>);

impl<K: ChildBound> Drop for DropInOrder<K> {
    fn drop(&mut self) {
        while let Some(last) = self.0.pop() {
            let mut rest = DropInOrder(mem::take(&mut self.0));
            drop(last);
            self.0 = mem::take(&mut rest.0);
        }
    }
}
