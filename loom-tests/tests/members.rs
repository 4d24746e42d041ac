//! How many tasks refer to their executor (`reactor/src/task/members.rs`).

use loom_tests::reactor_protocols::members::Members;
use loom_tests::rt::{Arc, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed, UnsafeCell, thread};

/// An executor. Each thread that has used it has written something into it, without an atomic operation.
struct Executor {
    members: Members,
    /// The count of its `Arc`.
    strong: AtomicUsize,
    written: [UnsafeCell<usize>; 3],
    freed: AtomicUsize,
}

// SAFETY: the cells are of those who use the executor, and then of who frees it: that is what is checked.
unsafe impl Sync for Executor {}

impl Executor {
    /// With a reference of its `Arc` for the scenario, and so many members.
    fn new(members: usize) -> Arc<Self> {
        let executor = Arc::new(Executor {
            members: Members::new(),
            strong: AtomicUsize::new(1),
            written: [UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)],
            freed: AtomicUsize::new(0),
        });
        if members > 0 {
            executor.add(members);
        }
        executor
    }

    fn write(&self, user: usize) {
        // SAFETY: each user has a cell of its own.
        self.written[user].with_mut(|written| unsafe { *written = 1 });
    }

    /// As `task::member::add`, by who has a reference of the `Arc`.
    fn add(&self, members: usize) {
        self.strong.fetch_add(1, Relaxed);
        if !self.members.add(members) {
            self.drop_strong();
        }
    }

    /// As `task::member::remove`.
    fn remove(&self, user: usize, members: usize) {
        self.write(user);
        if self.members.remove(members) {
            self.drop_strong();
        }
    }

    fn drop_strong(&self) {
        if self.strong.fetch_sub(1, AcqRel) == 1 {
            for written in &self.written {
                // SAFETY: nobody else uses the executor.
                written.with_mut(|written| unsafe { *written = 2 });
            }
            assert_eq!(self.freed.fetch_add(1, Relaxed), 0, "freed twice");
        }
    }
}

fn removed_on(executor: &Arc<Executor>, user: usize, members: usize) -> thread::JoinHandle<()> {
    let executor = executor.clone();
    thread::spawn(move || executor.remove(user, members))
}

/// "Remove meets remove": two threads give the last members up, and nothing else keeps the executor.
fn remove_meets_remove() {
    let executor = Executor::new(3);
    executor.drop_strong();
    let others = [removed_on(&executor, 1, 1), removed_on(&executor, 2, 2)];
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(executor.freed.load(Relaxed), 1);
}

/// "Add meets the last remove": the last members go while a thread makes others, and these go on another one.
fn add_meets_the_last_remove() {
    add_meets_the_last_remove_by(Executor::add);
}

fn add_meets_the_last_remove_by(add: fn(&Executor, usize)) {
    let executor = Executor::new(1);
    let others = [removed_on(&executor, 1, 1), {
        let executor = executor.clone();
        thread::spawn(move || {
            // The scenario's reference is this thread's.
            add(&executor, 1);
            executor.write(2);
            executor.drop_strong();
        })
    }];
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(executor.freed.load(Relaxed), 0, "freed under a member");
    executor.remove(0, 1);
    assert_eq!(executor.freed.load(Relaxed), 1);
}

loom_tests::models! {
    remove_meets_remove
    add_meets_the_last_remove
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::model;
    use loom_tests::{every_ordering_is_needed, rejected};

    every_ordering_is_needed! {
        in "../../reactor/src/task/members.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "Causality violation",
        "members/last" => remove_meets_remove,
        "members/remove" => remove_meets_remove,
    }

    /// Two threads give up what two others have counted from zero, and have not made yet.
    #[test]
    fn a_reference_that_is_made_after_the_count_comes_late() {
        let message = rejected("made late", || {
            model(|| {
                let executor = Executor::new(1);
                let other = removed_on(&executor, 1, 1);
                let adds = {
                    let executor = executor.clone();
                    thread::spawn(move || {
                        // The scenario's reference is this thread's.
                        if executor.members.add(1) {
                            // Here the other member, too, may go.
                            executor.remove(2, 1);
                            executor.strong.fetch_add(1, Relaxed);
                        } else {
                            executor.remove(2, 1);
                        }
                        assert_eq!(executor.freed.load(Relaxed), 0, "freed under its user");
                    })
                };
                other.join().unwrap();
                adds.join().unwrap();
            });
        });
        assert!(message.contains("freed under its user"), "{message}");
    }
}
