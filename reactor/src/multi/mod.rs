//! The multi-thread executor: workers that steal from each other.
//!
//! ```text
//!   Runtime ─────▶ Shared ◀───── tasks ◀───── wakers, handles
//!                    ├ injector: what other threads wake and spawn
//!                    ├ stealers ◀── Worker (a thread each): queue, slot
//!                    ├ idle, parkers: who sleeps, and how
//!                    ├ watch ◀── a thread that finds workers which are kept in a poll
//!                    ├ driver: the event queue, in which one of the sleepers waits
//!                    └ lists: all tasks
//! ```
//!
//! # Invariant
//!
//! A task is in one queue at most, or is run by one worker ([`Counter`](crate::task::counter)). Queues hold no
//! references: tasks in them are kept by the executor's reference, which is given up by the run that completes the
//! task, or, when all workers have ended and nobody looks at queues any more, by the last worker, which cancels all
//! tasks.

mod dump;
pub mod idle;
pub mod life;
pub mod list;
pub mod parker;
mod queue;
pub mod slot;
pub(crate) mod stock;
mod task;
mod watch;
mod worker;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::{self, Driver};
use crate::multi::dump::Dumps;
use crate::multi::idle::Idle;
pub(crate) use crate::multi::idle::MOST_WORKERS;
use crate::multi::life::Life;
use crate::multi::list::List;
use crate::multi::parker::Parker;
use crate::multi::queue::{Injector, Local, Stealer};
use crate::multi::task::Task;
use crate::multi::watch::Watch;
use crate::multi::worker::{Seen, with_worker};
use crate::sight::blocking::Blocking;
use crate::sight::{RuntimeMetrics, WorkerMetrics};
use crate::sync::{Mutex, lock, thread, thread_local};
use crate::task::cell;
use crate::task::handle::JoinHandle;
use crate::task::member::Member;
use crate::task::members::Members;
use crate::task::origin::Origin;

/// An executor, as its workers, tasks and handles know it.
pub(crate) struct Shared {
    injector: Injector,
    stealers: Box<[Stealer]>,
    idle: Idle,
    parkers: Box<[Parker]>,
    watch: Watch,
    driver_handle: Arc<driver::Handle>,
    /// `None` once the runtime is gone. Who has the lock turns it.
    driver: Mutex<Option<Driver>>,
    lists: Box<[List<Task>]>,
    /// What each worker shows to others.
    seen: Box<[Seen]>,
    dumps: Dumps,
    pub(crate) blocking: Arc<Blocking>,
    members: Members,
    life: Life,
}

thread_local! {
    /// The list for the next task that this thread spawns, which is no worker.
    static NEXT_LIST: Cell<usize> = const { Cell::new(0) };
}

/// One of so many lists, by turns.
fn next_list(lists: usize) -> usize {
    let next = NEXT_LIST.get() + 1;
    let list = if next < lists { next } else { 0 };
    NEXT_LIST.set(list);
    list
}

impl Shared {
    /// An executor with so many workers. `name` gives the names of their threads.
    pub(crate) fn start(workers: usize, name: &str) -> io::Result<(Arc<Self>, Threads)> {
        let driver = Driver::new()?;
        let queues: Vec<_> = (0..workers).map(|_| Local::new()).collect();
        let shared = Arc::new(Shared {
            injector: Injector::new(),
            stealers: queues.iter().map(Local::stealer).collect(),
            idle: Idle::new(),
            parkers: (0..workers).map(|_| Parker::new()).collect(),
            watch: Watch::new(),
            driver_handle: driver.handle().clone(),
            driver: Mutex::new(Some(driver)),
            lists: (0..workers).map(|_| List::new()).collect(),
            seen: (0..workers).map(|_| Seen::new()).collect(),
            dumps: Dumps::new(),
            blocking: Arc::default(),
            members: Members::new(),
            life: Life::new(workers),
        });
        let mut threads = Threads(Vec::new());
        match threads.start(&shared, queues, name) {
            Ok(()) => Ok((shared, threads)),
            Err(error) => {
                shared.stop();
                let started = threads.0.len().min(workers);
                (started..workers).for_each(|_| shared.worker_ends());
                threads.join();
                Err(error)
            }
        }
    }

    pub(crate) fn driver_handle(&self) -> &Arc<driver::Handle> {
        &self.driver_handle
    }

    pub(crate) fn workers(&self) -> usize {
        self.stealers.len()
    }

