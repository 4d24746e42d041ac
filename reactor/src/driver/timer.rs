//! The part of a timer that its future shares with the driver.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::Waker;

/// What a timer's future finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// In the wheel, under the key that its future holds.
    Waiting,
    Fired,
    /// The driver is gone: it will never fire.
    Gone,
}

/// One armed timer. Its waker never changes, so that its future can compare it without a lock.
pub(crate) struct Timer {
    state: AtomicU8,
    waker: Waker,
}

impl Timer {
    pub(crate) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self { state: AtomicU8::new(State::Waiting as u8), waker })
    }

    pub(crate) fn state(&self) -> State {
        match self.state.load(Acquire) {
            0 => State::Waiting,
            1 => State::Fired,
            _ => State::Gone,
        }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Driver, under the lock of the wheel, having taken the timer out of it.
    pub(crate) fn end(&self, state: State) {
        self.state.store(state as u8, Release);
    }
}
