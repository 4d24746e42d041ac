//! The life of a task in every combination of a panic, an abort, a use of its handle, an executor and an end of the
//! runtime. Of each the counts are exact.
//!
//! A task is polled twice: it waits, is woken, and gives its output. What happens to it is a [`Life`]; what must come
//! of that is computed by [`Life::outcome`], from the rules and not from the executors.

#![cfg(not(loom))] // The event queue is no model's matter.

mod common;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use common::message;
use reactor::{AbortHandle, Builder, JoinError, JoinHandle, LocalRuntime, Runtime, yield_now};

/// Where the user's code panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Panic {
    Nowhere,
    Poll,
    FutureDrop,
    PollAndFutureDrop,
    OutputDrop,
}

/// When the task is aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Abort {
    Never,
    BeforeFirstPoll,
    BetweenPolls,
    InPollByItself,
    InPollByAnotherThread,
    AfterCompletion,
}

/// What becomes of the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handle {
    /// It is dropped before the task is polled.
    DroppedAtOnce,
    /// It is dropped after all that happens to the task, but before the end of the runtime.
    DroppedLater,
    /// It outlives the runtime, and is dropped.
    NeverAwaited,
    /// It is polled before the task is, so that a waker lies with it, and after the end.
    Awaited,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Executor {
    /// A `LocalRuntime`, by `spawn_local`.
    Local,
    /// A `LocalRuntime`, by `Handle::spawn` on another thread.
    LocalFromElsewhere,
    /// A `Runtime` of one worker.
    Multi,
}

/// What becomes of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It runs the task to its end.
    GoesOn,
    /// It is dropped after the abort; without one while the task waits.
    Dropped,
    /// The same, by `shutdown_timeout`. (A `Runtime` only.)
    ShutDown,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    panic: Panic,
    abort: Abort,
    handle: Handle,
    executor: Executor,
    end: End,
}

/// What a task ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Result {
    Output,
    Panicked(&'static str),
    Cancelled,
}

/// What must be counted at the end.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    polls: usize,
    futures_dropped: usize,
    outputs_made: usize,
    outputs_dropped: usize,
    /// Of the waker that was left with the handle.
    wakes: usize,
    wakers_left: usize,
    /// Of a handle that was awaited.
    result: Option<Result>,
}

impl Life {
    /// Whether the task is polled a second time, in which poll it ends.
    fn is_polled_to_its_end(self) -> bool {
        match self.abort {
            Abort::Never => self.end == End::GoesOn,
            Abort::AfterCompletion => true,
            _ => false,
        }
    }

    /// Whether the poll panics that is to be the last one: the second, or the one that aborts.
    fn panics_in_poll(self) -> bool {
        let panics = matches!(self.panic, Panic::Poll | Panic::PollAndFutureDrop);
        let aborts = matches!(self.abort, Abort::InPollByItself | Abort::InPollByAnotherThread);
        panics && (aborts || self.is_polled_to_its_end())
    }

    fn outcome(self) -> Outcome {
        let polls = match self.abort {
            Abort::BeforeFirstPoll => 0,
            _ if self.is_polled_to_its_end() => 2,
            _ => 1,
        };
        // An output that was made is lost if the future's drop panics.
        let is_made = self.is_polled_to_its_end() && !self.panics_in_poll();
        let result = if self.panics_in_poll() {
            Result::Panicked("in poll") // A second panic, by the drop, is the hook's alone.
        } else if matches!(self.panic, Panic::FutureDrop | Panic::PollAndFutureDrop) {
            Result::Panicked("in the future's drop")
        } else if is_made {
            Result::Output
        } else {
            Result::Cancelled
        };
        let is_awaited = self.handle == Handle::Awaited;
        Outcome {
            polls,
            futures_dropped: 1,
            outputs_made: is_made.into(),
            outputs_dropped: is_made.into(),
            wakes: is_awaited.into(),
            wakers_left: 0,
            result: is_awaited.then_some(result),
        }
    }
}

/// What a task, its handle and the test share.
#[derive(Default)]
struct Counts {
    polls: AtomicUsize,
    futures_dropped: AtomicUsize,
    outputs_made: AtomicUsize,
    outputs_dropped: AtomicUsize,
    wakes: AtomicUsize,
    /// The task's own.
    waker: Mutex<Option<Waker>>,
    abort: Mutex<Option<AbortHandle>>,
    dropped_on: Mutex<Option<ThreadId>>,
}

impl Counts {
    fn abort(&self) {
        self.abort.lock().unwrap().as_ref().unwrap().abort();
    }
}

/// The task's future. An `Rc` makes it one that is not `Send`.
struct Task<T> {
    life: Life,
    counts: Arc<Counts>,
    _kind: T,
}

