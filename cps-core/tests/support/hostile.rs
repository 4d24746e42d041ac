//! A task whose waker does what a test says: panics, wakes others, polls or drops the future that it wakes.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

type Act = Box<dyn FnOnce() + Send>;

/// Counts its wakes, and does something in some of them, or when its last waker is dropped.
#[derive(Default)]
pub(crate) struct Task {
    wakes: AtomicUsize,
    acts: Mutex<HashMap<usize, Act>>,
    at_end: Mutex<Option<Act>>,
}

impl Task {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One whose wakes of these numbers, from 0 on, panic.
    pub(crate) fn failing(numbers: impl IntoIterator<Item = usize>) -> Arc<Self> {
        let task = Task::new();
        for number in numbers {
            task.on_wake(number, fail);
        }
        task
    }

    /// In the wake of that number, from 0 on.
    pub(crate) fn on_wake(&self, number: usize, act: impl FnOnce() + Send + 'static) {
        self.acts.lock().unwrap().insert(number, Box::new(act));
    }

    /// When the last of its wakers is dropped.
    pub(crate) fn on_drop(&self, act: impl FnOnce() + Send + 'static) {
        *self.at_end.lock().unwrap() = Some(Box::new(act));
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(SeqCst)
    }

    /// How many wakers there are.
    pub(crate) fn wakers(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }

    pub(crate) fn poll<F: Future + ?Sized>(
        self: &Arc<Self>,
        future: &mut Pin<Box<F>>,
    ) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&Waker::from(self.clone())))
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let number = self.wakes.fetch_add(1, SeqCst);
        let act = self.acts.lock().unwrap().remove(&number);
        if let Some(act) = act {
            act();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(act) = self.at_end.get_mut().unwrap().take() {
            act();
        }
    }
}

struct Failure;

/// Panics, and prints nothing.
pub(crate) fn fail() {
    resume_unwind(Box::new(Failure));
}

/// Whether it fails. Another panic goes on.
pub(crate) fn fails<T>(run: impl FnOnce() -> T) -> bool {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => false,
        Err(panic) if panic.is::<Failure>() => true,
        Err(panic) => resume_unwind(panic),
    }
}
