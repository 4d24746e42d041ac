//! Who of a task and its handle owns result and waker (`reactor/src/task/join_state.rs`).

use loom_tests::reactor_protocols::join_state::{Detached, Ended, JoinState};
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, UnsafeCell, thread};

/// What lies in the slot: who is to be woken.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Waker {
    None,
    Of(usize),
}

/// A task with a handle. Slot and result have one owner at a time: loom's cells check it.
struct Task {
    state: JoinState,
    slot: UnsafeCell<Waker>,
    result: UnsafeCell<Option<u32>>,
    /// How often each waker was called.
    calls: [AtomicUsize; 2],
    dropped_wakers: AtomicUsize,
    dropped_results: AtomicUsize,
}

// SAFETY: see the type.
unsafe impl Sync for Task {}

impl Task {
    fn new() -> Arc<Self> {
        Arc::new(Task {
            state: JoinState::new(),
            slot: UnsafeCell::new(Waker::None),
            result: UnsafeCell::new(None),
            calls: [AtomicUsize::new(0), AtomicUsize::new(0)],
            dropped_wakers: AtomicUsize::new(0),
            dropped_results: AtomicUsize::new(0),
        })
    }

    fn replace(&self, waker: Waker) -> Waker {
        // SAFETY: by the owner of the slot.
        self.slot.with_mut(|slot| unsafe { std::mem::replace(&mut *slot, waker) })
    }

    fn drop_waker(&self) {
        if self.replace(Waker::None) != Waker::None {
            self.dropped_wakers.fetch_add(1, Relaxed);
        }
    }

    fn take_result(&self) -> Option<u32> {
        // SAFETY: by the owner of the result.
        self.result.with_mut(|result| unsafe { (*result).take() })
    }

    fn drop_result(&self) {
        if self.take_result().is_some() {
            self.dropped_results.fetch_add(1, Relaxed);
        }
    }

    /// As `task::cell::complete`.
    fn complete(&self) {
        // SAFETY: the result is the task's.
        self.result.with_mut(|result| unsafe { *result = Some(7) });
        let completed = self.state.complete();
        if completed.drop_result {
            self.drop_result();
        }
        if completed.wake {
            // SAFETY: the task may read the slot.
            let waker = self.slot.with(|slot| unsafe { *slot });
            let Waker::Of(waker) = waker else { panic!("no waker in the slot") };
            self.calls[waker].fetch_add(1, Relaxed);
            if self.state.called() {
                self.drop_waker();
            }
        }
    }

    /// As `JoinHandle::poll`.
    fn poll(&self, waker: usize) -> Option<u32> {
        let state = self.state.ended();
        if state != Ended::Yes && self.leave(waker, state) {
            return None;
        }
        Some(self.take_result().expect("a task that has ended has a result"))
    }

    fn leave(&self, waker: usize, state: Ended) -> bool {
        if state == Ended::Awaited {
            // SAFETY: nobody writes to the slot while there is a handle.
            let offered = self.slot.with(|slot| unsafe { *slot });
            if offered == Waker::Of(waker) {
                return true;
            }
            if !self.state.reclaim() {
                return false;
            }
        }
        if self.replace(Waker::Of(waker)) != Waker::None {
            self.dropped_wakers.fetch_add(1, Relaxed);
        }
        self.state.offer()
    }

    /// As the drop of a `JoinHandle`.
    fn drop_handle(&self) {
        self.detach(self.state.drop_handle());
    }

    /// The same on the thread that runs the task.
    fn drop_handle_here(&self) {
        self.detach(self.state.drop_handle_here());
    }

    fn detach(&self, detached: Detached) {
        if detached.drop_result {
            self.drop_result();
        }
        if detached.drop_waker {
            self.drop_waker();
        }
    }

    fn calls(&self) -> [usize; 2] {
        [0, 1].map(|waker| self.calls[waker].load(Relaxed))
    }
}

/// The task ends while `handle` does something: the one on this thread, the other one on another, or the other way round.
/// loom, which looks at the last access to a word only, tries some schedules in one of the two cases only.
fn meet<const TASK_HERE: bool, R: Send + 'static>(task: &Arc<Task>, handle: fn(&Task) -> R) -> R {
    let other = task.clone();
    if TASK_HERE {
        let other = thread::spawn(move || handle(&other));
        task.complete();
        other.join().unwrap()
    } else {
        let other = thread::spawn(move || other.complete());
        let done = handle(task);
        other.join().unwrap();
        done
    }
}