impl<T: Unpin> Future for Task<T> {
    type Output = Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let counts = &self.counts;
        *counts.waker.lock().unwrap() = Some(cx.waker().clone());
        // Last: the test waits for it.
        let is_first = counts.polls.fetch_add(1, SeqCst) == 0;
        match self.life.abort {
            Abort::InPollByItself => counts.abort(),
            Abort::InPollByAnotherThread => {
                thread::scope(|scope| scope.spawn(|| counts.abort()).join()).unwrap();
            }
            _ if is_first => return Poll::Pending,
            _ => {}
        }
        assert!(!self.life.panics_in_poll(), "in poll");
        if is_first {
            return Poll::Pending;
        }
        counts.outputs_made.fetch_add(1, SeqCst);
        Poll::Ready(Output { life: self.life, counts: counts.clone() })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.counts.futures_dropped.fetch_add(1, SeqCst);
        *self.counts.dropped_on.lock().unwrap() = Some(thread::current().id());
        if matches!(self.life.panic, Panic::FutureDrop | Panic::PollAndFutureDrop) {
            panic!("in the future's drop");
        }
    }
}

struct Output {
    life: Life,
    counts: Arc<Counts>,
}

impl Drop for Output {
    fn drop(&mut self) {
        self.counts.outputs_dropped.fetch_add(1, SeqCst);
        assert!(self.life.panic != Panic::OutputDrop, "in the output's drop");
    }
}

/// What awaits the handle.
struct Awaits(Arc<Counts>);

impl Wake for Awaits {
    fn wake(self: Arc<Self>) {
        self.0.wakes.fetch_add(1, SeqCst);
    }
}

/// Either runtime.
enum Machine {
    Local(LocalRuntime),
    Multi {
        runtime: Runtime,
        /// While it is there, the worker is kept in a poll.
        gate: Option<mpsc::Sender<()>>,
    },
}

impl Machine {
    /// A runtime that runs nothing until [`start`](Machine::start).
    fn new(executor: Executor) -> Self {
        if executor != Executor::Multi {
            return Machine::Local(LocalRuntime::new().unwrap());
        }
        let runtime = Builder::new().worker_threads(1).build().unwrap();
        let (gate, is_opened) = mpsc::channel();
        let (says, is_kept) = mpsc::channel();
        drop(runtime.spawn(async move {
            says.send(()).unwrap();
            let _ = is_opened.recv();
        }));
        is_kept.recv().unwrap();
        Machine::Multi { runtime, gate: Some(gate) }
    }

    fn spawn(&self, life: Life, counts: &Arc<Counts>) -> JoinHandle<Output> {
        let counts = counts.clone();
        match self {
            Machine::Local(runtime) if life.executor == Executor::Local => {
                runtime.spawn_local(Task { life, counts, _kind: Rc::new(()) })
            }
            Machine::Local(runtime) => {
                let handle = runtime.handle();
                let spawn = move || handle.spawn(Task { life, counts, _kind: () });
                thread::spawn(spawn).join().unwrap()
            }
            Machine::Multi { runtime, .. } => runtime.spawn(Task { life, counts, _kind: () }),
        }
    }

    fn start(&mut self) {
        if let Machine::Multi { gate, .. } = self {
            drop(gate.take());
        }
    }

    /// Runs tasks until `is_reached`, and to the end of the poll in which it is. A task that was woken before has run
    /// then.
    fn run_until(&self, is_reached: impl Fn() -> bool) {
        let wait = async {
            while !is_reached() {
                thread::yield_now();
                yield_now().await;
            }
        };
        match self {
            Machine::Local(runtime) => runtime.block_on(wait),
            Machine::Multi { runtime, .. } => {
                runtime.block_on(wait);
                // The only worker runs one task after the other.
                runtime.block_on(runtime.spawn(async {})).unwrap();
            }
        }
    }

    fn end(self, end: End) {
        match self {
            Machine::Multi { runtime, .. } if end == End::ShutDown => {
                assert!(runtime.shutdown_timeout(Duration::from_secs(600)), "it does not end");
            }
            _ => drop(self),
        }
    }
}

/// Polls a handle once.
fn poll(
    handle: &mut JoinHandle<Output>,
    waker: &Waker,
) -> Poll<std::result::Result<Output, JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(waker))
}

/// What a task has ended in; its output is dropped here, and may panic.
fn result_of(joined: std::result::Result<Output, JoinError>) -> Result {
    match joined {
        Ok(output) => {
            let panics = output.life.panic == Panic::OutputDrop;
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(output)));
            assert_eq!(dropped.is_err(), panics, "the output is not the caller's own to drop");
            Result::Output
        }
        Err(error) if error.is_cancelled() => Result::Cancelled,
        Err(error) => match message(error.try_into_panic().unwrap()).as_str() {
            "in poll" => Result::Panicked("in poll"),
            "in the future's drop" => Result::Panicked("in the future's drop"),
            other => panic!("a panic of nobody's: {other}"),
        },
    }
}

