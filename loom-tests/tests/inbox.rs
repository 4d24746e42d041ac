//! The inbox of a scope (`cps-core/src/concurrent/scope/inbox.rs`).

use loom_tests::inbox::Inbox;
use loom_tests::rt::{Arc, AtomicUsize, Ordering::Relaxed, UnsafeCell, thread};

/// A value that was written by who pushes it, without an atomic operation. Counts its drop.
struct Letter {
    text: UnsafeCell<u32>,
    drops: Arc<AtomicUsize>,
}

// SAFETY: a letter is one thread's at a time: that is what is checked.
unsafe impl Send for Letter {}

impl Letter {
    fn new(text: u32, drops: &Arc<AtomicUsize>) -> Self {
        Letter { text: UnsafeCell::new(text), drops: drops.clone() }
    }

    fn read(&self) -> u32 {
        // SAFETY: as above.
        self.text.with_mut(|text| unsafe { *text })
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Relaxed);
    }
}

type Shared = Arc<Inbox<Letter>>;

fn shared() -> (Shared, Arc<AtomicUsize>) {
    (Arc::new(Inbox::new()), Arc::new(AtomicUsize::new(0)))
}

/// "Push meets take", "push meets push": all are taken, each once, those of one thread in their order.
fn pushes_meet_take() {
    let (inbox, drops) = shared();
    let pushers = [10, 20].map(|first| {
        let (inbox, drops) = (inbox.clone(), drops.clone());
        thread::spawn(move || {
            for text in [first, first + 1] {
                assert!(inbox.push(Letter::new(text, &drops)).is_ok());
            }
        })
    });
    let mut taken: Vec<u32> = inbox.take().map(|letter| letter.read()).collect();
    taken.reverse();
    for pusher in pushers {
        pusher.join().unwrap();
    }
    let rest: Vec<u32> = inbox.take().map(|letter| letter.read()).collect();
    taken.extend(rest.into_iter().rev());
    for first in [10, 20] {
        let own: Vec<_> = taken.iter().filter(|&&text| text / 10 == first / 10).collect();
        assert_eq!(own, [&first, &(first + 1)]);
    }
    assert_eq!(drops.load(Relaxed), 4);
}

/// "Push meets close": a value that came too late is given back, and no value is lost.
fn push_meets_close() {
    let (inbox, drops) = shared();
    let pusher = thread::spawn({
        let (inbox, drops) = (inbox.clone(), drops.clone());
        move || inbox.push(Letter::new(1, &drops)).err().map(|letter| letter.read())
    });
    let taken: Vec<u32> = inbox.close().map(|letter| letter.read()).collect();
    let refused = pusher.join().unwrap();
    assert_eq!(taken.len() + refused.iter().len(), 1);
    assert!(taken.into_iter().chain(refused).eq([1]));
    assert_eq!(drops.load(Relaxed), 1);
    assert!(inbox.push(Letter::new(2, &drops)).is_err());
}

/// "Close if empty": it closes, or the value is there.
fn push_meets_close_if_empty() {
    let (inbox, drops) = shared();
    let pusher = thread::spawn({
        let (inbox, drops) = (inbox.clone(), drops.clone());
        move || inbox.push(Letter::new(1, &drops)).is_ok()
    });
    let closed = inbox.close_if_empty();
    let pushed = pusher.join().unwrap();
    assert_eq!(pushed, !closed);
    let taken: Vec<u32> = inbox.take().map(|letter| letter.read()).collect();
    assert_eq!(taken.len(), usize::from(pushed));
}

/// What is left is dropped with the last reference.
fn push_meets_drop() {
    let (inbox, drops) = shared();
    let pusher = thread::spawn({
        let (inbox, drops) = (inbox.clone(), drops.clone());
        move || assert!(inbox.push(Letter::new(1, &drops)).is_ok())
    });
    drop(inbox);
    pusher.join().unwrap();
    assert_eq!(drops.load(Relaxed), 1);
}

loom_tests::models! {
    pushes_meet_take
    push_meets_close
    push_meets_close_if_empty
    push_meets_drop
}

#[cfg(loom)]
mod weakened {
    use super::*;
    use loom_tests::every_ordering_is_needed;

    every_ordering_is_needed! {
        in "../../cps-core/src/concurrent/scope/inbox.rs",
        weakened by loom_tests::sync::order::weakened,
        seen as "Causality violation",
        "node/push" => pushes_meet_take,
        "node/take" => pushes_meet_take,
    }
}
