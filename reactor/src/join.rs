//! The result of a task: where it is stored, and the handle that awaits it.
//!
//! A [`Spawned`] future wraps the task's own. It ends in exactly one of three ways, each of which
//! fills the [`Slot`] once, *after* the task's own future is dropped: it returns, it panics, or it
//! is dropped (by `abort`, or with the runtime).

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::executor::Executor;
use crate::task::Task;

/// The state that a task and its handle share. Both live on the runtime's thread.
struct Slot<T> {
    stage: RefCell<Stage<T>>,
    /// Set by `abort`, read by the next poll.
    aborted: Cell<bool>,
}

enum Stage<T> {
    /// The task is not done. The waker of the future that awaits it.
    Running(Option<Waker>),
    Done(Result<T, JoinError>),
    Taken,
}

impl<T> Slot<T> {
    /// Whether the task is not done, and would wake somebody else.
    fn is_awaited_anew(&self, waker: &Waker) -> bool {
        match &*self.stage.borrow() {
            Stage::Running(Some(registered)) => !registered.will_wake(waker),
            Stage::Running(None) => true,
            Stage::Done(_) | Stage::Taken => false,
        }
    }

    /// Leaves a waker, unless the task is done by now. Returns the waker that is not needed.
    fn register(&self, waker: Waker) -> Option<Waker> {
        match &mut *self.stage.borrow_mut() {
            Stage::Running(registered) => registered.replace(waker),
            Stage::Done(_) | Stage::Taken => Some(waker),
        }
    }
}

/// The writing end of a slot. Dropping it unfilled says "cancelled".
struct Promise<T>(Rc<Slot<T>>);

impl<T> Promise<T> {
    /// Fills the slot, unless it is full.
    fn fill(&self, result: Result<T, JoinError>) {
        let mut stage = self.0.stage.borrow_mut();
        if let Stage::Running(waker) = &mut *stage {
            let waker = waker.take();
            *stage = Stage::Done(result);
            drop(stage); // Before foreign code.
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.fill(Err(JoinError { reason: Reason::Cancelled }));
    }
}

pin_project! {
    /// A task's future together with the slot for its result.
    struct Spawned<F: Future> {
        // `None` once it is done. The first field: dropped before the promise speaks.
        #[pin]
        future: Option<F>,
        promise: Promise<F::Output>,
    }
}

impl<F: Future> Future for Spawned<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let mut result = if this.promise.0.aborted.get() {
            Err(JoinError { reason: Reason::Cancelled })
        } else {
            let future = this.future.as_mut().as_pin_mut().expect("not polled after it is done");
            match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => Ok(output),
                Err(payload) => Err(JoinError { reason: Reason::Panicked(payload) }),
            }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| this.future.set(None))) {
            result = Err(JoinError { reason: Reason::Panicked(payload) });
        }
        this.promise.fill(result);
        Poll::Ready(())
    }
}

/// Spawns `future` on `executor`.
pub(crate) fn spawn<F>(executor: &Executor, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    let slot =
        Rc::new(Slot { stage: RefCell::new(Stage::Running(None)), aborted: Cell::new(false) });
    let spawned = Spawned { future: Some(future), promise: Promise(slot.clone()) };
    JoinHandle { task: executor.spawn(Box::pin(spawned)), slot }
}

/// Awaits a task's result. Dropping it detaches the task, which then runs on.
///
/// Like the task, it stays on the runtime's thread (it is not `Send`).
///
/// # Cancellation
///
/// Dropping the handle, or a future that awaits `&mut` it, does not stop the task;
/// [`abort`](JoinHandle::abort) does.
#[must_use = "dropping the handle detaches the task: `drop` it to say so"]
pub struct JoinHandle<T> {
    /// `None` if the runtime was going away.
    task: Option<Arc<Task>>,
    slot: Rc<Slot<T>>,
}

impl<T> JoinHandle<T> {
    /// Cancels the task: instead of its next poll its future is dropped, by the executor and not
    /// inside this call.
    ///
    /// Does nothing to a task that is done: its result stays.
    pub fn abort(&self) {
        self.slot.aborted.set(true);
        if let Some(task) = &self.task {
            std::task::Wake::wake_by_ref(task);
        }
    }

    /// Whether the result is there, so that awaiting would not suspend.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.slot.stage.borrow(), Stage::Running(_))
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// If polled after it has given the result.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.slot.is_awaited_anew(cx.waker()) {
            // This is foreign code, as is the destructor below: it may run the task to its end.
            let waker = cx.waker().clone();
            drop(self.slot.register(waker));
        }
        let mut stage = self.slot.stage.borrow_mut();
        if matches!(*stage, Stage::Running(_)) {
            return Poll::Pending;
        }
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Done(result) => Poll::Ready(result),
            _ => panic!("`JoinHandle` polled after it gave the result"),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", &self.task).finish_non_exhaustive()
    }
}

/// Why a task has no result.
pub struct JoinError {
    reason: Reason,
}

enum Reason {
    Cancelled,
    Panicked(Box<dyn Any + Send>),
}

impl JoinError {
    /// The task was aborted, or its runtime was dropped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.reason, Reason::Cancelled)
    }

    /// The task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.reason, Reason::Panicked(_))
    }

    /// The panic's payload, as [`std::panic::catch_unwind`] gives it, for
    /// [`std::panic::resume_unwind`].
    ///
    /// # Errors
    ///
    /// Gives `self` back if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.reason {
            Reason::Panicked(payload) => Ok(payload),
            Reason::Cancelled => Err(self),
        }
    }

    fn panic_message(&self) -> Option<&str> {
        match &self.reason {
            Reason::Cancelled => None,
            Reason::Panicked(payload) => Some(
                (payload.downcast_ref::<&str>().copied())
                    .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                    .unwrap_or("(no message)"),
            ),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.panic_message() {
            Some(message) => write!(f, "the task panicked: {message}"),
            None => f.write_str("the task was cancelled"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.panic_message() {
            Some(message) => f.debug_tuple("Panicked").field(&message).finish(),
            None => f.write_str("Cancelled"),
        }
    }
}

impl std::error::Error for JoinError {}
