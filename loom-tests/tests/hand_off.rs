//! A function on its way to a thread of the pool, and its result on the way back (`reactor/src/pool/hand_off.rs`).

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use loom_tests::reactor_protocols::hand_off::HandOff;
use loom_tests::rt::{AtomicUsize, Ordering::Relaxed, UnsafeCell, thread};

/// A function, or a result: written by who makes it, without an atomic operation. Counts its drop.
struct Value {
    text: UnsafeCell<u32>,
    drops: Arc<AtomicUsize>,
}

// SAFETY: a value is one thread's at a time: that is what is checked.
unsafe impl Send for Value {}

impl Value {
    fn new(text: u32, drops: &Arc<AtomicUsize>) -> Self {
        Value { text: UnsafeCell::new(text), drops: drops.clone() }
    }

    fn read(&self) -> u32 {
        // SAFETY: as above.
        self.text.with_mut(|text| unsafe { *text })
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.read();
        self.drops.fetch_add(1, Relaxed);
    }
}

/// Counts its calls.
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn wakers() -> ([Arc<Counting>; 2], [Waker; 2]) {
    let counts = [0, 1].map(|_| Arc::new(Counting(AtomicUsize::new(0))));
    let wakers = counts.clone().map(Waker::from);
    (counts, wakers)
}

fn calls(counts: &[Arc<Counting>; 2]) -> [usize; 2] {
    [0, 1].map(|waker| counts[waker].0.load(Relaxed))
}

/// What scenarios use of the protocol, so that flawed copies can run them.
trait Protocol: Send + Sync + 'static {
    fn new(function: Value) -> Self;
    fn begin(&self) -> Option<Value>;
    fn finish(&self, result: Value);
    fn poll(&self, waker: &Waker) -> Poll<Value>;
    fn cancel(&self);
}

type Whole = HandOff<Value, Value>;

impl Protocol for Whole {
    fn new(function: Value) -> Self {
        HandOff::new(function)
    }
    fn begin(&self) -> Option<Value> {
        self.begin()
    }
    fn finish(&self, result: Value) {
        self.finish(result);
    }
    fn poll(&self, waker: &Waker) -> Poll<Value> {
        self.poll(waker)
    }
    fn cancel(&self) {
        self.cancel();
    }
}

/// A hand-off, and the drops of its function and its result.
struct Case<P> {
    hand_off: Arc<P>,
    functions: Arc<AtomicUsize>,
    results: Arc<AtomicUsize>,
}

impl<P: Protocol> Case<P> {
    fn new() -> Self {
        let (functions, results) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        Case { hand_off: Arc::new(P::new(Value::new(1, &functions))), functions, results }
    }

    /// A thread of the pool. Whether it has run the function.
    fn thread(&self) -> thread::JoinHandle<bool> {
        let (hand_off, results) = (self.hand_off.clone(), self.results.clone());
        thread::spawn(move || {
            let Some(function) = hand_off.begin() else { return false };
            let result = Value::new(function.read() + 1, &results);
            drop(function);
            hand_off.finish(result);
            true
        })
    }

    fn drops(&self) -> [usize; 2] {
        [self.functions.load(Relaxed), self.results.load(Relaxed)]
    }
}

/// "Finish meets poll": the poll finds the result, or its waker is called when it is there.
fn finish_meets_poll<P: Protocol>() {
    let case = Case::<P>::new();
    let (counts, [waker, _]) = wakers();
    let thread = case.thread();
    let mut polled = case.hand_off.poll(&waker);
    assert!(thread.join().unwrap());
    if polled.is_pending() {
        assert_eq!(calls(&counts), [1, 0], "a wake is lost");
        polled = case.hand_off.poll(&waker);
    }
    assert!(matches!(polled, Poll::Ready(result) if result.read() == 2));
    assert_eq!(case.drops(), [1, 1]);
}

/// "Swapped waker": of two wakers that were left the last one is called, unless its poll finds the result.
fn finish_meets_another_poll<P: Protocol>() {
    let case = Case::<P>::new();
    let (counts, wakers) = wakers();
    assert!(case.hand_off.poll(&wakers[0]).is_pending());
    let thread = case.thread();
    let polled = case.hand_off.poll(&wakers[1]);
    thread.join().unwrap();
    let expected = if polled.is_pending() { [0, 1] } else { [1, 0] };
    assert_eq!(calls(&counts), expected, "a wake is lost");
}

