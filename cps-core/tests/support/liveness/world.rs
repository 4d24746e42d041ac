//! The executor of a tree: one task, whose wakers do harm.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};

use super::bytes::Bytes;
use super::leaf::State;

pub(crate) type Tree = cps_core::BoxCoroutine<'static, u32>;

/// More polls than that, without anything from outside, are a tree that wakes itself for ever.
const MOST_POLLS: usize = 10_000;

/// How many wakers may be in the middle of something else that wakes.
const MOST_NESTED: usize = 8;

/// What a waker panics with. (Not by `panic!`: nobody wants to see it, and a fuzzer takes that for a finding.)
struct Thrown;

/// Whether the waker that `run` calls has panicked. Other panics go on.
pub(crate) fn caught(run: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(()) => false,
        Err(panic) if panic.is::<Thrown>() => true,
        Err(panic) => resume_unwind(panic),
    }
}

/// What has happened, so that a test can see whether it tests what it means to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) throws: usize,
    pub(crate) polls_in_wakes: usize,
    pub(crate) drops_in_wakes: usize,
    pub(crate) wakes_in_wakes: usize,
    pub(crate) checks: usize,
}

pub(crate) struct World {
    this: Weak<World>,
    script: Mutex<Bytes>,
    /// How much harm wakers do: none, only while the tree is not polled, or always.
    harm: AtomicUsize,
    leaves: Mutex<Vec<Arc<State>>>,
    /// Not while it is polled, and not after it has ended.
    tree: Mutex<Option<Tree>>,
    /// The task's waker of the last poll, and its number: a call of another one is not heard.
    waker: Mutex<Option<Waker>>,
    current: AtomicUsize,
    is_woken: AtomicBool,
    has_ended: AtomicBool,
    nested: AtomicUsize,
    leaf_drops: AtomicUsize,
    live_wakers: AtomicUsize,
    seen: Mutex<Seen>,
}

struct TaskWaker {
    world: Weak<World>,
    number: usize,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(world) = self.world.upgrade() {
            world.woken(self.number);
        }
    }
}

impl Drop for TaskWaker {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            world.live_wakers.fetch_sub(1, SeqCst);
        }
    }
}

impl World {
    pub(crate) fn new(mut script: Bytes) -> Arc<Self> {
        let harm = script.below(3);
        Arc::new_cyclic(|this| World {
            this: this.clone(),
            script: Mutex::new(script),
            harm: AtomicUsize::new(harm),
            leaves: Mutex::default(),
            tree: Mutex::new(None),
            waker: Mutex::new(None),
            current: AtomicUsize::new(0),
            is_woken: AtomicBool::new(true),
            has_ended: AtomicBool::new(false),
            nested: AtomicUsize::new(0),
            leaf_drops: AtomicUsize::new(0),
            live_wakers: AtomicUsize::new(0),
            seen: Mutex::default(),
        })
    }

    pub(crate) fn plant(&self, tree: Tree) {
        *self.tree.lock().unwrap() = Some(tree);
    }

    pub(crate) fn below(&self, end: usize) -> usize {
        self.script.lock().unwrap().below(end)
    }

    pub(crate) fn script_is_over(&self) -> bool {
        self.script.lock().unwrap().is_over()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(SeqCst)
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.seen.lock().unwrap()
    }

