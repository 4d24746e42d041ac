//! The handle of a task: its result, and how to cancel it.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker, ready};

use crate::budget;
use crate::task::cell::{self, Common};
use crate::task::error::JoinError;
use crate::task::id::Id;
use crate::task::join_state::Ended;

/// Awaits a task's result. Dropping it detaches the task, which then runs on.
///
/// It can be sent to other threads, and awaited on any executor, if the result can be sent.
///
/// # Cancellation
///
/// Dropping the handle, or a future that awaits `&mut` it, does not stop the task;
/// [`abort`](JoinHandle::abort) does.
///
/// # Fairness
///
/// A result that is there is paid for from the budget of the poll: a task that collects many results lets others run.
pub struct JoinHandle<T> {
    task: ManuallyDrop<TaskReference>,
    /// The result was given.
    is_taken: bool,
    /// `Send` and `Sync` if a result can be sent.
    _result: PhantomData<Mutex<T>>,
}

/// Cancels a task: made by [`JoinHandle::abort_handle`].
#[derive(Clone)]
pub struct AbortHandle {
    task: TaskReference,
}

/// A reference to a task: the waker of the task, which every executor makes of one. It wakes.
#[derive(Clone)]
struct TaskReference(Waker);

impl TaskReference {
    fn common(&self) -> &Common {
        // SAFETY: `JoinHandle::new` was given a task's waker, which keeps the task.
        unsafe { &*self.as_ptr() }
    }

    fn as_ptr(&self) -> *const Common {
        self.0.data().cast()
    }

    fn abort(&self) {
        self.common().join.abort();
        self.0.wake_by_ref();
    }

    fn is_finished(&self) -> bool {
        self.common().join.ended() == Ended::Yes
    }

    fn id(&self) -> Id {
        self.common().id()
    }
}

impl fmt::Debug for TaskReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let common = self.common();
        f.debug_struct("Task")
            .field("id", &common.id())
            .field("origin", &common.origin)
            .field("join", &common.join)
            .finish()
    }
}

impl<T> JoinHandle<T> {
    /// # Safety
    /// `task` is the waker of a task whose output is a `T`, and whose only handle this is. Its data is the [`Common`],
    /// by a pointer to the whole task.
    pub(crate) unsafe fn new(task: Waker) -> Self {
        JoinHandle {
            task: ManuallyDrop::new(TaskReference(task)),
            is_taken: false,
            _result: PhantomData,
        }
    }

    /// Cancels the task: instead of its next poll its future is dropped, by the executor and not
    /// inside this call.
    ///
    /// Does nothing to a task that is done: its result stays.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// What aborts the task, from any thread, without this handle.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: TaskReference::clone(&self.task) }
    }

    /// Whether the result is there, so that awaiting would not suspend.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> Id {
        self.task.id()
    }

    /// Whether the task has ended. If not, it wakes the waker then, once.
    pub(crate) fn has_ended_or_wakes(&self, waker: &Waker) -> bool {
        let state = self.task.common().join.ended();
        state == Ended::Yes || !self.leave(waker, state)
    }

    /// The result, if it is there and was not taken.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        if self.is_taken || !self.is_finished() {
            return None;
        }
        self.is_taken = true;
        // SAFETY: the task has ended, its output is a `T`, and the result is taken once, by the handle.
        Some(unsafe { cell::take_result(self.task.as_ptr()) })
    }

    /// Leaves a waker with the task. False if that has ended meanwhile.
    fn leave(&self, waker: &Waker, state: Ended) -> bool {
        let common = self.task.common();
        if state == Ended::Awaited {
            // SAFETY: this is the handle, while the task may read the slot, too.
            if unsafe { common.offered_waker() }.is_some_and(|offered| offered.will_wake(waker)) {
                return true;
            }
        }
        let waker = waker.clone(); // Foreign code: before anything is changed.
        if state == Ended::Awaited && !common.join.reclaim() {
            return false;
        }
        // SAFETY: the slot is the handle's.
        let stale = unsafe { common.waker_slot() }.replace(waker);
        let left = common.join.offer();
        drop(stale); // Foreign code.
        left
    }
}

// The result is elsewhere.
impl<T> Unpin for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// If polled after it has given the result.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.is_taken, "`JoinHandle` polled after it gave the result");
        if !self.has_ended_or_wakes(cx.waker()) {
            return Poll::Pending;
        }
        ready!(budget::poll_proceed(cx));
        Poll::Ready(self.take().expect("the task has ended"))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let task = self.task.as_ptr();
        // SAFETY: this is the handle, whose reference is given up there, and not with the waker that it was.
        unsafe { ((*task).vtable.drop_handle)(task) };
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinHandle").field(&*self.task).finish()
    }
}

impl AbortHandle {
    /// As [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.task.abort();
    }

    /// As [`JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// As [`JoinHandle::id`].
    #[must_use]
    pub fn id(&self) -> Id {
        self.task.id()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AbortHandle").field(&self.task).finish()
    }
}
