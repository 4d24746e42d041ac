//! The handshake of `suspend` and `Continuation` (`cps-core/src/suspend/mod.rs`).

use std::cell::RefCell;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, thread};
use loom_tests::suspend::{Continuation, Dropped, TrySuspend, try_suspend};

/// Counts its wakes, relaxed, so that it orders nothing.
struct Wakes(AtomicUsize);

impl Wakes {
    fn new() -> StdArc<Self> {
        StdArc::new(Self(AtomicUsize::new(0)))
    }

    fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A value that counts its drops.
struct Payload {
    number: u32,
    drops: Arc<AtomicUsize>,
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Relaxed);
    }
}

fn payload(drops: &Arc<AtomicUsize>) -> Payload {
    Payload { number: 42, drops: drops.clone() }
}

fn poll<T, F>(future: &mut TrySuspend<T, F>, wakes: &StdArc<Wakes>) -> Poll<Result<T, Dropped>>
where
    F: FnOnce(Continuation<T>),
{
    let waker = Waker::from(wakes.clone());
    std::pin::Pin::new(future).poll(&mut Context::from_waker(&waker))
}

type Start = Box<dyn FnOnce(Continuation<Payload>) + Send>;
type Suspended = TrySuspend<Payload, Start>;

/// A future that was polled once and waits, and its continuation.
fn suspended(wakes: &StdArc<Wakes>) -> (Suspended, Continuation<Payload>) {
    let (send, receive) = std::sync::mpsc::channel();
    let mut future = try_suspend(Box::new(move |k| send.send(k).unwrap()) as Start);
    assert!(poll(&mut future, wakes).is_pending());
    (future, receive.recv().unwrap())
}

/// What must hold when both parties are done.
fn check_drops(drops: &AtomicUsize, wakes: &[&StdArc<Wakes>]) {
    assert_eq!(drops.load(Relaxed), 1, "the value is dropped once");
    for wakes in wakes {
        assert_eq!(StdArc::strong_count(wakes), 1, "the waker is dropped");
    }
}

/// "Resume in the closure": by another thread, started in it.
fn resume_meets_first_poll() {
    let (wakes, drops) = (Wakes::new(), Arc::new(AtomicUsize::new(0)));
    let value = payload(&drops);
    let resumer = RefCell::new(None);
    let mut future = try_suspend(|k: Continuation<Payload>| {
        resumer.replace(Some(thread::spawn(move || k.resume(value).is_ok())));
    });
    let mut polled = poll(&mut future, &wakes);
    if polled.is_pending() && wakes.count() == 1 {
        // As an executor would, before joining the thread orders everything.
        polled = poll(&mut future, &wakes);
        assert!(polled.is_ready(), "woken for nothing");
    }
    drop(settle(future, polled, &wakes, || {
        assert!(resumer.take().unwrap().join().unwrap());
    }));
    check_drops(&drops, &[&wakes]);
}

/// Joins the resumer; then, if the future is not done, it must have been woken once, and is done
/// now.
fn settle<F>(
    mut future: TrySuspend<Payload, F>,
    polled: Poll<Result<Payload, Dropped>>,
    wakes: &StdArc<Wakes>,
    join: impl FnOnce(),
) -> Result<Payload, Dropped>
where
    F: FnOnce(Continuation<Payload>),
{
    join();
    let outcome = match polled {
        Poll::Ready(outcome) => {
            assert!(wakes.count() <= 1, "woken at most once");
            outcome
        }
        Poll::Pending => {
            assert_eq!(wakes.count(), 1, "lost wake-up");
            match poll(&mut future, wakes) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => panic!("woken for nothing"),
            }
        }
    };
    if let Ok(value) = &outcome {
        assert_eq!(value.number, 42);
    }
    outcome
}

/// "Late register", "late wake": a spurious poll while the resumer is at work.
fn resume_meets_spurious_poll() {
    let (wakes, drops) = (Wakes::new(), Arc::new(AtomicUsize::new(0)));
    let (mut future, k) = suspended(&wakes);
    let value = payload(&drops);
    let resumer = thread::spawn(move || k.resume(value).is_ok());
    let polled = poll(&mut future, &wakes);
    drop(settle(future, polled, &wakes, || assert!(resumer.join().unwrap())));
    check_drops(&drops, &[&wakes]);
}

/// "Swapped waker": who polled last is woken, and nobody else.
fn resume_meets_poll_with_another_waker() {
    let (old, new, drops) = (Wakes::new(), Wakes::new(), Arc::new(AtomicUsize::new(0)));
    let (mut future, k) = suspended(&old);
    let value = payload(&drops);
    let resumer = thread::spawn(move || k.resume(value).is_ok());
    let polled = poll(&mut future, &new);
    let waits = polled.is_pending();
    drop(settle(future, polled, &new, || assert!(resumer.join().unwrap())));
    assert!(!waits || old.count() == 0, "woken by a waker that was replaced");
    assert!(old.count() + new.count() <= 1, "woken twice");
    check_drops(&drops, &[&old, &new]);
}

