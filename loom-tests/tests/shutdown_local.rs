//! The end of a current-thread runtime (`Shared::close` in `reactor/src/local/run.rs`), while other threads spawn and
//! wake tasks.
//!
//! The queue from other threads, the references and the join's state are the real ones.

use std::mem::offset_of;
use std::sync::Arc;

use loom_tests::memory::Memory;
use loom_tests::reactor_protocols::join_state::{Ended, JoinState};
use loom_tests::reactor_protocols::references::References;
use loom_tests::reactor_protocols::remote_queue::{Link, Pushed, RemoteQueue};
use loom_tests::rt::{UnsafeCell, thread};

/// A task with a handle.
#[repr(C)]
struct Task {
    link: Link,
    references: References,
    join: JoinState,
    content: UnsafeCell<Content>,
    memory: Memory,
}

/// Of the owner, and then of the handle.
#[derive(Default)]
struct Content {
    is_linked: bool,
    polls: usize,
    cancelled: usize,
}

// SAFETY: a task's parts have one owner at a time: that is what is checked.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    /// With the executor's reference and the handle's. If it comes from elsewhere, also with the queue's.
    fn new(from_elsewhere: bool) -> Arc<Self> {
        Arc::new(Task {
            link: Link::new(from_elsewhere),
            references: References::new(2, from_elsewhere.into()),
            join: JoinState::new(),
            content: UnsafeCell::new(Content::default()),
            memory: Memory::new(),
        })
    }

    fn is_used(&self) {
        self.memory.is_used();
    }

    fn with_content<R>(&self, f: impl FnOnce(&mut Content) -> R) -> R {
        self.is_used();
        // SAFETY: by the owner of the content.
        self.content.with_mut(|content| f(unsafe { &mut *content }))
    }

    fn free_if(&self, is_last: bool) {
        if is_last {
            self.memory.free();
        }
    }

    fn release(&self) {
        self.is_used();
        self.free_if(self.references.drop_shared());
    }

    /// As `Shared::cancel`, of the owner.
    fn cancel(&self) {
        self.with_content(|content| content.cancelled += 1);
        let _ = self.join.complete();
        self.is_used();
        // SAFETY: by the owner, once.
        self.free_if(unsafe { self.references.merge() });
    }

    /// The handle finds the end, and goes away.
    fn joined(&self) {
        assert_eq!(self.join.ended(), Ended::Yes, "a task is lost");
        self.with_content(|content| assert_eq!(content.cancelled, 1));
        assert!(self.join.drop_handle().drop_result);
        self.release();
        assert!(self.memory.is_freed(), "a task is leaked");
    }
}

/// An executor, with one flaw, or none (0).
struct Executor<const FLAW: u8> {
    remote: RemoteQueue,
    /// All tasks that the owner has seen.
    tasks: UnsafeCell<Vec<*const Task>>,
}

/// Who spawns does not heed that the queue is closed.
const SPAWNS_IN_ANY_CASE: u8 = 1;
/// Who wakes does not give up the reference that was the queue's.
const KEEPS_A_REFERENCE: u8 = 2;
/// A wake gives its own reference up before the push.
const RELEASES_FIRST: u8 = 3;
/// The end takes what is in the queue, and does not close it.
const LEAVES_IT_OPEN: u8 = 4;
/// The end does not cancel what it has not seen before.
const LEAVES_THE_UNSEEN: u8 = 5;

// SAFETY: `tasks` is the owner's.
unsafe impl<const FLAW: u8> Send for Executor<FLAW> {}
// SAFETY: as above.
unsafe impl<const FLAW: u8> Sync for Executor<FLAW> {}

impl<const FLAW: u8> Executor<FLAW> {
    fn new() -> Arc<Self> {
        Arc::new(Executor { remote: RemoteQueue::new(), tasks: UnsafeCell::new(Vec::new()) })
    }

    fn tasks<R>(&self, f: impl FnOnce(&mut Vec<*const Task>) -> R) -> R {
        // SAFETY: by the owner.
        self.tasks.with_mut(|tasks| f(unsafe { &mut *tasks }))
    }

    fn push(&self, task: &Task) -> Pushed {
        task.is_used();
        // SAFETY: the callers are to push it; the scenario keeps it.
        unsafe { self.remote.push((&raw const *task).cast()) }
    }

    /// As `Shared::spawn_from_elsewhere`.
    fn spawn(&self, task: &Task) {
        if self.push(task) == Pushed::Closed && FLAW != SPAWNS_IN_ANY_CASE {
            task.cancel();
            task.release();
        }
    }

