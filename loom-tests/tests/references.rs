//! The count of a task's references, biased towards its executor's thread (`reactor/src/task/references.rs`).

use loom_tests::reactor_protocols::references::References;
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, UnsafeCell, thread};

/// A task. Each holder of a reference writes something into it, without an atomic operation.
struct Task {
    references: References,
    written: [UnsafeCell<usize>; 3],
    freed: AtomicUsize,
}

// SAFETY: the cells are their holders', and then those of who frees: that is what is checked.
unsafe impl Sync for Task {}

impl Task {
    /// With the executor's reference, and so many others that its thread counts, and that all threads do.
    fn new(local: isize, shared: isize) -> Arc<Self> {
        Arc::new(Task {
            references: References::new(1 + local, shared),
            written: [UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)],
            freed: AtomicUsize::new(0),
        })
    }

    fn write(&self, holder: usize) {
        // SAFETY: each holder has a cell of its own.
        self.written[holder].with_mut(|written| unsafe { *written = 1 });
    }

    fn free_if(&self, is_last: bool) {
        if is_last {
            for written in &self.written {
                // SAFETY: nobody else has a reference.
                written.with_mut(|written| unsafe { *written = 2 });
            }
            assert_eq!(self.freed.fetch_add(1, Relaxed), 0, "freed twice");
        }
    }

    fn drop_shared(&self, holder: usize) {
        self.write(holder);
        self.free_if(self.references.drop_shared());
    }

    /// The task is complete.
    fn merge(&self) {
        self.write(0);
        // SAFETY: by the scenario's thread that is the executor's, once.
        self.free_if(unsafe { self.references.merge() });
    }
}

fn dropped_on(task: &Arc<Task>, holder: usize) -> thread::JoinHandle<()> {
    let task = task.clone();
    thread::spawn(move || task.drop_shared(holder))
}

/// "Merge meets drop": a reference that the executor's thread has counted is dropped elsewhere.
fn merge_meets_drop() {
    let task = Task::new(1, 0);
    let other = dropped_on(&task, 1);
    task.merge();
    other.join().unwrap();
    assert_eq!(task.freed.load(Relaxed), 1);
}

/// The same, the other way round: loom, which looks at the last access to a word only, tries other schedules then.
fn drop_meets_merge() {
    let task = Task::new(1, 0);
    let executor = thread::spawn({
        let task = task.clone();
        move || task.merge()
    });
    task.drop_shared(1);
    executor.join().unwrap();
    assert_eq!(task.freed.load(Relaxed), 1);
}

/// "Drop meets drop": two references are dropped elsewhere, one of each half.
fn drop_meets_drop() {
    let task = Task::new(1, 1);
    let others = [dropped_on(&task, 1), dropped_on(&task, 2)];
    task.merge();
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(task.freed.load(Relaxed), 1);
}

/// "Made here, dropped there": a reference is made elsewhere, from one that was counted here, and dropped here.
fn made_there_dropped_here() {
    let task = Task::new(1, 0);
    let other = thread::spawn({
        let task = task.clone();
        move || {
            task.references.clone_shared();
            task.drop_shared(1);
        }
    });
    // SAFETY: by the scenario's first thread, before the merge. (It is given the new reference in the end, be it before
    // that was made: only the sum counts.)
    unsafe {
        task.references.clone_local();
        task.references.drop_local();
    }
    task.merge();
    other.join().unwrap();
    assert_eq!(task.freed.load(Relaxed), 0);
    task.drop_shared(2);
    assert_eq!(task.freed.load(Relaxed), 1);
}

loom_tests::models! {
    merge_meets_drop
    drop_meets_merge
    drop_meets_drop
    made_there_dropped_here
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_ordering_is_needed;

    every_ordering_is_needed! {
        in "../../reactor/src/task/references.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "Causality violation",
        "references/drop" => drop_meets_drop,
        "references/last" => drop_meets_drop,
        "references/merge" => merge_meets_drop,
        "references/none-left" => drop_meets_merge,
        "references/one-left" => merge_meets_drop,
    }
}
