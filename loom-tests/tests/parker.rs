//! How workers sleep (`reactor/src/multi/parker.rs`): in the event queue, whose own protocol is the real one
//! (`reactor/src/driver/parking.rs`), or alone.
//!
//! A worker that sleeps for ever is a deadlock, which loom reports.

use loom_tests::event_queue::EventQueue;
use loom_tests::reactor_protocols::parker::Parker;
use loom_tests::rt::{Arc, AtomicUsize, Mutex, Ordering::Relaxed, thread};

/// Two workers, an event queue, and something to be seen by a worker that was unparked: relaxed, so that only the
/// protocols order.
struct Machine {
    parkers: [Parker; 2],
    driver: Mutex<()>,
    queue: EventQueue,
    published: [AtomicUsize; 2],
}

impl Machine {
    fn new() -> Arc<Self> {
        Arc::new(Machine {
            parkers: [Parker::new(), Parker::new()],
            driver: Mutex::new(()),
            queue: EventQueue::new(),
            published: [AtomicUsize::new(0), AtomicUsize::new(0)],
        })
    }

    fn publish(&self, worker: usize) {
        self.published[worker].store(1, Relaxed);
        self.parkers[worker].unpark(|| self.queue.unpark());
    }

    /// A worker that sleeps until it sees what was published for it.
    fn sleep(&self, worker: usize) {
        while self.published[worker].load(Relaxed) == 0 {
            self.parkers[worker].park(&self.driver, |()| self.queue.turn());
        }
    }
}

fn worker(machine: &Arc<Machine>, worker: usize) -> thread::JoinHandle<()> {
    let machine = machine.clone();
    thread::spawn(move || machine.sleep(worker))
}

/// "Unpark meets park": before the sleep, on the way into it, in it.
fn unpark_meets_park() {
    let machine = Machine::new();
    let one = worker(&machine, 0);
    machine.publish(0);
    one.join().unwrap();
}

/// "The event queue is taken": one of two workers sleeps in it, the other alone; each is unparked its way.
fn both_are_unparked() {
    let machine = Machine::new();
    let one = worker(&machine, 0);
    let other = worker(&machine, 1);
    machine.publish(0);
    machine.publish(1);
    one.join().unwrap();
    other.join().unwrap();
}

/// "Stale event": a worker leaves the event queue for another reason than its unpark, which comes as it leaves; its next
/// sleep is alone or there, and is ended by the next unpark.
fn an_unpark_meets_the_end_of_a_sleep() {
    let machine = Machine::new();
    let one = worker(&machine, 0);
    // As an event of the system.
    machine.queue.unpark();
    machine.publish(0);
    one.join().unwrap();
}

loom_tests::models! {
    unpark_meets_park
    both_are_unparked
    an_unpark_meets_the_end_of_a_sleep
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_flaw_is_found;
    use loom_tests::rt::Condvar;

    /// A worker that says after its look at the notice that it sleeps.
    fn two_steps() {
        let parker = Arc::new((Mutex::new((false, false)), Condvar::new()));
        let worker = thread::spawn({
            let parker = parker.clone();
            move || {
                let is_notified = parker.0.lock().unwrap().0;
                if !is_notified {
                    let mut state = parker.0.lock().unwrap();
                    state.1 = true;
                    drop(parker.1.wait(state).unwrap());
                }
            }
        });
        let mut state = parker.0.lock().unwrap();
        state.0 = true;
        if state.1 {
            parker.1.notify_one();
        }
        drop(state);
        worker.join().unwrap();
    }

    every_flaw_is_found! {
        "looks, and then sleeps" => two_steps, says "deadlock";
    }
}
