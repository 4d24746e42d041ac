//! The wake set of `join` and its like (`cps-core/src/wake_set/mod.rs`).

#[path = "wake_set/failing.rs"]
mod failing;
#[path = "wake_set/joiner.rs"]
mod joiner;
#[path = "wake_set/nested.rs"]
mod nested;

use std::mem::MaybeUninit;
use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use failing::{
    failed_wake_meets_drop, failed_wake_meets_poll_with_another_waker,
    failed_wake_meets_wake_of_another_branch, failed_wake_meets_wake_of_the_same_queued_branch,
};
use joiner::{Joiner, Task, said, speak};
use loom_tests::rt::{Ordering::Relaxed, model, thread};
use loom_tests::wake_set::SMALL;
use nested::{
    nested_wake_meets_drop, nested_wake_meets_nested_wake, nested_wake_meets_poll,
    nested_wake_meets_poll_with_another_waker, nested_wake_that_fails_meets_another,
    nested_wake_that_fails_meets_drop,
};

/// In both encodings.
fn both(scenario: fn(usize)) {
    scenario(2);
    scenario(SMALL + 1);
}

/// "Note meets begin": the branch is woken while the first poll ends, and while another one begins.
fn wake_meets_poll(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let waker = joiner.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    joiner.poll(&task);
    speaker.join().unwrap();
    joiner.settle(&task, [1, 0]);
}

/// "Note meets end", "swapped waker": a spurious poll, with another waker, during a wake.
fn wake_meets_poll_with_another_waker(count: usize) {
    let (old, new, said) = (Task::new(), Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &old);
    let waker = joiner.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    if old.wakes() > 0 {
        joiner.poll(&old);
    }
    joiner.poll(&new);
    speaker.join().unwrap();
    joiner.settle(&new, [1, 0]);
    assert_eq!(StdArc::strong_count(&old), 1, "the replaced waker is dropped");
}

/// What a wake of [`Inline`] does.
type Nested = Box<dyn FnOnce() + Send>;

/// A task whose waker does something else, once: polls, as some executors' do.
struct Inline(std::sync::Mutex<Option<Nested>>);

impl Wake for Inline {
    fn wake(self: StdArc<Self>) {
        let nested = self.0.lock().unwrap().take();
        if let Some(nested) = nested {
            nested();
        }
    }
}

/// "Poll in a wake": the kept waker is in use, so the joiner's task is woken by the spare one; `then` goes on
/// while another thread does that.
fn with_spare_waker(count: usize, then: fn(Joiner, StdArc<Task>)) {
    let (task, said) = (Task::new(), said());
    let inline = StdArc::new(Inline(std::sync::Mutex::new(None)));
    let mut joiner = Joiner::new(count, &said);
    let kept = Waker::from(inline.clone());
    joiner.wakes.begin(count, &kept);
    let [first, second] =
        [0, 1].map(|n| joiner.wakes.lend(&mut MaybeUninit::uninit(), n, count, &kept).clone());
    drop(kept);
    let nested = {
        let (task, said) = (task.clone(), said.clone());
        move || {
            joiner.poll(&task);
            let speaker = thread::spawn(move || speak(&said, 1, second));
            then(joiner, task);
            speaker.join().unwrap();
        }
    };
    *inline.0.lock().unwrap() = Some(Box::new(nested));
    speak(&said, 0, first);
    assert_eq!(StdArc::strong_count(&inline), 1, "the kept waker is dropped");
    assert_eq!(StdArc::strong_count(&task), 1, "the spare waker is dropped");
}

/// "Swapped waker", of the spare one.
fn wake_by_the_spare_waker_meets_poll_with_another(count: usize) {
    with_spare_waker(count, |mut joiner, task| {
        let new = Task::new();
        joiner.poll(&new);
        let spoken = [1, 1];
        while joiner.seen != spoken {
            if new.wakes() > joiner.answered {
                joiner.poll(&new);
            }
            // The speaker is not done yet, or calls the spare waker: then each poll asks for the next one.
            thread::yield_now();
        }
        drop((joiner, task));
        assert_eq!(StdArc::strong_count(&new), 1, "the task's waker is dropped");
    });
}

/// "Late wake", by the spare waker.
fn wake_by_the_spare_waker_meets_drop(count: usize) {
    with_spare_waker(count, |joiner, task| drop((joiner, task)));
}

/// "Coalesced wake", "note again": two wakes of one branch, and polls between them.
fn wake_meets_wake_of_the_same_branch(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let waker = joiner.wakers.remove(0);
    let speakers = [waker.clone(), waker].map(|waker| {
        let said = said.clone();
        thread::spawn(move || speak(&said, 0, waker))
    });
    if task.wakes() > 0 {
        joiner.poll(&task);
    }
    for speaker in speakers {
        speaker.join().unwrap();
    }
    joiner.settle(&task, [2, 0]);
}

