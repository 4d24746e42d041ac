//! The timers of a driver (`reactor/src/driver/timers.rs`): arming, moving and cancelling against the owner's waits and
//! firing.
//!
//! The wheel in it is the real one, with numbers for wakers.

use loom_tests::reactor_protocols::timers::{Armed, State, Timers};
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, thread};

type Machine = Arc<Timers<usize>>;

fn machine() -> Machine {
    Arc::new(Timers::new())
}

/// Arms a timer that waits.
fn arm(timers: &Timers<usize>, deadline: u64, waker: usize) -> u32 {
    match timers.arm(deadline, waker) {
        (Armed::Waiting(key, _), None) => key,
        other => panic!("not armed: {other:?}"),
    }
}

fn expire(timers: &Timers<usize>, now: u64) -> Vec<usize> {
    let mut fired = Vec::new();
    timers.expire(now, |waker| fired.push(waker));
    fired
}

/// "Arm meets park": the owner goes to wait, until a timer or for ever, while a thread arms one that comes before: that
/// ends the wait, or the owner knows it already.
fn arm_meets_park() {
    let timers = machine();
    let _ = arm(&timers, 20, 0);
    let armer = thread::spawn({
        let timers = timers.clone();
        move || match timers.arm(10, 1) {
            (Armed::Waiting(_, is_first), None) => is_first,
            other => panic!("not armed: {other:?}"),
        }
    });
    let until = timers.park();
    let unparks = armer.join().unwrap();
    assert!(until.is_some_and(|until| until <= 10) || unparks, "it sleeps through a deadline");
}

/// The same, with an owner that was awake before, and is after.
fn arm_meets_wake() {
    let timers = machine();
    let armer = thread::spawn({
        let timers = timers.clone();
        move || arm(&timers, 10, 1)
    });
    timers.awake();
    let known = !timers.is_empty();
    let until = timers.park();
    let key = armer.join().unwrap();
    assert!(!known || until.is_some(), "a timer that was known is not waited for");
    timers.awake();
    assert_eq!(timers.cancel(key, 10), Some(1));
}

/// "Fire meets cancel": one of both gets the waker.
fn fire_meets_cancel() {
    let timers = machine();
    let key = arm(&timers, 10, 1);
    let cancels = thread::spawn({
        let timers = timers.clone();
        move || timers.cancel(key, 10)
    });
    let fired = expire(&timers, 10);
    let cancelled = cancels.join().unwrap();
    assert_eq!(fired.len() + usize::from(cancelled.is_some()), 1, "{fired:?}, {cancelled:?}");
    assert_eq!(timers.len(), 0);
    // The key is another's now.
    let other = arm(&timers, 20, 2);
    assert_eq!(timers.cancel(key, 10), None);
    assert_eq!(timers.cancel(other, 20), Some(2));
}

/// "Fire meets replace": the waker that is called is the one that the task knows of.
fn fire_meets_replace() {
    let timers = machine();
    let key = arm(&timers, 10, 1);
    let replaces = thread::spawn({
        let timers = timers.clone();
        move || timers.replace(key, 10, 2)
    });
    let fired = expire(&timers, 10);
    match replaces.join().unwrap() {
        Ok(stale) => assert_eq!((stale, fired), (1, vec![2])),
        Err(unused) => assert_eq!((unused, fired), (2, vec![1])),
    }
}

/// "Fire meets move": a timer fires at one of both times, once.
fn fire_meets_move() {
    let timers = machine();
    let key = arm(&timers, 10, 1);
    let moves = thread::spawn({
        let timers = timers.clone();
        move || timers.rearm(key, 10, 20)
    });
    let mut fired = expire(&timers, 15);
    match moves.join().unwrap() {
        (Armed::Waiting(..), None) => assert_eq!(fired, []),
        (Armed::Not(State::Fired), None) => assert_eq!(fired, [1]),
        other => panic!("{other:?}"),
    }
    fired.extend(expire(&timers, 20));
    assert_eq!(fired, [1]);
}

/// "Fire meets poll": a task that is polled for another reason finds its time come, and then sees what was before.
fn fire_meets_poll() {
    let timers = machine();
    let before = Arc::new(AtomicUsize::new(0));
    let _ = arm(&timers, 10, 1);
    let task = thread::spawn({
        let (timers, before) = (timers.clone(), before.clone());
        move || {
            if timers.state(10) == State::Fired {
                assert_eq!(before.load(Relaxed), 1, "it does not see what was before its time");
            }
        }
    });
    before.store(1, Relaxed);
    assert_eq!(expire(&timers, 10), [1]);
    task.join().unwrap();
    assert_eq!(timers.state(10), State::Fired);
}

/// "Arm meets end": the driver goes while a thread arms a timer: that one is told, or woken.
fn arm_meets_end() {
    let timers = machine();
    let armer = thread::spawn({
        let timers = timers.clone();
        move || timers.arm(10, 1)
    });
    let woken: Vec<_> = timers.close().collect();
    match armer.join().unwrap() {
        (Armed::Waiting(..), None) => assert_eq!(woken, [1]),
        (Armed::Not(State::Gone), Some(1)) => assert_eq!(woken, []),
        other => panic!("{other:?}"),
    }
    assert_eq!((timers.state(10), timers.cancel(0, 10)), (State::Gone, None));
}

loom_tests::models! {
    arm_meets_park
    arm_meets_wake
    fire_meets_cancel
    fire_meets_replace
    fire_meets_move
    fire_meets_poll
    arm_meets_end
}

#[cfg(loom)]
mod weakened {
    use loom::sync::Mutex;
    use loom::sync::atomic::AtomicU64;
    use loom_tests::{rejected, weakened_in_reactor};

    use super::*;
    use loom_tests::rt::model;

    loom_tests::every_ordering_is_needed! {
        in "../../reactor/src/driver/timers.rs",
        weakened by weakened_in_reactor,
        seen as "it does not see what was before its time",
        "timers/fire" => fire_meets_poll,
        "timers/state" => fire_meets_poll,
    }

    /// An owner that notes until when it waits after it has given up the lock.
    #[test]
    fn a_wait_that_is_noted_without_the_lock_misses_a_timer() {
        let message = rejected("no lock", || {
            model(|| {
                let first = Arc::new((Mutex::new(20_u64), AtomicU64::new(0)));
                let armer = thread::spawn({
                    let first = first.clone();
                    move || {
                        let mut lock = first.0.lock().unwrap();
                        *lock = 10;
                        10 < first.1.load(Relaxed)
                    }
                });
                let until = *first.0.lock().unwrap();
                first.1.store(until, Relaxed);
                let unparks = armer.join().unwrap();
                assert!(until <= 10 || unparks, "it sleeps through a deadline");
            });
        });
        assert!(message.contains("it sleeps through a deadline"), "{message}");
    }
}