/// "Cancel meets begin", "cancel meets finish": the function is run, or dropped; its result is dropped. Both by the time
/// that both ends are done, and not with the memory.
fn cancel_meets_a_thread<P: Protocol>() {
    let case = Case::<P>::new();
    let (counts, [waker, _]) = wakers();
    assert!(case.hand_off.poll(&waker).is_pending());
    let thread = case.thread();
    case.hand_off.cancel();
    let has_run = thread.join().unwrap();
    assert_eq!(case.drops(), [1, usize::from(has_run)], "something is left");
    assert!(calls(&counts)[0] <= usize::from(has_run));
    drop(waker);
    assert_eq!(Arc::strong_count(&counts[0]), 1, "the waker is left");
}

/// "Poll in a wake": the waker's call polls, as that of an executor that runs tasks where they are woken.
fn a_wake_polls<P: Protocol>() {
    struct Polls<P>(Arc<P>, AtomicUsize);
    impl<P: Protocol> Wake for Polls<P> {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(1, Relaxed);
            assert!(self.0.poll(Waker::noop()).is_ready());
        }
    }
    let case = Case::<P>::new();
    let polls = Arc::new(Polls(case.hand_off.clone(), AtomicUsize::new(0)));
    let thread = case.thread();
    let polled = case.hand_off.poll(&polls.clone().into());
    thread.join().unwrap();
    assert_eq!(polls.1.load(Relaxed), usize::from(polled.is_pending()));
}

loom_tests::models! {
    of [Whole]:
    finish_meets_poll
    finish_meets_another_poll
    cancel_meets_a_thread
    a_wake_polls
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_flaw_is_found;
    use loom_tests::rt::Mutex;
    use loom_tests::rt::model;

    const NONE: u8 = 0;
    /// A poll leaves its waker in another step than that which has found no result.
    const LEAVES_LATE: u8 = 1;
    /// A thread takes the waker, and then leaves the result.
    const TAKES_EARLY: u8 = 2;
    /// It calls the waker with the lock.
    const WAKES_LOCKED: u8 = 3;
    /// It looks whether the result is wanted, and then leaves it.
    const LOOKS_EARLY: u8 = 4;

    /// A copy, with one flaw or none.
    struct Flawed<const FLAW: u8>(Mutex<State>);

    #[derive(Default)]
    struct State {
        function: Option<Value>,
        result: Option<Value>,
        waker: Option<Waker>,
        is_over: bool,
    }

    impl<const FLAW: u8> Protocol for Flawed<FLAW> {
        fn new(function: Value) -> Self {
            Flawed(Mutex::new(State { function: Some(function), ..State::default() }))
        }

        fn begin(&self) -> Option<Value> {
            self.0.lock().unwrap().function.take()
        }

        fn finish(&self, result: Value) {
            let mut state = self.0.lock().unwrap();
            if state.is_over {
                drop(state);
                return;
            }
            let mut waker = None;
            if FLAW == TAKES_EARLY {
                waker = state.waker.take();
            }
            if FLAW == TAKES_EARLY || FLAW == LOOKS_EARLY {
                drop(state);
                state = self.0.lock().unwrap();
            }
            state.result = Some(result);
            if FLAW != TAKES_EARLY {
                waker = state.waker.take();
            }
            if FLAW == WAKES_LOCKED {
                waker.inspect(Waker::wake_by_ref);
            } else {
                drop(state);
                waker.inspect(Waker::wake_by_ref);
            }
        }

        fn poll(&self, waker: &Waker) -> Poll<Value> {
            let mut state = self.0.lock().unwrap();
            if let Some(result) = state.result.take() {
                state.is_over = true;
                return Poll::Ready(result);
            }
            if FLAW == LEAVES_LATE {
                drop(state);
                state = self.0.lock().unwrap();
            }
            state.waker = Some(waker.clone());
            Poll::Pending
        }

        fn cancel(&self) {
            let mut state = self.0.lock().unwrap();
            let dropped = std::mem::take(&mut *state);
            state.is_over = true;
            drop(state);
            drop(dropped);
        }
    }

    #[test]
    fn the_copy_without_a_flaw_holds() {
        model(finish_meets_poll::<Flawed<NONE>>);
        model(finish_meets_another_poll::<Flawed<NONE>>);
        model(cancel_meets_a_thread::<Flawed<NONE>>);
        model(a_wake_polls::<Flawed<NONE>>);
    }

    every_flaw_is_found! {
        "leaves late" => finish_meets_poll::<Flawed<LEAVES_LATE>>, says "a wake is lost";
        "takes early" => finish_meets_poll::<Flawed<TAKES_EARLY>>, says "a wake is lost";
        "wakes locked" => a_wake_polls::<Flawed<WAKES_LOCKED>>, says "deadlock";
        "looks early" => cancel_meets_a_thread::<Flawed<LOOKS_EARLY>>, says "something is left";
    }
}
