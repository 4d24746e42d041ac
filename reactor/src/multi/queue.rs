//! The queues of the multi-thread executor: each worker's own, from which others steal, and the injector.
//!
//! They are those of `crossbeam-deque`. Under Miri a stand-in is used, for what is below them is not written to its
//! rules (it turns integers into pointers). What the stand-in does not cover is tested on real threads.

use crate::multi::task::Task;

/// A task in a queue.
#[derive(Clone, Copy)]
pub(super) struct Queued(*const Task);

// SAFETY: a task in a queue is run by who takes it out, on whichever thread: its future is `Send`.
unsafe impl Send for Queued {}

#[cfg(not(miri))]
mod deque {
    use crossbeam_deque::Steal;

    use super::{Queued, Task};

    /// A worker's own queue: the first in is the first out.
    pub(in crate::multi) struct Local(crossbeam_deque::Worker<Queued>);

    /// The end from which other workers take.
    pub(in crate::multi) struct Stealer(crossbeam_deque::Stealer<Queued>);

    /// What threads push to that are no workers.
    pub(in crate::multi) struct Injector(crossbeam_deque::Injector<Queued>);

    impl Local {
        pub(in crate::multi) fn new() -> Self {
            Local(crossbeam_deque::Worker::new_fifo())
        }

        #[inline(always)]
        pub(in crate::multi) fn push(&self, task: *const Task) {
            self.0.push(Queued(task));
        }

        #[inline(always)]
        pub(in crate::multi) fn pop(&self) -> Option<*const Task> {
            self.0.pop().map(|Queued(task)| task)
        }

        #[inline(always)]
        pub(in crate::multi) fn len(&self) -> usize {
            self.0.len()
        }

        pub(in crate::multi) fn stealer(&self) -> Stealer {
            Stealer(self.0.stealer())
        }
    }

    impl Stealer {
        pub(in crate::multi) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub(in crate::multi) fn len(&self) -> usize {
            self.0.len()
        }

        /// Takes about half of what is there: one task is given, the others are moved to `to`.
        pub(in crate::multi) fn steal(&self, to: &Local) -> Option<*const Task> {
            retry(|| self.0.steal_batch_and_pop(&to.0))
        }
    }

    impl Injector {
        pub(in crate::multi) fn new() -> Self {
            Injector(crossbeam_deque::Injector::new())
        }

        pub(in crate::multi) fn push(&self, task: *const Task) {
            self.0.push(Queued(task));
        }

        pub(in crate::multi) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub(in crate::multi) fn len(&self) -> usize {
            self.0.len()
        }

        /// As [`Stealer::steal`].
        pub(in crate::multi) fn steal(&self, to: &Local) -> Option<*const Task> {
            retry(|| self.0.steal_batch_and_pop(&to.0))
        }
    }

    fn retry(mut steal: impl FnMut() -> Steal<Queued>) -> Option<*const Task> {
        loop {
            match steal() {
                Steal::Success(Queued(task)) => return Some(task),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}

#[cfg(miri)]
mod deque {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use super::{Queued, Task};
    use crate::sync::lock;

    #[derive(Clone)]
    pub(in crate::multi) struct Stealer(Arc<Mutex<VecDeque<Queued>>>);

    pub(in crate::multi) type Local = Stealer;
    pub(in crate::multi) type Injector = Stealer;

    impl Stealer {
        pub(in crate::multi) fn new() -> Self {
            Stealer(Arc::default())
        }

        pub(in crate::multi) fn push(&self, task: *const Task) {
            lock(&self.0).push_back(Queued(task));
        }

        pub(in crate::multi) fn pop(&self) -> Option<*const Task> {
            lock(&self.0).pop_front().map(|Queued(task)| task)
        }

        pub(in crate::multi) fn is_empty(&self) -> bool {
            lock(&self.0).is_empty()
        }

        pub(in crate::multi) fn len(&self) -> usize {
            lock(&self.0).len()
        }

        pub(in crate::multi) fn stealer(&self) -> Stealer {
            self.clone()
        }

        pub(in crate::multi) fn steal(&self, to: &Stealer) -> Option<*const Task> {
            let mut from = lock(&self.0);
            let rest = from.len().div_ceil(2);
            let half: VecDeque<_> = from.drain(..rest).collect();
            drop(from);
            lock(&to.0).extend(half.iter().skip(1));
            half.front().map(|&Queued(task)| task)
        }
    }
}

pub(super) use self::deque::{Injector, Local, Stealer};