    fn note(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen.lock().unwrap());
    }

    pub(crate) fn add_leaf(&self) -> Arc<State> {
        let state = Arc::new(State::default());
        self.leaves.lock().unwrap().push(state.clone());
        state
    }

    pub(crate) fn leaf_dropped(&self) {
        self.leaf_drops.fetch_add(1, SeqCst);
    }

    pub(crate) fn leaves(&self) -> Vec<Arc<State>> {
        self.leaves.lock().unwrap().clone()
    }

    /// From now on wakers only wake.
    pub(crate) fn calm_down(&self) {
        self.harm.store(0, SeqCst);
        *self.script.lock().unwrap() = Bytes::new(&[]);
    }

    /// Wakes a leaf, live or not, in some way.
    pub(crate) fn wake_some_leaf(&self) {
        if self.nested.fetch_add(1, SeqCst) < MOST_NESTED {
            let leaf = {
                let leaves = self.leaves.lock().unwrap();
                leaves[self.below(leaves.len().min(256))].clone()
            };
            leaf.wake(self.below(8));
        }
        self.nested.fetch_sub(1, SeqCst);
    }

    /// A waker of the task is called.
    fn woken(&self, number: usize) {
        let is_polled = self.tree.lock().unwrap().is_none();
        let is_heard = number == self.current.load(SeqCst);
        let harm = self.harm.load(SeqCst);
        let is_calm = harm == 0 || self.has_ended() || (harm == 1 && is_polled);
        match if is_calm { 0 } else { self.below(16) } {
            1 => self.throw(is_heard),
            2 => {
                self.wake_within();
                self.throw(is_heard);
            }
            3 => {
                self.hear(is_heard);
                self.wake_within();
            }
            act @ 4..=5 => {
                self.note(|seen| seen.polls_in_wakes += usize::from(!is_polled));
                if is_polled {
                    self.hear(is_heard);
                } else {
                    self.poll();
                }
                if act == 5 {
                    self.throw(is_heard);
                }
            }
            6 if self.below(4) == 1 => {
                self.note(|seen| seen.drops_in_wakes += usize::from(!is_polled));
                self.cut();
                if is_polled {
                    self.hear(is_heard);
                }
            }
            _ => self.hear(is_heard),
        }
    }

    fn hear(&self, is_heard: bool) {
        if is_heard {
            self.is_woken.store(true, SeqCst);
        }
    }

    fn wake_within(&self) {
        self.note(|seen| seen.wakes_in_wakes += 1);
        self.wake_some_leaf();
    }

    /// Panics instead of being heard; unless the thread panics, for it must not twice.
    fn throw(&self, is_heard: bool) {
        if std::thread::panicking() {
            return self.hear(is_heard);
        }
        self.note(|seen| seen.throws += 1);
        resume_unwind(Box::new(Thrown));
    }

    /// Polls the tree, if it is there, with a waker that may be a new one.
    pub(crate) fn poll(&self) {
        let Some(mut tree) = self.tree.lock().unwrap().take() else { return };
        let waker = {
            let mut waker = self.waker.lock().unwrap();
            if waker.is_none() || self.below(3) == 1 {
                let number = self.current.fetch_add(1, SeqCst) + 1;
                self.live_wakers.fetch_add(1, SeqCst);
                *waker =
                    Some(Waker::from(Arc::new(TaskWaker { world: self.this.clone(), number })));
            }
            waker.clone().expect("just made")
        };
        self.is_woken.store(false, SeqCst);
        let mut poll = Poll::Pending;
        let run = || poll = Pin::new(&mut tree).poll(&mut Context::from_waker(&waker));
        if caught(run) || poll.is_ready() {
            self.fell(tree);
        } else {
            *self.tree.lock().unwrap() = Some(tree);
        }
    }

    /// Drops the tree, if it is there.
    pub(crate) fn cut(&self) {
        let tree = self.tree.lock().unwrap().take();
        if let Some(tree) = tree {
            self.fell(tree);
        }
    }

    fn fell(&self, tree: Tree) {
        self.has_ended.store(true, SeqCst);
        drop(tree);
    }

    /// Polls as long as the task is woken; then each leaf must have been polled that was woken and is live.
    ///
    /// # Panics
    /// If a wake-up was lost.
    pub(crate) fn settle(&self) {
        let mut polls = 0;
        while self.is_woken.swap(false, SeqCst) && !self.has_ended() {
            self.poll();
            polls += 1;
            assert!(polls < MOST_POLLS, "a tree wakes itself for ever");
        }
        if self.has_ended() {
            return;
        }
        self.note(|seen| seen.checks += 1);
        for (number, leaf) in self.leaves().iter().enumerate() {
            let inner = leaf.lock();
            assert!(inner.is_gone || !inner.is_owed, "lost wake-up, of leaf {number}");
        }
    }

    /// Forgets all wakers, and checks that nothing is left.
    ///
    /// # Panics
    /// If something is, or was dropped twice.
    pub(crate) fn clear(&self) {
        self.cut();
        let leaves = std::mem::take(&mut *self.leaves.lock().unwrap());
        leaves.iter().for_each(|leaf| leaf.clear());
        drop(self.waker.lock().unwrap().take());
        assert_eq!(self.leaf_drops.load(SeqCst), leaves.len(), "each leaf is dropped once");
        assert_eq!(self.live_wakers.load(SeqCst), 0, "no waker is left");
    }
}