    /// As a waker's `wake`, on another thread.
    fn wake(&self, task: &Task) {
        if FLAW == RELEASES_FIRST {
            task.release();
        }
        if task.link.notify() {
            task.references.clone_shared();
            if self.push(task) == Pushed::Closed && FLAW != KEEPS_A_REFERENCE {
                task.release();
            }
        }
        if FLAW != RELEASES_FIRST {
            task.release();
        }
    }

    /// As `Shared::drain`, and a poll of what was taken.
    fn run(&self) {
        for link in self.remote.take() {
            let task = of_link(link);
            task.link.heard();
            let is_new = task.with_content(|content| {
                content.polls += 1;
                !std::mem::replace(&mut content.is_linked, true)
            });
            if is_new {
                self.tasks(|tasks| tasks.push(task));
            }
            task.release();
        }
    }

    /// As `Shared::close`.
    fn close(&self) {
        for task in self.tasks(std::mem::take) {
            // SAFETY: the scenario keeps it.
            unsafe { &*task }.cancel();
        }
        let taken = if FLAW == LEAVES_IT_OPEN { self.remote.take() } else { self.remote.close() };
        for link in taken {
            let task = of_link(link);
            let is_unseen = task.with_content(|content| !content.is_linked);
            if is_unseen && FLAW != LEAVES_THE_UNSEEN {
                task.cancel();
            }
            task.release();
        }
    }
}

fn of_link<'a>(link: *const Link) -> &'a Task {
    // SAFETY: a link of a task, which the scenario keeps.
    unsafe { &*link.wrapping_byte_sub(offset_of!(Task, link)).cast() }
}

/// "Spawn meets end": the task is cancelled by the owner, which has seen it or has not, or by the thread that spawns it.
fn spawn_meets_end<const FLAW: u8>() {
    let (executor, task) = (Executor::<FLAW>::new(), Task::new(true));
    let spawns = thread::spawn({
        let (executor, task) = (executor.clone(), task.clone());
        move || executor.spawn(&task)
    });
    executor.run();
    executor.close();
    spawns.join().unwrap();
    task.joined();
}

/// "Wake meets end": a task that waits is woken by two threads, of which each has a waker.
fn wakes_meet_end<const FLAW: u8>() {
    let (executor, task) = (Executor::<FLAW>::new(), Task::new(false));
    task.with_content(|content| content.is_linked = true);
    executor.tasks(|tasks| tasks.push(Arc::as_ptr(&task)));
    let wakers = [0, 1].map(|_| {
        task.references.clone_shared();
        let (executor, task) = (executor.clone(), task.clone());
        thread::spawn(move || executor.wake(&task))
    });
    executor.run();
    executor.close();
    for waker in wakers {
        waker.join().unwrap();
    }
    task.joined();
}

/// The same of a task that nobody awaits: a wake may be the last to use it.
fn wake_meets_end_unawaited<const FLAW: u8>() {
    let (executor, task) = (Executor::<FLAW>::new(), Task::new(false));
    task.with_content(|content| content.is_linked = true);
    executor.tasks(|tasks| tasks.push(Arc::as_ptr(&task)));
    task.references.clone_shared();
    assert!(!task.join.drop_handle().drop_result);
    task.release();
    let wakes = thread::spawn({
        let (executor, task) = (executor.clone(), task.clone());
        move || executor.wake(&task)
    });
    executor.run();
    executor.close();
    wakes.join().unwrap();
    assert!(task.memory.is_freed(), "a task is leaked");
}

loom_tests::models! {
    of [0]:
    spawn_meets_end
    wakes_meet_end
    wake_meets_end_unawaited
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::{every_flaw_is_found, weakened_in_reactor as weakened};

    every_flaw_is_found! {
        "spawns in any case" => spawn_meets_end::<SPAWNS_IN_ANY_CASE>, says "a task is lost";
        "keeps a reference" => wakes_meet_end::<KEEPS_A_REFERENCE>, says "a task is leaked";
        "releases first" => wake_meets_end_unawaited::<RELEASES_FIRST>, says "used when it is freed";
        "leaves it open" => spawn_meets_end::<LEAVES_IT_OPEN>, says "a task is lost";
        "remote/push" => || weakened("remote/push", spawn_meets_end::<0>), says "Causality violation";
        "remote/take" => || weakened("remote/take", spawn_meets_end::<0>), says "Causality violation";
        "remote/close" => || weakened("remote/close", spawn_meets_end::<0>), says "Causality violation";
        "remote/link" => || weakened("remote/link", wakes_meet_end::<0>), says "Causality violation";
        "remote/unlink" => || weakened("remote/unlink", wakes_meet_end::<0>), says "Causality violation";
        "leaves the unseen" => spawn_meets_end::<LEAVES_THE_UNSEEN>, says "a task is lost";
    }
}