/// The same, when another branch was woken before: so the slot is queued.
fn wake_meets_wake_of_the_same_queued_branch(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    joiner.wakers.pop().unwrap().wake();
    let waker = joiner.wakers.pop().unwrap();
    let speakers = [waker.clone(), waker].map(|waker| {
        let said = said.clone();
        thread::spawn(move || speak(&said, 0, waker))
    });
    joiner.poll(&task);
    for speaker in speakers {
        speaker.join().unwrap();
    }
    joiner.settle(&task, [2, 0]);
}

/// "Sole note": the one that was woken alone is not come to, by a poll that ends early, and woken again.
fn wake_meets_poll_that_ends_early(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let wakers = std::mem::take(&mut joiner.wakers);
    wakers[0].wake_by_ref();
    let mut index = 0;
    let speakers: Vec<_> = wakers
        .into_iter()
        .map(|waker| {
            let (said, this) = (said.clone(), index);
            index += 1;
            thread::spawn(move || speak(&said, this, waker))
        })
        .collect();
    let waker = Waker::from(task.clone());
    joiner.wakes.begin(count, &waker);
    joiner.wakes.end(count, &waker);
    drop(waker);
    for speaker in speakers {
        speaker.join().unwrap();
    }
    joiner.settle(&task, [1, 1]);
}

/// "Second note": only the first of two wakes has the task's waker.
fn wake_meets_wake_of_another_branch(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let wakers = std::mem::take(&mut joiner.wakers);
    let mut index = 0;
    let speakers: Vec<_> = wakers
        .into_iter()
        .map(|waker| {
            let (said, this) = (said.clone(), index);
            index += 1;
            thread::spawn(move || speak(&said, this, waker))
        })
        .collect();
    if task.wakes() > 0 {
        joiner.poll(&task);
    }
    for speaker in speakers {
        speaker.join().unwrap();
    }
    joiner.settle(&task, [1, 1]);
}

/// "Late wake": the joiner goes away, armed, during a wake and after it.
fn wake_meets_drop(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let waker = joiner.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || {
            let kept = waker.clone();
            speak(&said, 0, waker);
            kept.wake_by_ref();
        }
    });
    drop(joiner);
    speaker.join().unwrap();
    assert!(task.wakes() <= 1, "woken once at most");
    assert_eq!(StdArc::strong_count(&task), 1, "the task's waker is dropped");
}

/// A wake while the branch is resumed: heard by the next poll.
fn wake_meets_resume(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let waker = joiner.wakers.remove(0);
    waker.wake_by_ref();
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    joiner.poll(&task);
    speaker.join().unwrap();
    joiner.settle(&task, [1, 0]);
}

/// A joiner that looks at what is woken during its poll, as that of a `scope` does, and so sleeps only in the end.
fn wake_meets_a_poll_that_looks_twice(count: usize) {
    let (task, said) = (Task::new(), said());
    let mut joiner = Joiner::started(count, &said, &task);
    let waker = joiner.wakers.remove(0);
    let speaker = thread::spawn({
        let said = said.clone();
        move || speak(&said, 0, waker)
    });
    joiner.wakes.begin_disarmed(count);
    joiner.wakes.begin_disarmed(count);
    while let Some(index) = joiner.wakes.next(count) {
        joiner.seen[index] = said[index].load(Relaxed);
    }
    joiner.answered = task.wakes();
    joiner.wakes.end(count, &Waker::from(task.clone()));
    speaker.join().unwrap();
    joiner.settle(&task, [1, 0]);
}

/// "Two first clones": the waker that is lent before there is a set, on two threads.
fn first_wake_meets_first_wake(count: usize) {
    let (task, said) = (Task::new(), said());
    let joiner = Joiner::new(count, &said);
    let (waker, mut place) = (Waker::from(task.clone()), MaybeUninit::uninit());
    let lent = joiner.wakes.lend(&mut place, 0, count, &waker);
    // As a scoped thread would have it.
    let address = std::ptr::from_ref::<Waker>(&lent).expose_provenance();
    let speakers = [0, 1].map(|_| {
        let said = said.clone();
        thread::spawn(move || {
            said[0].fetch_add(1, Relaxed);
            // SAFETY: the waker outlives the threads, which are joined below.
            unsafe { (*std::ptr::with_exposed_provenance::<Waker>(address)).wake_by_ref() };
        })
    });
    for speaker in speakers {
        speaker.join().unwrap();
    }
    drop(waker);
    joiner.settle(&task, [2, 0]);
}

macro_rules! models {
    ($($scenario:ident)*) => {
        mod holds {
            $(#[test] fn $scenario() {
                super::model(|| super::both(super::$scenario));
            })*
        }
    };
}

