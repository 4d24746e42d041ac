//! "Wake through wakes": the waker that one joiner has kept is one of another joiner's.

use std::mem::{MaybeUninit, take};
use std::sync::Arc as StdArc;
use std::task::Waker;

use loom_tests::rt::{Ordering::Relaxed, thread};
use loom_tests::wake_set::Wakes;

use crate::joiner::{Said, Task, may_fail, said, speak, try_speak};

/// A future of `count` branches, of which the first one is another such future.
struct Nested {
    outer: Wakes,
    inner: Wakes,
    count: usize,
    said: Said,
    seen: [usize; 2],
    /// Of the inner one's first two branches.
    wakers: Vec<Waker>,
    answered: usize,
}

impl Nested {
    fn started(count: usize, said: &Said, task: &StdArc<Task>) -> Self {
        let (outer, inner) = (Wakes::new(), Wakes::new());
        let (seen, wakers, said) = ([0; 2], Vec::new(), said.clone());
        let mut nested = Nested { outer, inner, count, said, seen, wakers, answered: 0 };
        let waker = Waker::from(task.clone());
        nested.outer.begin(count, &waker);
        let mut place = MaybeUninit::uninit();
        let lent = nested.outer.lend(&mut place, 0, count, &waker);
        nested.inner.begin(count, &lent);
        for index in 0..2 {
            let mut place = MaybeUninit::uninit();
            nested.wakers.push(nested.inner.lend(&mut place, index, count, &lent).clone());
        }
        nested
    }

    fn poll(&mut self, task: &StdArc<Task>) {
        self.answered = task.wakes();
        let waker = Waker::from(task.clone());
        self.outer.begin(self.count, &waker);
        while let Some(index) = self.outer.next(self.count) {
            assert_eq!(index, 0);
            let mut place = MaybeUninit::uninit();
            let lent = self.outer.lend(&mut place, 0, self.count, &waker);
            self.inner.begin(self.count, &lent);
            while let Some(index) = self.inner.next(self.count) {
                self.seen[index] = self.said[index].load(Relaxed);
            }
            self.inner.end(self.count, &lent);
        }
        self.outer.end(self.count, &waker);
    }

    /// As `Joiner::settle`.
    fn settle(mut self, task: &StdArc<Task>, said: [usize; 2]) {
        while self.seen != said {
            assert!(task.wakes() > self.answered, "lost wake-up");
            self.poll(task);
        }
        let before = task.wakes();
        self.poll(task);
        assert_eq!(task.wakes(), before, "woken for nothing, for ever");
        drop(self);
        assert_eq!(StdArc::strong_count(task), 1, "the task's waker is dropped");
    }
}

pub(crate) fn nested_wake_meets_poll(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut nested = Nested::started(count, &said, &task);
    let waker = nested.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    nested.poll(&task);
    speaker.join().unwrap();
    nested.settle(&task, [1, 0]);
}

/// Another waker is kept by the outer joiner meanwhile.
pub(crate) fn nested_wake_meets_poll_with_another_waker(count: usize) {
    let (old, new, said) = (Task::new(), Task::new(), said());
    let mut nested = Nested::started(count, &said, &old);
    let waker = nested.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    nested.poll(&new);
    speaker.join().unwrap();
    nested.settle(&new, [1, 0]);
    assert_eq!(StdArc::strong_count(&old), 1, "the replaced waker is dropped");
}

pub(crate) fn nested_wake_meets_nested_wake(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut nested = Nested::started(count, &said, &task);
    let mut wakers = take(&mut nested.wakers);
    let other = wakers.pop().expect("two");
    let waker = wakers.pop().expect("two");
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    speak(&said, 1, other);
    speaker.join().unwrap();
    nested.settle(&task, [1, 1]);
}

/// Both joiners go away: each set is freed by who uses it last, and the task's waker is dropped.
pub(crate) fn nested_wake_meets_drop(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut nested = Nested::started(count, &said, &task);
    let waker = nested.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    drop(nested);
    speaker.join().unwrap();
    assert!(task.wakes() <= 1, "woken once at most");
    assert_eq!(StdArc::strong_count(&task), 1, "the task's waker is dropped");
}

/// The task's waker panics: every joiner on the way is armed again, and another branch's wake is made good for.
pub(crate) fn nested_wake_that_fails_meets_another(count: usize) {
    let (task, said) = (Task::failing(), said());
    let mut nested = Nested::started(count, &said, &task);
    let mut wakers = take(&mut nested.wakers);
    let other = wakers.pop().expect("two");
    let waker = wakers.pop().expect("two");
    let speaker = thread::spawn({
        let said = said.clone();
        move || try_speak(&said, 0, waker)
    });
    try_speak(&said, 1, other);
    speaker.join().unwrap();
    nested.settle(&task, [1, 1]);
}

/// The joiners go away meanwhile.
pub(crate) fn nested_wake_that_fails_meets_drop(count: usize) {
    let (task, said) = (Task::failing(), said());
    let mut nested = Nested::started(count, &said, &task);
    let waker = nested.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || try_speak(&said, 0, waker)
    });
    may_fail(|| drop(nested));
    speaker.join().unwrap();
    assert_eq!(StdArc::strong_count(&task), 1, "the task's waker is dropped");
}
