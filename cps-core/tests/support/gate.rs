//! A leaf that a test opens from outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A leaf that is ready when it has been given a value, and tells how often it was polled.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<GateState>>);

#[derive(Default)]
struct GateState {
    value: Option<u32>,
    waker: Option<Waker>,
    polls: usize,
}

impl Gate {
    pub(crate) fn open(&self, value: u32) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.value = Some(value);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes whoever waits, for nothing.
    pub(crate) fn nudge(&self) {
        self.waker().wake();
    }

    /// Wakes whoever waits, if somebody does.
    pub(crate) fn nudge_if_waiting(&self) {
        let waker = self.0.lock().unwrap().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn waker(&self) -> Waker {
        self.0.lock().unwrap().waker.clone().expect("somebody waits")
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.0.lock().unwrap().waker.is_some()
    }

    pub(crate) fn polls(&self) -> usize {
        self.0.lock().unwrap().polls
    }
}

impl Future for Gate {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        let mut state = self.0.lock().unwrap();
        state.polls += 1;
        match state.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

pub(crate) fn gates(count: usize) -> Vec<Gate> {
    (0..count).map(|_| Gate::default()).collect()
}

pub(crate) fn polls(gates: &[Gate]) -> Vec<usize> {
    gates.iter().map(Gate::polls).collect()
}