/// The future is polled by a second thread and resumed by a third: two hand-overs of the waker.
fn resume_meets_poll_on_another_thread() {
    let (wakes, drops) = (Wakes::new(), Arc::new(AtomicUsize::new(0)));
    let (mut future, k) = suspended(&wakes);
    let value = payload(&drops);
    let second = wakes.clone();
    let poller = thread::spawn(move || (poll(&mut future, &second), future));
    assert!(k.resume(value).is_ok());
    let (polled, future) = poller.join().unwrap();
    drop(settle(future, polled, &wakes, || {}));
    check_drops(&drops, &[&wakes]);
}

/// "Resume meets drop": the value goes back to the resumer or is dropped by the waiter.
fn resume_meets_drop_of_the_future() {
    let (wakes, drops) = (Wakes::new(), Arc::new(AtomicUsize::new(0)));
    let (future, k) = suspended(&wakes);
    let value = payload(&drops);
    let resumer = thread::spawn(move || {
        let abandoned = k.is_abandoned();
        let outcome = k.resume(value);
        assert!(!abandoned || outcome.is_err(), "abandoned is final");
        outcome
    });
    drop(future);
    match resumer.join().unwrap() {
        Ok(()) => assert_eq!(drops.load(Relaxed), 1, "dropped by the waiter"),
        Err(value) => {
            assert_eq!(drops.load(Relaxed), 0, "given back");
            assert_eq!(value.number, 42);
        }
    }
    check_drops(&drops, &[&wakes]);
}

/// A continuation let go wakes, as one resumed does.
fn drop_of_the_continuation_meets_poll() {
    let wakes = Wakes::new();
    let (mut future, k) = suspended(&wakes);
    let dropper = thread::spawn(move || drop(k));
    let polled = poll(&mut future, &wakes);
    let outcome = settle(future, polled, &wakes, || dropper.join().unwrap());
    assert!(outcome.is_err());
    assert_eq!(StdArc::strong_count(&wakes), 1, "the waker is dropped");
}

/// "Last reference": both let go at once; nothing is left.
fn drop_meets_drop() {
    let wakes = Wakes::new();
    let (future, k) = suspended(&wakes);
    let dropper = thread::spawn(move || drop(k));
    drop(future);
    dropper.join().unwrap();
    assert!(wakes.count() <= 1);
    assert_eq!(StdArc::strong_count(&wakes), 1, "the waker is dropped");
}

/// "Resume in the closure": no wake is needed.
fn resume_in_the_closure() {
    let (wakes, drops) = (Wakes::new(), Arc::new(AtomicUsize::new(0)));
    let value = payload(&drops);
    let mut future = try_suspend(|k: Continuation<Payload>| assert!(k.resume(value).is_ok()));
    match poll(&mut future, &wakes) {
        Poll::Ready(Ok(value)) => assert_eq!(value.number, 42),
        _ => panic!("the value was there"),
    }
    assert_eq!(wakes.count(), 0);
    check_drops(&drops, &[&wakes]);
}

loom_tests::models! {
    resume_meets_first_poll
    resume_meets_spurious_poll
    resume_meets_poll_with_another_waker
    resume_meets_poll_on_another_thread
    resume_meets_drop_of_the_future
    drop_of_the_continuation_meets_poll
    drop_meets_drop
    resume_in_the_closure
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::model;
    use loom_tests::{every_ordering_is_needed, rejected};

    every_ordering_is_needed! {
        in "../../cps-core/src/suspend/mod.rs",
        weakened by loom_tests::sync::order::weakened,
        seen as "Causality violation",
        "value/abandon" => resume_meets_drop_of_the_future,
        "value/claim" => resume_meets_spurious_poll,
        "value/register" => resume_meets_first_poll,
        "value/resume" => resume_meets_spurious_poll,
        "waker/let_go" => drop_of_the_continuation_meets_poll,
        "waker/register" => resume_meets_poll_on_another_thread,
        "waker/resume" => resume_meets_poll_with_another_waker,
    }

    /// The protocol's register as a check and a store: a resume between them is never seen.
    #[test]
    fn a_register_that_is_no_read_modify_write_loses_the_wake_up() {
        use loom_tests::rt::{AtomicU8, Ordering::SeqCst};
        const REGISTERING: u8 = 0;
        const WAITING: u8 = 1;
        const VALUE: u8 = 2;
        let message = rejected("register by store", || {
            model(|| {
                let state = Arc::new(AtomicU8::new(REGISTERING));
                let resumer = thread::spawn({
                    let state = state.clone();
                    move || state.swap(VALUE, SeqCst) == WAITING // Whether it wakes.
                });
                let pending = state.load(SeqCst) == REGISTERING;
                if pending {
                    state.store(WAITING, SeqCst);
                }
                let woken = resumer.join().unwrap();
                assert!(!pending || woken, "lost wake-up");
            });
        });
        assert!(message.contains("lost wake-up"), "{message}");
    }
}
