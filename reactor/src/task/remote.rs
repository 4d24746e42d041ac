//! The way into an executor from other threads.

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use crate::driver::Handle;
use crate::park_state::{Notify, ParkState};
use crate::task::Task;

/// The queue of tasks woken from other threads, and the means to unpark the executor.
///
/// It outlives the executor as long as there are wakers. The queue is closed then, so that tasks,
/// which own their `Remote`, are never left inside it.
pub(crate) struct Remote {
    /// Holds a task at most once (invariant 1 of [`wake_state`](crate::wake_state)), so it is no
    /// longer than the number of tasks.
    queue: ConcurrentQueue<Arc<Task>>,
    park: ParkState,
    driver: Arc<Handle>,
}

impl Remote {
    pub(crate) fn new(driver: Arc<Handle>) -> Self {
        Self { queue: ConcurrentQueue::unbounded(), park: ParkState::new(), driver }
    }

    /// Any thread: hands a scheduled task to its executor, or drops it if the executor is gone.
    pub(crate) fn push(&self, task: Arc<Task>) {
        // In this order: see `park_state`.
        if self.queue.push(task).is_ok() && self.park.notify() == Notify::Unpark {
            self.driver.unpark();
        }
    }

    /// Executor, after parking: takes every task pushed before.
    pub(crate) fn drain(&self) -> impl Iterator<Item = Arc<Task>> + '_ {
        self.park.clear(); // In this order: see `park_state`.
        self.queue.try_iter()
    }

    /// Executor, when it goes away: drops every task pushed before and refuses the ones after.
    pub(crate) fn close(&self) {
        self.queue.close();
        self.queue.try_iter().for_each(drop);
    }
}