impl Life {
    /// Lives, and gives the counts.
    fn live(self) -> Outcome {
        let counts = Arc::new(Counts::default());
        let awaits = Arc::new(Awaits(counts.clone()));
        let waker = Waker::from(awaits.clone());
        let mut machine = Machine::new(self.executor);
        let mut handle = Some(machine.spawn(self, &counts));
        let abort = handle.as_ref().unwrap().abort_handle();
        *counts.abort.lock().unwrap() = Some(abort.clone());
        match self.handle {
            Handle::DroppedAtOnce => drop(handle.take()),
            Handle::Awaited => assert!(poll(handle.as_mut().unwrap(), &waker).is_pending()),
            Handle::DroppedLater | Handle::NeverAwaited => {}
        }
        if self.abort == Abort::BeforeFirstPoll {
            counts.abort();
        }
        machine.start();
        if self.abort != Abort::BeforeFirstPoll {
            machine.run_until(|| counts.polls.load(SeqCst) == 1);
        }
        if self.abort == Abort::BetweenPolls {
            counts.abort();
        }
        if self.is_polled_to_its_end() {
            assert!(!abort.is_finished());
            // By value: the waker that the poll has left is given up.
            counts.waker.lock().unwrap().take().unwrap().wake();
        }
        if self.is_polled_to_its_end() || self.end == End::GoesOn {
            machine.run_until(|| abort.is_finished());
        }
        if self.abort == Abort::AfterCompletion {
            counts.abort();
        }
        if self.handle == Handle::DroppedLater {
            drop(handle.take());
        }
        if self.end == End::GoesOn {
            self.check_end(&counts, &abort);
        }
        machine.end(self.end);
        self.check_end(&counts, &abort);
        let result = handle.take().and_then(|mut handle| {
            assert!(handle.is_finished());
            (self.handle == Handle::Awaited).then(|| match poll(&mut handle, &waker) {
                Poll::Ready(joined) => result_of(joined),
                Poll::Pending => panic!("the handle does not know the end"),
            })
        });
        // What is left of the task does nothing.
        if let Some(waker) = counts.waker.lock().unwrap().take() {
            waker.wake_by_ref();
            waker.wake();
        }
        abort.abort();
        let _ = counts.abort.lock().unwrap().take();
        drop(waker);
        Outcome {
            polls: counts.polls.load(SeqCst),
            futures_dropped: counts.futures_dropped.load(SeqCst),
            outputs_made: counts.outputs_made.load(SeqCst),
            outputs_dropped: counts.outputs_dropped.load(SeqCst),
            wakes: counts.wakes.load(SeqCst),
            wakers_left: Arc::strong_count(&awaits) - 1,
            result,
        }
    }

    /// What must hold once the task has ended, though its handle may be there still.
    fn check_end(self, counts: &Counts, abort: &AbortHandle) {
        let outcome = self.outcome();
        assert!(abort.is_finished());
        assert_eq!(counts.futures_dropped.load(SeqCst), 1);
        assert_eq!(counts.wakes.load(SeqCst), outcome.wakes);
        // An output waits for its handle, and for nothing else.
        let is_lost = outcome.outputs_made > 0
            && matches!(self.panic, Panic::FutureDrop | Panic::PollAndFutureDrop);
        let is_kept = matches!(self.handle, Handle::NeverAwaited | Handle::Awaited) && !is_lost;
        let dropped = if is_kept { 0 } else { outcome.outputs_made };
        assert_eq!(counts.outputs_dropped.load(SeqCst), dropped, "outputs");
        if self.executor == Executor::Local {
            assert_eq!(*counts.dropped_on.lock().unwrap(), Some(thread::current().id()));
        }
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Life { panic, abort, handle, executor, end } = self;
        write!(f, "panic {panic:?}, abort {abort:?}, handle {handle:?}, {executor:?}, {end:?}")
    }
}

const PANICS: [Panic; 5] =
    [Panic::Nowhere, Panic::Poll, Panic::FutureDrop, Panic::PollAndFutureDrop, Panic::OutputDrop];
const ABORTS: [Abort; 6] = [
    Abort::Never,
    Abort::BeforeFirstPoll,
    Abort::BetweenPolls,
    Abort::InPollByItself,
    Abort::InPollByAnotherThread,
    Abort::AfterCompletion,
];
const HANDLES: [Handle; 4] =
    [Handle::DroppedAtOnce, Handle::DroppedLater, Handle::NeverAwaited, Handle::Awaited];

/// Lives all lives on an executor; under Miri one of 23, a number that is in step with no side of the table.
fn live_all(executor: Executor, ends: &[End]) {
    let mut lives = Vec::new();
    for panic in PANICS {
        for abort in ABORTS {
            for handle in HANDLES {
                lives.extend(ends.iter().map(|&end| Life { panic, abort, handle, executor, end }));
            }
        }
    }
    assert_eq!(lives.len(), 120 * ends.len());
    for life in lives.into_iter().step_by(if cfg!(miri) { 23 } else { 1 }) {
        let lived = catch_unwind(|| life.live());
        let outcome = lived.unwrap_or_else(|panic| panic!("{life}: {}", message(panic)));
        assert_eq!(outcome, life.outcome(), "{life}");
    }
}

#[test]
fn on_its_own_thread() {
    live_all(Executor::Local, &[End::GoesOn, End::Dropped]);
}

#[test]
fn spawned_from_another_thread() {
    live_all(Executor::LocalFromElsewhere, &[End::GoesOn, End::Dropped]);
}

#[test]
fn on_a_worker() {
    live_all(Executor::Multi, &[End::GoesOn, End::Dropped, End::ShutDown]);
}