    /// Spawns a task, of whose executor `member` is a reference. If the runtime goes away, the task is cancelled at once,
    /// here.
    pub(crate) fn spawn<F>(member: Member<Self>, future: F, origin: Origin) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let own_list = with_worker(|worker| {
            let worker = worker.filter(|worker| std::ptr::eq(&**worker.shared(), &*member));
            worker.map(worker::Worker::number)
        });
        let list = own_list.unwrap_or_else(|| next_list(member.lists.len()));
        let task = Task::allocate(member, list, future, origin);
        // SAFETY: the handle's reference is given up by nobody else.
        let handle = unsafe { JoinHandle::new(Task::reference(task)) };
        // SAFETY: the task is new, with a reference for the executor. It is in no queue; and if the list is closed,
        // nobody else knows it but its handle.
        unsafe {
            let shared = &(*task).shared;
            if shared.lists[list].link(task) {
                Self::schedule(task);
            } else {
                Self::cancel(task);
            }
        }
        handle
    }

    /// Queues a task: with the worker that this thread is, or where all workers look.
    ///
    /// # Safety
    /// The task is in no queue and does not run, and the caller is to queue it. It is kept meanwhile.
    #[inline(always)]
    unsafe fn schedule(task: *const Task) {
        // SAFETY: the caller keeps the task.
        let shared = unsafe { &(*task).shared };
        #[cfg(feature = "metrics")]
        // SAFETY: the caller keeps the task.
        unsafe { &*task }.common().woken.set();
        with_worker(|worker| match worker {
            Some(worker) if std::ptr::eq(&**worker.shared(), &**shared) => worker.schedule(task),
            _ => shared.inject(task),
        });
    }

    #[cold]
    fn inject(&self, task: *const Task) {
        self.injector.push(task);
        self.unpark(self.idle.notify_from_outside());
    }

    #[inline(always)]
    fn unpark(&self, worker: Option<usize>) {
        if let Some(worker) = worker {
            self.parkers[worker].unpark(|| self.driver_handle.unpark());
        }
    }

    /// The figures of the runtime.
    pub(crate) fn metrics(&self) -> RuntimeMetrics {
        let workers = self.seen.iter().zip(&self.stealers).zip(&self.parkers);
        let workers = workers.map(|((seen, queue), parker)| {
            let (parks, unparks) = parker.counts();
            WorkerMetrics { queued_tasks: queue.len(), parks, unparks, ..seen.counts() }
        });
        let (timers, sources) = self.driver_handle.timers_and_sources();
        let (blocking_waiting, blocking_running) = self.blocking.get();
        let lists: Vec<_> = self.lists.iter().map(List::counts).collect();
        RuntimeMetrics {
            workers: workers.collect(),
            spawned_tasks: lists.iter().map(|(linked, _)| linked).sum(),
            live_tasks: lists.iter().map(|(_, length)| length).sum(),
            injected_tasks: self.injector.len(),
            timers,
            sources,
            blocking_running,
            blocking_waiting,
        }
    }

    /// Whether there is something in any queue, or to end.
    fn has_work(&self) -> bool {
        !self.injector.is_empty()
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
            || self.life.is_stopping()
    }

    /// Ends a task by a drop of its future.
    ///
    /// # Safety
    /// By who runs the task, or when nobody does any more; it is not complete.
    unsafe fn cancel(task: *const Task) {
        // SAFETY: the caller has the task's content, in which a future is.
        unsafe {
            ((*task).common().vtable.cancel)(task.cast());
            Self::complete(task);
        }
    }

    /// Ends a task whose result is there.
    ///
    /// # Safety
    /// As for [`cancel`](Shared::cancel); once.
    unsafe fn complete(task: *const Task) {
        // SAFETY: the executor's reference keeps the task until it is given up here.
        unsafe {
            let this = &*task;
            this.shared.lists[this.links.list as usize].unlink(this);
            cell::complete(task.cast());
            if this.counter.complete() {
                (this.common().vtable.free)(task.cast());
            }
        }
    }

    /// Has all workers end, each after the poll in which it is.
    pub(crate) fn stop(&self) {
        self.life.stop();
        for parker in &self.parkers {
            parker.unpark(|| self.driver_handle.unpark());
        }
        self.start_watch();
    }

    /// The last thing that a worker does. The last one cancels all tasks.
    fn worker_ends(&self) {
        if self.life.worker_ends() {
            self.close();
            self.life.set_over();
        }
    }

    /// Cancels every task, each once. They may spawn, wake and abort while they are dropped; what they spawn is
    /// cancelled, too.
    fn close(&self) {
        for list in &self.lists {
            while let Some(task) = list.pop() {
                // SAFETY: no worker runs tasks any more; it is in the list no more, so that nobody else cancels it.
                unsafe { Self::cancel(task) };
            }
        }
        // The event queue's descriptors are closed now, whoever keeps a waker.
        let driver = lock(&self.driver).take();
        cell::quietly(|| drop(driver));
    }

    /// Waits until all tasks are cancelled, or for so long. Whether they are.
    pub(crate) fn wait_for_end(&self, timeout: Duration) -> bool {
        self.life.wait(timeout)
    }

    /// Whether this thread is one of the executor's workers.
    pub(crate) fn is_worker_here(self: &Arc<Self>) -> bool {
        worker::is_worker_of(self)
    }
}

/// The executor whose worker this thread is.
pub(crate) fn current() -> Option<Arc<Shared>> {
    with_worker(|worker| worker.map(|worker| worker.shared().clone()))
}

/// A reference to that, for a task.
#[inline(always)]
pub(crate) fn current_member() -> Option<Member<Shared>> {
    with_worker(|worker| worker.map(|worker| Member::of(worker.shared())))
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("idle", &self.idle).finish_non_exhaustive()
    }
}

/// The threads of the workers, and of the watch.
pub(crate) struct Threads(Vec<thread::JoinHandle<()>>);

impl Threads {
    fn start(&mut self, shared: &Arc<Shared>, queues: Vec<Local>, name: &str) -> io::Result<()> {
        let workers = queues.len();
        for (number, queue) in queues.into_iter().enumerate() {
            let shared = shared.clone();
            let builder = thread::Builder::new().name(format!("{name}-{number}"));
            self.0.push(builder.spawn(move || worker::run(shared, number, queue))?);
        }
        // A worker that is alone is kept from nobody.
        if workers > 1 {
            let shared = shared.clone();
            let builder = thread::Builder::new().name(format!("{name}-watch"));
            self.0.push(builder.spawn(move || shared.watch())?);
        }
        Ok(())
    }

    /// Waits until they have ended. They do after [`Shared::stop`].
    pub(crate) fn join(self) {
        for thread in self.0 {
            // A worker catches what tasks panic with.
            let _ = thread.join();
        }
    }
}
