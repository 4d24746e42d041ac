//! Who of a task and its handle owns the task's result, and the waker that the handle has left.
//!
//! ```text
//!              offer: the slot is the task's
//!            ┌─────────────────────────────▶┐
//!      RUNNING                              RUNNING, WAKER
//!            └◀─────────────────────────────┘         │
//!        │     reclaim: the slot is the handle's      │ complete
//!        │ complete                                   ▼
//!        │                                  COMPLETE, WAKER ─ the task wakes by reference
//!        ▼             called                         │
//!      COMPLETE ◀─────────────────────────────────────┘
//!      the result and the slot are the handle's
//! ```
//!
//! `HANDLE` is set beside these until [`drop_handle`](JoinState::drop_handle). Without it result and slot are the
//! task's to drop once it is complete, but for what `drop_handle` has been told to drop itself.
//!
//! That the task be aborted is a wish, which the executor looks at before each poll. It is beside the word, for anybody
//! may have it at any time.
//!
//! # Invariant
//!
//! The slot and the result are each accessed by one side at a time: by the one that the word names. Changes of it are
//! read-modify-writes, so each side acquires all that the other did before; but for those of a side that is alone:
//!
//! - The handle is gone: nothing but [`complete`](JoinState::complete) changes the word.
//! - The task has ended, and has called the waker if there was one: nothing but `drop_handle` does.
//! - The handle goes away on the thread that runs the task ([`drop_handle_here`](JoinState::drop_handle_here)).

use core::fmt;

use crate::sync::{
    atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    order,
};

const COMPLETE: u8 = 1;
const WAKER: u8 = 2;
const HANDLE: u8 = 4;

/// The state that a task shares with its handle.
pub struct JoinState {
    word: AtomicU8,
    is_aborted: AtomicBool,
}

/// Whether the task has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// No; a waker lies in the slot, and the task may read it.
    Awaited,
    /// No; the slot is the handle's.
    NotYet,
    /// Yes: the result is the handle's.
    Yes,
}

/// What the task has to do once it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Completed {
    /// Call the waker in the slot, by reference, and then [`called`](JoinState::called).
    pub wake: bool,
    /// Drop the result: nobody wants it.
    pub drop_result: bool,
}

/// What a handle has to do that goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Detached {
    /// Drop the waker in the slot, if one is there.
    pub drop_waker: bool,
    /// Drop the result, if it was not taken.
    pub drop_result: bool,
}

impl JoinState {
    /// Of a task that runs, and has a handle.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        JoinState { word: AtomicU8::new(HANDLE), is_aborted: AtomicBool::new(false) }
    }

    /// Handle: whether there is a result.
    pub fn ended(&self) -> Ended {
        // Acquires the result.
        match self.word.load(order::acquire("join/ended")) {
            state if state & COMPLETE != 0 => Ended::Yes,
            state if state & WAKER != 0 => Ended::Awaited,
            _ => Ended::NotYet,
        }
    }

    /// Handle, which has put a waker in its slot: gives the slot to the task. False if that has ended meanwhile; the
    /// slot stays the handle's.
    #[must_use]
    pub fn offer(&self) -> bool {
        // Releases the slot; acquires the result.
        let success = order::acq_rel("join/offer", "join/offer-late");
        let give = |state| (state & COMPLETE == 0).then_some(state | WAKER);
        self.word.fetch_update(success, order::acquire("join/offer-late"), give).is_ok()
    }

    /// Handle, which has offered its slot: takes it back. False if the task has ended meanwhile; the slot is the task's
    /// until that has called the waker.
    #[must_use]
    pub fn reclaim(&self) -> bool {
        // Acquires the result. If there is none, the task has not looked at the slot.
        let take = |state| (state & COMPLETE == 0).then_some(state & !WAKER);
        self.word.fetch_update(Relaxed, order::acquire("join/reclaim-late"), take).is_ok()
    }

    /// Task, whose result is there.
    pub fn complete(&self) -> Completed {
        let state = self.word.load(Relaxed);
        if state & HANDLE == 0 {
            // Relaxed: nobody wants the result, and nobody has left a waker.
            self.word.store(state | COMPLETE, Relaxed);
            return Completed { wake: false, drop_result: true };
        }
        // Releases the result; acquires the slot.
        let old = self.word.fetch_or(COMPLETE, order::acq_rel("join/complete", "join/awaited"));
        debug_assert!(old & COMPLETE == 0);
        Completed { wake: old & WAKER != 0, drop_result: old & HANDLE == 0 }
    }

    /// Task, which has called the waker: true if it has to drop it, because the handle is gone.
    #[must_use]
    pub fn called(&self) -> bool {
        // Releases the slot, which was read.
        let old = self.word.fetch_and(!WAKER, order::acq_rel("join/called", "join/called-last"));
        old & HANDLE == 0
    }

    /// Handle, which goes away.
    pub fn drop_handle(&self) -> Detached {
        // Acquires the result, and the slot, that the task has read.
        let state = self.word.load(order::acquire("join/detach-ended"));
        if state & (COMPLETE | WAKER) == COMPLETE {
            return Detached { drop_waker: true, drop_result: true };
        }
        let detach = |state| {
            // What is the task's when it has ended stays the task's. Else both are the handle's, for the last time.
            Some(if state & COMPLETE != 0 { state & !HANDLE } else { state & !(HANDLE | WAKER) })
        };
        // If the task has ended: acquires the result, and the slot, that it has read; releases the slot.
        let success = order::acq_rel("join/detach", "join/detach-late");
        match self.word.fetch_update(success, order::acquire("join/detach-late"), detach) {
            Ok(old) if old & COMPLETE == 0 => Detached { drop_waker: true, drop_result: false },
            Ok(old) => Detached { drop_waker: old & WAKER == 0, drop_result: true },
            Err(_) => unreachable!("a handle can always go away"),
        }
    }

    /// Handle, which goes away on the thread that runs the task: so nothing changes the word at the same time. (It may be
    /// dropped by the waker that the task calls, between [`complete`](JoinState::complete) and
    /// [`called`](JoinState::called).)
    pub fn drop_handle_here(&self) -> Detached {
        let state = self.word.load(Relaxed);
        if state & COMPLETE != 0 {
            return self.drop_handle();
        }
        // Relaxed: all that is to be seen was done on this thread, or is seen by it as the handle was.
        self.word.store(state & !(HANDLE | WAKER), Relaxed);
        Detached { drop_waker: true, drop_result: false }
    }

    /// Anybody: wishes that the task be cancelled. The task is to be woken then.
    pub fn abort(&self) {
        // The wake that follows releases it.
        self.is_aborted.store(true, Relaxed);
    }

    /// Executor, after it has begun to run the task.
    #[inline]
    pub fn is_aborted(&self) -> bool {
        // The wake that was to be seen was acquired.
        self.is_aborted.load(Relaxed)
    }
}

impl fmt::Debug for JoinState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.word.load(Relaxed);
        f.debug_struct("JoinState")
            .field("complete", &(state & COMPLETE != 0))
            .field("awaited", &(state & WAKER != 0))
            .field("handle", &(state & HANDLE != 0))
            .field("aborted", &self.is_aborted())
            .finish()
    }
}
