//! What the trees end in: a future that is resumed by hand.

use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use cps_core::{
    suspend::{Continuation, TrySuspend},
    try_suspend,
};

use super::world::{World, caught};

/// Wakers of earlier polls that are kept.
const STALE: usize = 3;

/// What the world knows of a leaf.
#[derive(Default)]
pub(crate) struct State(Mutex<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    /// Of the last poll.
    waker: Option<Waker>,
    /// Of earlier polls.
    stale: Vec<Waker>,
    /// The leaf waits for this to be resumed; or may end when it is polled.
    continuation: Option<Continuation<u32>>,
    pub(crate) may_end: bool,
    /// It was woken, by the waker of its last poll, and not polled since.
    pub(crate) is_owed: bool,
    /// It has ended or was dropped.
    pub(crate) is_gone: bool,
    polls: usize,
    /// How often it may wake itself.
    self_wakes: usize,
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics with the lock")
    }

    /// Calls a waker of the last poll, or a continuation: unless that panics, the leaf is to be polled.
    fn call(&self, wake: impl FnOnce()) {
        let (was_owed, polls) = {
            let mut inner = self.lock();
            (mem::replace(&mut inner.is_owed, true), inner.polls)
        };
        if caught(wake) {
            let mut inner = self.lock();
            if inner.polls == polls {
                inner.is_owed = was_owed; // Whoever woke was told that it has failed.
            }
        }
    }

    /// Wakes the leaf in some way.
    pub(crate) fn wake(&self, how: usize) {
        match how % 8 {
            0 | 1 => self.nudge(),
            2 => {
                let waker = self.lock().waker.clone();
                if let Some(waker) = waker {
                    self.call(|| waker.wake());
                }
            }
            3 => {
                let stale = mem::take(&mut self.lock().stale);
                for waker in stale {
                    caught(|| waker.wake());
                }
            }
            // Joined by its handle: then the thread is gone, with all it had.
            4 => std::thread::scope(|s| {
                s.spawn(|| self.nudge()).join().unwrap_or_else(|panic| resume_unwind(panic))
            }),
            5 => {
                self.nudge();
                self.nudge();
            }
            _ => self.end(),
        }
    }

    fn nudge(&self) {
        let waker = self.lock().waker.clone();
        if let Some(waker) = waker {
            self.call(|| waker.wake_by_ref());
            caught(|| drop(waker));
        }
    }

    /// Lets the leaf end, and wakes it.
    pub(crate) fn end(&self) {
        let continuation = {
            let mut inner = self.lock();
            inner.may_end = true;
            inner.continuation.take()
        };
        match continuation {
            Some(continuation) => self.call(|| {
                let _ = continuation.resume(1);
            }),
            None => self.nudge(),
        }
    }

    /// Forgets all wakers.
    pub(crate) fn clear(&self) {
        let kept = {
            let mut inner = self.lock();
            (inner.waker.take(), mem::take(&mut inner.stale), inner.continuation.take())
        };
        drop(kept);
    }
}

type HandOut = Box<dyn FnOnce(Continuation<u32>) + Send>;

/// Evaluates to 1, some time after it was let end.
pub(crate) struct Leaf {
    world: Arc<World>,
    state: Arc<State>,
    suspension: Option<TrySuspend<u32, HandOut>>,
}

impl Leaf {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let state = world.add_leaf();
        state.lock().self_wakes = world.below(3);
        let suspension = (world.below(4) == 1).then(|| {
            let state = state.clone();
            try_suspend::<u32, HandOut>(Box::new(move |k| state.lock().continuation = Some(k)))
        });
        Leaf { world: world.clone(), state, suspension }
    }

    /// Leaves the waker of this poll. Gives what is to be dropped.
    fn register(&self, waker: &Waker, keeps_equal: bool) -> Option<Waker> {
        let mut inner = self.state.lock();
        if keeps_equal && inner.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            return None;
        }
        drop(inner); // A clone is foreign code.
        let fresh = waker.clone();
        inner = self.state.lock();
        let old = inner.waker.replace(fresh)?;
        if inner.stale.len() == STALE {
            return Some(old);
        }
        inner.stale.push(old);
        None
    }
}

impl Future for Leaf {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        let may_end = {
            let mut inner = self.state.lock();
            inner.polls += 1;
            inner.is_owed = false;
            inner.may_end
        };
        let act = self.world.below(16);
        drop(self.register(cx.waker(), act % 2 == 0));
        let has_ended = match &mut self.suspension {
            Some(suspension) => Pin::new(suspension).poll(cx).is_ready(),
            None => may_end,
        };
        if has_ended {
            self.state.lock().is_gone = true;
            return Poll::Ready(1);
        }
        match act / 2 {
            1 | 2 => {
                let may_wake = {
                    let mut inner = self.state.lock();
                    let left = inner.self_wakes.checked_sub(1);
                    inner.self_wakes = left.unwrap_or(0);
                    left.is_some()
                };
                if may_wake {
                    self.state.call(|| cx.waker().wake_by_ref());
                }
            }
            3 => self.world.wake_some_leaf(),
            _ => {}
        }
        Poll::Pending
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.state.lock().is_gone = true;
        self.world.leaf_dropped();
    }
}