/// "Complete meets poll": the poll finds the result, or its waker is called.
fn complete_meets_poll<const TASK_HERE: bool>() {
    let task = Task::new();
    let found = meet::<TASK_HERE, _>(&task, |task| task.poll(0));
    assert_eq!(found.is_none(), task.calls() == [1, 0]);
    assert_eq!(found.or_else(|| task.poll(0)), Some(7));
    task.drop_handle();
    assert_eq!(task.replace(Waker::None), Waker::None);
    assert_eq!(task.dropped_results.load(Relaxed), 0);
}

/// "Complete meets swap": the handle is polled with another waker while the task ends. Of wakers that were left the
/// last one is called, unless the poll found the result.
fn complete_meets_swap<const TASK_HERE: bool>() {
    let task = Task::new();
    assert_eq!(task.poll(0), None);
    let found = meet::<TASK_HERE, _>(&task, |task| task.poll(1));
    if found.is_none() {
        assert_eq!(task.calls(), [0, 1]);
        assert_eq!(task.poll(0), Some(7));
    }
    assert!(task.calls()[0] + task.calls()[1] <= 1);
    task.drop_handle();
    assert_eq!(task.dropped_results.load(Relaxed), 0);
}

/// "Complete meets drop": waker and result are dropped once.
fn complete_meets_drop<const TASK_HERE: bool>() {
    let task = Task::new();
    assert_eq!(task.poll(0), None);
    meet::<TASK_HERE, _>(&task, Task::drop_handle);
    assert_eq!(task.dropped_wakers.load(Relaxed), 1);
    assert_eq!(task.dropped_results.load(Relaxed), 1);
}

/// The same of a handle that was never polled.
fn complete_meets_drop_unpolled<const TASK_HERE: bool>() {
    let task = Task::new();
    meet::<TASK_HERE, _>(&task, Task::drop_handle);
    assert_eq!(task.dropped_wakers.load(Relaxed), 0);
    assert_eq!(task.dropped_results.load(Relaxed), 1);
}

/// "Poll, then drop": the handle reads the slot, finds the result, takes it, and goes while the task still wakes.
fn complete_meets_poll_and_drop<const TASK_HERE: bool>() {
    let task = Task::new();
    assert_eq!(task.poll(0), None);
    let found = meet::<TASK_HERE, _>(&task, |task| {
        let found = task.poll(0);
        task.drop_handle();
        found
    });
    assert_eq!(task.dropped_wakers.load(Relaxed), 1);
    assert_eq!(task.dropped_results.load(Relaxed), usize::from(found.is_none()));
}

/// "Drop here": the handle goes on the thread that runs the task, `POLLED` or not, while another thread aborts the task:
/// the wish is not lost, and waker and result are dropped once.
fn drop_here_meets_abort<const POLLED: bool>() {
    let task = Task::new();
    if POLLED {
        assert_eq!(task.poll(0), None);
    }
    let other = thread::spawn({
        let task = task.clone();
        move || task.state.abort()
    });
    task.drop_handle_here();
    task.complete();
    other.join().unwrap();
    assert!(task.state.is_aborted());
    assert_eq!(task.state.ended(), Ended::Yes);
    assert_eq!(task.dropped_wakers.load(Relaxed), usize::from(POLLED));
    assert_eq!(task.dropped_results.load(Relaxed), 1);
}

loom_tests::models! {
    of [false, true]:
    complete_meets_poll
    complete_meets_swap
    complete_meets_drop
    complete_meets_drop_unpolled
    complete_meets_poll_and_drop
    drop_here_meets_abort
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_ordering_is_needed;

    every_ordering_is_needed! {
        in "../../reactor/src/task/join_state.rs",
        weakened by loom_tests::weakened_in_reactor,
        seen as "Causality violation",
        "join/awaited" => complete_meets_poll::<false>,
        "join/called" => complete_meets_drop::<false>,
        "join/called-last" => complete_meets_poll_and_drop::<false>,
        "join/complete" => complete_meets_poll::<false>,
        "join/detach" => complete_meets_poll_and_drop::<false>,
        "join/detach-ended" => complete_meets_drop_unpolled::<true>,
        "join/detach-late" => complete_meets_drop::<false>,
        "join/ended" => complete_meets_poll::<true>,
        "join/offer" => complete_meets_poll::<false>,
        "join/offer-late" => complete_meets_poll::<false>,
        "join/reclaim-late" => complete_meets_swap::<false>,
    }
}
