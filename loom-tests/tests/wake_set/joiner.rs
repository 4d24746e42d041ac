//! A joiner for the models: a task that counts, and branches that wait to be spoken to.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicBool as StdAtomicBool;
use std::task::{Wake, Waker};

use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed};
use loom_tests::wake_set::Wakes;

/// A task: counts its wakes, relaxed, so that it orders nothing.
pub(crate) struct Task {
    wakes: AtomicUsize,
    /// The next wake panics. (Not one of loom's: it orders nothing, and what it decides is no race.)
    fails: StdAtomicBool,
}

impl Task {
    pub(crate) fn new() -> StdArc<Self> {
        StdArc::new(Self { wakes: AtomicUsize::new(0), fails: StdAtomicBool::new(false) })
    }

    /// One whose first wake panics.
    pub(crate) fn failing() -> StdArc<Self> {
        StdArc::new(Self { wakes: AtomicUsize::new(0), fails: StdAtomicBool::new(true) })
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(Relaxed)
    }
}

/// What a wake that fails panics with.
struct Failure;

impl Wake for Task {
    fn wake(self: StdArc<Self>) {
        if self.fails.swap(false, Relaxed) {
            resume_unwind(Box::new(Failure));
        }
        self.wakes.fetch_add(1, Relaxed);
    }
}

/// What branches wait for: a number that must reach the number of those who speak.
pub(crate) type Said = Arc<[AtomicUsize; 2]>;

pub(crate) fn said() -> Said {
    Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)])
}

/// A future of `count` branches, of which the first two are of interest.
pub(crate) struct Joiner {
    pub(crate) wakes: Wakes,
    pub(crate) count: usize,
    pub(crate) said: Said,
    /// What each branch has seen.
    pub(crate) seen: [usize; 2],
    /// Wakers that the branches of the first poll cloned.
    pub(crate) wakers: Vec<Waker>,
    /// How many wakes of the task its polls have answered.
    pub(crate) answered: usize,
}

impl Joiner {
    pub(crate) fn new(count: usize, said: &Said) -> Self {
        Joiner {
            wakes: Wakes::new(),
            count,
            said: said.clone(),
            seen: [0; 2],
            wakers: Vec::new(),
            answered: 0,
        }
    }

    /// The first poll, without its end: there is none to a set that is born armed.
    pub(crate) fn start(&mut self, task: &StdArc<Task>) {
        let waker = Waker::from(task.clone());
        self.wakes.begin(self.count, &waker);
        for index in 0..2 {
            let mut place = MaybeUninit::uninit();
            let lent = self.wakes.lend(&mut place, index, self.count, &waker);
            self.wakers.push(lent.clone());
        }
    }

    pub(crate) fn poll(&mut self, task: &StdArc<Task>) {
        self.answered = task.wakes();
        let waker = Waker::from(task.clone());
        self.wakes.begin(self.count, &waker);
        while let Some(index) = self.wakes.next(self.count) {
            self.seen[index] = self.said[index].load(Relaxed);
        }
        self.wakes.end(self.count, &waker);
    }

    pub(crate) fn started(count: usize, said: &Said, task: &StdArc<Task>) -> Self {
        let mut joiner = Joiner::new(count, said);
        joiner.start(task);
        joiner
    }

    /// When all have spoken and woken: polls as an executor does, and checks that all was heard.
    pub(crate) fn settle(mut self, task: &StdArc<Task>, said: [usize; 2]) {
        while self.seen != said {
            assert!(task.wakes() > self.answered, "lost wake-up");
            self.poll(task);
        }
        // At most one poll more, and that by a wake that came late.
        let before = task.wakes();
        self.poll(task);
        assert_eq!(task.wakes(), before, "woken for nothing, for ever");
        drop(self);
        assert_eq!(StdArc::strong_count(task), 1, "the task's waker is dropped");
    }
}

/// Says something to branch `index` and wakes it.
pub(crate) fn speak(said: &Said, index: usize, waker: Waker) {
    said[index].fetch_add(1, Relaxed);
    waker.wake();
}

/// Whether it did not fail. Other panics are the model's.
pub(crate) fn may_fail(run: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(()) => true,
        Err(panic) if panic.is::<Failure>() => false,
        Err(panic) => resume_unwind(panic),
    }
}

/// As [`speak`], with a waker that may fail.
pub(crate) fn try_speak(said: &Said, index: usize, waker: Waker) {
    may_fail(|| speak(said, index, waker));
}
