//! The way into a current-thread executor from other threads (`reactor/src/task/remote_queue.rs`).

use std::mem::offset_of;

use loom_tests::reactor_protocols::remote_queue::{Link, Pushed, RemoteQueue, Taken};
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, UnsafeCell, thread};

/// What is pushed: a task.
#[repr(C)]
struct Task {
    link: Link,
    /// What each of two wakers has to say: set before it wakes.
    said: [AtomicUsize; 2],
    /// What the executor has heard, which has the task's future.
    heard: UnsafeCell<[usize; 2]>,
}

// SAFETY: `heard` is the executor's: that is what is checked.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

struct Executor {
    queue: RemoteQueue,
    tasks: Vec<Task>,
    /// How often the executor was to be unparked, and has looked since.
    unparked: AtomicUsize,
}

impl Executor {
    fn with_tasks(count: usize) -> Arc<Self> {
        let task = || Task {
            link: Link::new(false),
            said: [AtomicUsize::new(0), AtomicUsize::new(0)],
            heard: UnsafeCell::new([0; 2]),
        };
        Arc::new(Executor {
            queue: RemoteQueue::new(),
            tasks: (0..count).map(|_| task()).collect(),
            unparked: AtomicUsize::new(0),
        })
    }

    /// Waker `waker` of task `task` says `word` and wakes. Whether it had to push, and could not.
    fn wake(&self, task: usize, waker: usize, word: usize) -> bool {
        let task = &self.tasks[task];
        task.said[waker].store(word, Relaxed);
        if !task.link.notify() {
            return false;
        }
        // SAFETY: `notify` says so; the tasks live longer than the scenario.
        match unsafe { self.queue.push(&raw const task.link) } {
            Pushed::Queued => false,
            Pushed::First => {
                self.unparked.fetch_add(1, Relaxed);
                false
            }
            Pushed::Closed => true,
        }
    }

    /// The executor takes what there is, and polls it.
    fn run(&self, taken: Taken) -> Vec<usize> {
        taken
            .map(|link| {
                let task = link.wrapping_byte_sub(offset_of!(Task, link)).cast::<Task>();
                // SAFETY: a link of one of the tasks.
                let task = unsafe { &*task };
                task.link.heard();
                let said = [0, 1].map(|waker| task.said[waker].load(Relaxed));
                // SAFETY: by the executor.
                task.heard.with_mut(|heard| unsafe { *heard = said });
                self.tasks.iter().position(|other| std::ptr::eq(other, task)).expect("a task")
            })
            .collect()
    }

    fn heard(&self, task: usize) -> [usize; 2] {
        // SAFETY: by the executor.
        self.tasks[task].heard.with_mut(|heard| unsafe { *heard })
    }
}

/// "Coalesced wake": of two wakes of one task one pushes; the poll hears both.
fn coalesced_wake() {
    let executor = Executor::with_tasks(1);
    let wakers = [0, 1].map(|waker| {
        let executor = executor.clone();
        thread::spawn(move || executor.wake(0, waker, 1))
    });
    executor.run(executor.queue.take());
    for waker in wakers {
        waker.join().unwrap();
    }
    // What was said after the last poll has the task in the queue.
    executor.run(executor.queue.take());
    assert_eq!(executor.heard(0), [1, 1]);
}

/// "Push meets take": both are taken, each once; and of each list the first has the executor look.
fn push_meets_take() {
    let executor = Executor::with_tasks(2);
    let wakers = [0, 1].map(|task| {
        let executor = executor.clone();
        thread::spawn(move || executor.wake(task, 0, 1))
    });
    let mut run = executor.run(executor.queue.take());
    let lists = usize::from(!run.is_empty());
    for waker in wakers {
        waker.join().unwrap();
    }
    let rest = executor.run(executor.queue.take());
    let lists = lists + usize::from(!rest.is_empty());
    assert_eq!(executor.unparked.load(Relaxed), lists);
    run.extend(rest);
    run.sort_unstable();
    assert_eq!(run, [0, 1]);
}

/// "Push again": a task that was taken is woken again, and its link used again.
fn push_again() {
    let executor = Executor::with_tasks(2);
    assert!(!executor.wake(1, 0, 1));
    assert!(!executor.wake(0, 0, 1));
    let waker = thread::spawn({
        let executor = executor.clone();
        move || executor.wake(0, 1, 1)
    });
    executor.run(executor.queue.take());
    waker.join().unwrap();
    executor.run(executor.queue.take());
    assert_eq!((executor.heard(0), executor.heard(1)), ([1, 1], [1, 0]));
}

/// "Push meets close": it is taken for the last time, or the pusher is told.
fn push_meets_close() {
    let executor = Executor::with_tasks(1);
    let waker = thread::spawn({
        let executor = executor.clone();
        move || executor.wake(0, 0, 1)
    });
    let run = executor.run(executor.queue.close());
    let is_refused = waker.join().unwrap();
    assert_eq!(run.len(), usize::from(!is_refused));
    // A task that was taken may be woken once more, in vain.
    assert_eq!(executor.wake(0, 0, 2), !is_refused);
}

loom_tests::models! {
    coalesced_wake
    push_meets_take
    push_again
    push_meets_close
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_ordering_is_needed;

    every_ordering_is_needed! {
        in "../../reactor/src/task/remote_queue.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "Causality violation" or "assertion",
        "remote/close" => push_meets_close,
        "remote/heard" => coalesced_wake,
        "remote/link" => push_again,
        "remote/notify" => coalesced_wake,
        "remote/push" => push_meets_take,
        "remote/take" => push_meets_take,
        "remote/unlink" => push_again,
    }
}
