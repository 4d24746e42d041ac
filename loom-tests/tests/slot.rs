//! The slot of a worker (`reactor/src/multi/slot.rs`): filled by the worker, emptied by it or by a thief.

use loom_tests::reactor_protocols::slot::Slot;
use loom_tests::rt::{Arc, UnsafeCell, model, thread};

/// A task: how often it was run. It was written to by the worker that puts it in.
struct Task(UnsafeCell<u32>);

// SAFETY: who has taken the task out has it alone, which is what is tested.
unsafe impl Send for Task {}
// SAFETY: the same.
unsafe impl Sync for Task {}

struct Machine {
    slot: Slot<Task>,
    tasks: [Task; 2],
}

impl Machine {
    fn new() -> Arc<Self> {
        let task = || Task(UnsafeCell::new(0));
        Arc::new(Machine { slot: Slot::new(), tasks: [task(), task()] })
    }

    /// The worker: writes to a task, and puts it in. Runs the one that comes out instead.
    fn put(&self, number: usize) {
        let task = &self.tasks[number];
        // SAFETY: it is in no slot yet.
        task.0.with_mut(|runs| unsafe { *runs = 10 });
        self.run(self.slot.put(task));
    }

    /// Runs a task that was taken out.
    fn run(&self, task: *const Task) {
        // SAFETY: the tasks are part of this.
        let Some(task) = (unsafe { task.as_ref() }) else { return };
        // SAFETY: it was taken out by this thread; the model checks that this is enough.
        task.0.with_mut(|runs| unsafe { *runs += 1 });
    }

    /// All threads have ended.
    fn check(&self, put: usize) {
        for (number, task) in self.tasks.iter().enumerate() {
            // SAFETY: no thread runs any more.
            let runs = task.0.with(|runs| unsafe { *runs });
            assert_eq!(runs, if number < put { 11 } else { 0 }, "task {number}");
        }
    }
}

fn thief(machine: &Arc<Machine>) -> thread::JoinHandle<()> {
    let machine = machine.clone();
    thread::spawn(move || machine.run(machine.slot.steal()))
}

/// "Steal meets take": one of both gets the task.
fn steal_meets_take() {
    let machine = Machine::new();
    let thief = thief(&machine);
    machine.put(0);
    machine.run(machine.slot.take());
    thief.join().unwrap();
    machine.check(1);
}

/// "Steal meets put": the worker puts another task in, perhaps in place of the first, and leaves what it can.
fn steal_meets_put() {
    let machine = Machine::new();
    let thief = thief(&machine);
    machine.put(0);
    machine.put(1);
    thief.join().unwrap();
    machine.run(machine.slot.take());
    machine.check(2);
}

#[test]
fn one_gets_the_task() {
    model(steal_meets_take);
}

#[test]
fn each_task_comes_out_once() {
    model(steal_meets_put);
}

#[cfg(loom)]
mod weakened {
    use loom_tests::weakened_in_reactor;

    use super::*;

    loom_tests::every_ordering_is_needed! {
        in "../../reactor/src/multi/slot.rs",
        weakened by weakened_in_reactor,
        seen as "Causality violation",
        "slot/put" => steal_meets_take,
        "slot/replace" => steal_meets_put,
        "slot/steal" => steal_meets_take,
    }

    /// A slot that is emptied by a look and a store.
    #[test]
    fn a_take_without_a_swap_runs_a_task_twice() {
        let message = loom_tests::rejected("no swap", || {
            model(|| {
                use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
                let slot = Arc::new(AtomicUsize::new(1));
                let take = |slot: &AtomicUsize| {
                    let task = slot.load(SeqCst);
                    slot.store(0, SeqCst);
                    task
                };
                let thief = thread::spawn({
                    let slot = slot.clone();
                    move || take(&slot)
                });
                let taken = take(&slot) + thief.join().unwrap();
                assert_eq!(taken, 1, "it ran twice");
            });
        });
        assert!(message.contains("it ran twice"), "{message}");
    }
}
