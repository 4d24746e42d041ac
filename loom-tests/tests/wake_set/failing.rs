//! "Failed wake": the joiner's waker panics, the first time that it is called.

use std::sync::Arc as StdArc;

use loom_tests::rt::thread;

use crate::joiner::{Joiner, Task, may_fail, said, speak, try_speak};

/// Two wakes at once: one fails, and the other one's is made good for, by it or by whom it relied on.
pub(crate) fn failed_wake_meets_wake_of_another_branch(count: usize) {
    let (task, said) = (Task::failing(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let mut index = 0;
    let speakers: Vec<_> = std::mem::take(&mut joiner.wakers)
        .into_iter()
        .map(|waker| {
            let (said, this) = (said.clone(), index);
            index += 1;
            thread::spawn(move || try_speak(&said, this, waker))
        })
        .collect();
    for speaker in speakers {
        speaker.join().unwrap();
    }
    joiner.settle(&task, [1, 1]);
}

/// A poll with another waker during the wake that fails; then another branch is woken.
pub(crate) fn failed_wake_meets_poll_with_another_waker(count: usize) {
    let (old, new, said) = (Task::failing(), Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &old);
    let wakers = std::mem::take(&mut joiner.wakers);
    let [first, second] = <[_; 2]>::try_from(wakers).expect("two");
    let speaker = thread::spawn({
        let said = said.clone();
        move || try_speak(&said, 0, first)
    });
    joiner.poll(&new);
    speaker.join().unwrap();
    speak(&said, 1, second);
    joiner.settle(&new, [1, 1]);
    assert_eq!(StdArc::strong_count(&old), 1, "the replaced waker is dropped");
}

/// The slot is queued by the wake that fails, and woken again by another thread, after a poll with another waker.
pub(crate) fn failed_wake_meets_wake_of_the_same_queued_branch(count: usize) {
    let (old, new, said) = (Task::new(), Task::failing(), said());
    let mut joiner = Joiner::started(count, &said, &old);
    let wakers = std::mem::take(&mut joiner.wakers);
    let [first, second] = <[_; 2]>::try_from(wakers).expect("two");
    let speaker = thread::spawn({
        let (said, second) = (said.clone(), second.clone());
        move || {
            try_speak(&said, 0, first);
            try_speak(&said, 1, second.clone());
            try_speak(&said, 1, second);
        }
    });
    // A poll that wakes its own task, and fails in that, is the last.
    let goes_on = may_fail(|| joiner.poll(&new));
    speaker.join().unwrap();
    if !goes_on {
        return;
    }
    // One of these does not fail.
    try_speak(&said, 1, second.clone());
    try_speak(&said, 1, second);
    joiner.settle(&new, [1, 4]);
}

/// The joiner goes away during a wake that fails, or after it: armed again.
pub(crate) fn failed_wake_meets_drop(count: usize) {
    let (task, said) = (Task::failing(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let waker = joiner.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || try_speak(&said, 0, waker)
    });
    drop(joiner);
    speaker.join().unwrap();
    assert_eq!(task.wakes(), 0, "woken by nobody");
    assert_eq!(StdArc::strong_count(&task), 1, "the task's waker is dropped");
}