models! {
    wake_meets_poll
    wake_meets_poll_with_another_waker
    wake_by_the_spare_waker_meets_poll_with_another
    wake_by_the_spare_waker_meets_drop
    wake_meets_a_poll_that_looks_twice
    wake_meets_wake_of_the_same_branch
    wake_meets_wake_of_the_same_queued_branch
    wake_meets_wake_of_another_branch
    wake_meets_poll_that_ends_early
    wake_meets_drop
    wake_meets_resume
    first_wake_meets_first_wake
    failed_wake_meets_wake_of_another_branch
    failed_wake_meets_poll_with_another_waker
    failed_wake_meets_wake_of_the_same_queued_branch
    failed_wake_meets_drop
    nested_wake_meets_poll
    nested_wake_meets_poll_with_another_waker
    nested_wake_meets_nested_wake
    nested_wake_meets_drop
    nested_wake_that_fails_meets_another
    nested_wake_that_fails_meets_drop
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::rt::{Arc, AtomicUsize};
    use loom_tests::{every_ordering_is_needed, rejected};

    const LARGE: usize = SMALL + 1;

    every_ordering_is_needed! {
        in "../../cps-core/src/wake_set/climb.rs", "../../cps-core/src/wake_set/joiner.rs", "../../cps-core/src/wake_set/set.rs", "../../cps-core/src/wake_set/wakers.rs",
        weakened by loom_tests::sync::order::weakened,
        seen as "Causality violation" or "lost wake-up",
        "again/next" => || wake_meets_wake_of_the_same_branch(2),
        "failed/drop" => || failed_wake_meets_drop(2),
        "heard/next" => || wake_meets_wake_of_the_same_queued_branch(LARGE),
        "heard/note" => || wake_meets_wake_of_the_same_queued_branch(LARGE),
        "last/release" => || wake_meets_drop(2),
        "next/next" => || wake_meets_wake_of_the_same_queued_branch(LARGE),
        "next/note" => || wake_meets_wake_of_the_same_queued_branch(LARGE),
        "set/first" => || first_wake_meets_first_wake(LARGE),
        "set/load" => || first_wake_meets_first_wake(LARGE),
        "set/lost" => || first_wake_meets_first_wake(LARGE),
        "used/arm" => || wake_meets_poll_with_another_waker(2),
        "used/begin" => || wake_meets_poll_with_another_waker(2),
        "used/drop" => || wake_meets_drop(2),
        "used/failed" => || failed_wake_meets_drop(2),
        "used/note" => || wake_meets_drop(2),
        "used/release" => || wake_meets_drop(2),
        "waker/again" => || failed_wake_meets_wake_of_the_same_queued_branch(LARGE),
        "waker/arm" => || wake_meets_poll_with_another_waker(2),
        "waker/note" => || wake_meets_poll_with_another_waker(2),
        "waker/sole" => || wake_meets_poll_with_another_waker(LARGE),
        "woken/begin" => || wake_meets_wake_of_the_same_branch(2),
        "woken/disarm" => || wake_meets_a_poll_that_looks_twice(2),
        "woken/note" => || wake_meets_wake_of_the_same_branch(2),
        "woken/sole" => || wake_meets_wake_of_the_same_branch(LARGE),
    }

    /// The protocol's end of a poll as a check and a store: a wake between them is never heard.
    #[test]
    fn an_arm_that_is_no_read_modify_write_loses_the_wake_up() {
        use loom_tests::rt::Ordering::SeqCst;
        const ARMED: usize = 1;
        const WOKEN: usize = 4;
        let message = rejected("arm by store", || {
            model(|| {
                let word = Arc::new(AtomicUsize::new(0));
                let speaker = thread::spawn({
                    let word = word.clone();
                    move || word.fetch_or(WOKEN, SeqCst) & ARMED != 0 // Whether it wakes.
                });
                let sleeps = word.load(SeqCst) == 0;
                if sleeps {
                    word.store(ARMED, SeqCst);
                }
                assert!(speaker.join().unwrap() || !sleeps, "lost wake-up");
            });
        });
        assert!(message.contains("lost wake-up"), "{message}");
    }

    /// A use of the kept waker that is not marked: the joiner replaces the waker while a wake calls it.
    #[test]
    fn a_waker_that_is_called_without_a_mark_is_called_while_it_is_replaced() {
        use loom_tests::rt::{Ordering::AcqRel, UnsafeCell};
        const ARMED: usize = 1;
        let message = rejected("call without a mark", || {
            model(|| {
                let shared = Arc::new((AtomicUsize::new(ARMED), UnsafeCell::new(0)));
                let speaker = thread::spawn({
                    let shared = shared.clone();
                    move || {
                        if shared.0.swap(4, AcqRel) & ARMED != 0 {
                            shared.1.with(|_waker| ());
                        }
                    }
                });
                shared.0.swap(0, AcqRel); // begin
                // SAFETY: none: this is the flaw.
                shared.1.with_mut(|slot| unsafe { *slot = 2 }); // end
                speaker.join().unwrap();
            });
        });
        assert!(message.contains("Causality violation"), "{message}");
    }
}
