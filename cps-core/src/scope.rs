//! [`scope`]: children that are started as one goes, may borrow, and run whatever their parent awaits.
//!
//! # Implementation notes
//!
//! ```text
//!   Scoped (the future)                              Shared, Orders
//!  ┌────────────────────────────────────┐          ┌──────────────────┐
//!  │ top: Wakes    0: something spawned │◀─ waker ─┤ spawned ─▶ … ─▶ ∅ │◀── Scope (any number)
//!  │               1: the body          │          │ aborted ─▶ … ─▶ ∅ │◀── Child (each)
//!  │               2: chunk 0           │          └──────────────────┘
//!  │               3: chunk 1  …        │    spawn ─▶ spawned ─▶ start_spawned ─▶ running ─▶ finished
//!  │ body: in place                     │               │                            │
//!  │ chunks: Wakes + 16, 32, 64 … boxes │               └──────── cancel, abort ─────┴──▶ dropped
//!  └────────────────────────────────────┘
//! ```
//!
//! **The children belong to the future**, which runs them and drops them, as it does with its own body; handles
//! own nothing but a place for a value. So a child is never run after the future is gone, whoever
//! forgets whatever: a leaked future runs nobody, and what its children borrow may be used again.
//!
//! A wake set has a fixed number of slots. The children's are in chunks, each with a set of its own and twice as large
//! as the one before; a chunk is a branch of the set at the top, and its joiner's waker is that branch's. A
//! wake-up so passes two sets, however many children there are.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::branch::Branch;
use crate::branching::{BranchingPoint, KindOf, branching_point, report};
use crate::driver::Look;
use crate::wake_set::Wakes;

mod children;
mod inbox;
mod spawner;

use children::{Chunk, DropInOrder, Shared, Started, Task};
pub use spawner::{Child, Spawner};

/// The branches of the set at the top.
const TOP: usize = 30;
/// The first three of these are what was spawned, the body, and the chunks from there.
const SPAWNED: usize = 0;
const BODY: usize = 1;
const CHUNKS: usize = 2;

/// How many children the first chunk has room for.
const FIRST_CHUNK: usize = 16;

/// Runs `body`, and the children that it starts by [`spawn`](Scope::spawn), side by side, in this task;
/// evaluates to what `body` does, when all children have finished too.
///
/// `body` is given the [`Scope`] and returns a coroutine or any other thing that can be awaited. Children
/// may borrow whatever outlives the scope, and start further ones.
///
/// ```
/// use cps_core::{coroutine_block, scope};
///
/// #[cps_core::coroutine]
/// async fn count(words: &str) -> usize {
///     words.split(' ').count()
/// }
///
/// #[cps_core::coroutine]
/// async fn both(one: String, other: String) -> usize {
///     let (one, other) = (&one, &other);
///     scope(|s| {
///         coroutine_block! {
///             let first = s.spawn(count(one));
///             let second = s.spawn(count(other));
///             second.await + first.await // in any order
///         }
///     })
///     .await
/// }
/// # futures::executor::block_on(async {
/// assert_eq!(both("a b".to_owned(), "c d e".to_owned()).await, 5);
/// # });
/// ```
///
/// Each child, and the body, is a chain of its own, with wakers of its own, as the branches of a
/// [`join`](crate::join()) are. **A child runs when it is woken, whatever the body awaits**: while it waits for a
/// lock that another one holds, that one goes on.
///
/// - A child starts in the poll in which it was spawned, after the body has suspended; one spawned by a
///   child, with the next poll at the latest. From then on a poll of the scope resumes those that
///   were woken before it began, each once.
/// - Dropping the handle of a child lets it run on. The scope waits for it. [`Child::abort`] drops the child.
/// - A scope allocates: a box for each child, its future and its result, and a few blocks that grow
///   with the largest number of children at one time.
///
/// The scope cannot be left by a reference to something that ends before it:
///
/// ```compile_fail
/// # #[cps_core::coroutine]
/// # async fn count(words: &str) -> usize { words.len() }
/// # let run = async {
/// cps_core::scope(|s| async move {
///     let local = String::new();
///     s.spawn(count(&local)); // `local` ends with the body, the child need not.
/// })
/// .await;
/// # };
/// ```
///
/// # Panics
///
/// With the panic of the body or of a child, after all others have been dropped: the siblings first,
/// as in a cancellation. When polled again after it was ready or panicked.
///
/// # Cancellation
///
/// Dropping the future drops the children, the one that was spawned last first, and then the body, each
/// innermost frame first.
pub fn scope<'env, F, B>(body: F) -> Scoped<SendChildren<'env>, F, B::IntoFuture>
where
    F: FnOnce(Scope<'env>) -> B,
    B: IntoFuture,
{
    Scoped::new(body)
}

/// As [`scope`], for children and results that are not `Send`.
///
/// ```
/// # futures::executor::block_on(async {
/// use cps_core::local_scope;
/// use std::cell::Cell;
///
/// let sum = Cell::new(0);
/// let add = async |n| sum.set(sum.get() + n);
/// local_scope(|s| async move {
///     for n in 1..=3 {
///         s.spawn(add(n));
///     }
/// })
/// .await;
/// assert_eq!(sum.get(), 6);
/// # });
/// ```
pub fn local_scope<'env, F, B>(body: F) -> Scoped<LocalChildren<'env>, F, B::IntoFuture>
where
    F: FnOnce(LocalScope<'env>) -> B,
    B: IntoFuture,
{
    Scoped::new(body)
}

/// Where children are started. Made by [`scope`].
///
/// It may be cloned, handed to children and sent to other threads. `'env` is what children may borrow from.
pub type Scope<'env> = Spawner<SendChildren<'env>>;

/// As [`Scope`], for children that are not `Send`. Made by [`local_scope`].
pub type LocalScope<'env> = Spawner<LocalChildren<'env>>;

/// What is known of the children of a scope: [`SendChildren`] or [`LocalChildren`].
pub trait Kind: sealed::Sealed {
    #[doc(hidden)]
    type Child: children::Task + ?Sized;
}

/// Children are `Send`, and borrow from `'env`.
#[derive(Debug)]
pub struct SendChildren<'env>(PhantomData<&'env mut &'env ()>);

/// Children stay on their thread, and borrow from `'env`.
#[derive(Debug)]
pub struct LocalChildren<'env>(PhantomData<&'env mut &'env ()>);

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::SendChildren<'_> {}
    impl Sealed for super::LocalChildren<'_> {}
}

impl<'env> Kind for SendChildren<'env> {
    type Child = dyn children::Task + Send + 'env;
}

impl<'env> Kind for LocalChildren<'env> {
    type Child = dyn children::Task + 'env;
}

/// The future of [`scope`] and [`local_scope`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Scoped<K: Kind, F, B: Future> {
    stage: Stage<K, F, B>,
    /// What the body's future has reported.
    body_kind: KindOf,
    top: Wakes,
    /// From the first poll to the end.
    shared: Option<Arc<Shared<K>>>,
    chunks: Vec<Chunk<K>>,
    /// Children in the chunks.
    running: usize,
}

/// Calls a scope's closure.
type MakeBody<K, F, B> = fn(F, Spawner<K>) -> B;

enum Stage<K: Kind, F, B: Future> {
    /// The closure, and the function that calls it. (What the future does is so known without a bound on the closure:
    /// when rustc asks whether a body that awaits a scope is `Send`, it forgets that the lifetimes in such a bound are the
    /// same.)
    Unstarted(F, MakeBody<K, F, B>),
    /// In a cell, so that a reference to the scope is no access to it.
    Started(UnsafeCell<Branch<B>>),
    Ended,
}

impl<K: Kind, F, B: Future> fmt::Debug for Scoped<K, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("running", &self.running).finish()
    }
}

impl<K: Kind, F, B: Future> Scoped<K, F, B> {
    fn new<I>(body: F) -> Self
    where
        F: FnOnce(Spawner<K>) -> I,
        I: IntoFuture<IntoFuture = B, Output = B::Output>,
    {
        Scoped {
            stage: Stage::Unstarted(body, |body, spawner| body(spawner).into_future()),
            body_kind: None,
            top: Wakes::new(),
            shared: None,
            chunks: Vec::new(),
            running: 0,
        }
    }

    fn run_body(&mut self, waker: &Waker) {
        let Stage::Started(body) = &mut self.stage else { return };
        let mut first = MaybeUninit::uninit();
        let lent = self.top.lend(&mut first, BODY, TOP, waker);
        // SAFETY: the scope is pinned when it is polled, and so is its body; it is dropped in place.
        let body = unsafe { Pin::new_unchecked(body.get_mut()) };
        let _ = body.resume(&mut Context::from_waker(&lent));
    }

    fn run_chunk(&mut self, index: usize, waker: &Waker) {
        let Some(chunk) = self.chunks.get_mut(index) else { return };
        let mut first = MaybeUninit::uninit();
        let lent = self.top.lend(&mut first, CHUNKS + index, TOP, waker);
        self.running -= chunk.run(&mut Context::from_waker(&lent));
    }

    /// Gives each child that was spawned a place, drops those that were aborted, and polls the new ones.
    fn start_spawned(&mut self, waker: &Waker) {
        let Some(shared) = &self.shared else { return };
        // Before the children: one that is aborted here was spawned before that, and is found.
        let mut aborted: Vec<_> = shared.orders.aborted.take().collect();
        let mut spawned: Vec<_> = shared.spawned.take().collect();
        while let Some((number, child)) = spawned.pop() {
            let index = self.chunks.iter().position(Chunk::has_room).unwrap_or_else(|| {
                assert!(self.chunks.len() < TOP - CHUNKS, "too many children");
                self.chunks.push(Chunk::new(FIRST_CHUNK << self.chunks.len()));
                self.chunks.len() - 1
            });
            let started = Started { number, child, kind: None };
            self.chunks[index].insert(started);
            self.running += 1;
        }
        if !aborted.is_empty() {
            aborted.sort_unstable();
            for chunk in &mut self.chunks {
                self.running -= chunk.abort(&aborted);
            }
        }
        for index in 0..self.chunks.len() {
            if self.chunks[index].has_fresh() {
                self.run_chunk(index, waker);
            }
        }
    }

    /// The body's output, if it and all children have finished; that closes the scope.
    fn complete(&mut self) -> Option<B::Output> {
        let Stage::Started(body) = &mut self.stage else { return None };
        let body @ Branch::Done(_) = body.get_mut() else { return None };
        let shared = self.shared.as_ref()?;
        if self.running > 0 || !shared.close_if_empty() {
            return None;
        }
        // SAFETY: the body is pinned as the scope is; it is finished.
        let output = unsafe { Pin::new_unchecked(body) }.take();
        self.cancel(); // There is nothing left to drop but memory.
        Some(output)
    }

    /// Drops the children, the last one first, then the body.
    fn cancel(&mut self) {
        if let Some(shared) = self.shared.take() {
            let spawned = shared.close();
            let mut rest = DropInOrder(Vec::new());
            for chunk in mem::take(&mut self.chunks) {
                rest.0.extend(chunk.children.into_iter().flatten());
            }
            rest.0.sort_unstable_by_key(|started| started.number);
            // Dropped in the order of their declaration reversed: `spawned`, the children, the body.
            let _body = EndBody(&mut self.stage);
            let _rest = rest;
            drop(spawned);
        } else {
            self.stage = Stage::Ended;
        }
    }
}

struct EndBody<'a, K: Kind, F, B: Future>(&'a mut Stage<K, F, B>);

impl<K: Kind, F, B: Future> Drop for EndBody<'_, K, F, B> {
    fn drop(&mut self) {
        *self.0 = Stage::Ended;
    }
}

impl<K: Kind, F, B: Future> Drop for Scoped<K, F, B> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Cancels the scope when the body or a child panics.
struct CancelOnUnwind<'a, K: Kind, F, B: Future>(&'a mut Scoped<K, F, B>);

impl<K: Kind, F, B: Future> Drop for CancelOnUnwind<'_, K, F, B> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

branching_point! {
    (K, F, B) Scoped<K, F, B>
    where
        K: Kind,
        B: Future,
}

impl<K, F, B> BranchingPoint for Scoped<K, F, B>
where
    K: Kind,
    B: Future,
{
    unsafe fn look(this: *const Self, look: &mut Look<'_>) {
        // SAFETY: by contract. The body lies in a cell, the children in boxes, and in cells there.
        unsafe {
            let this = &*this;
            if let Stage::Started(body) = &this.stage {
                Branch::look(body.get(), this.body_kind, 0, look);
            }
            let mut children: Vec<_> = this.chunks.iter().flat_map(Chunk::started).collect();
            children.sort_unstable_by_key(|started| started.number);
            for started in children {
                started.child.look(started.kind, started.number + 1, look);
            }
        }
    }
}

impl<K, F, B> Future for Scoped<K, F, B>
where
    K: Kind,
    B: Future,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: what is pinned is the body, which is dropped in place and never moved.
        let guard = CancelOnUnwind(unsafe { self.get_unchecked_mut() });
        let (this, waker) = (&mut *guard.0, cx.waker());
        this.top.begin_disarmed(TOP);
        let is_first = matches!(this.stage, Stage::Unstarted(..));
        if is_first {
            this.start(waker);
        }
        assert!(this.shared.is_some(), "a scope was polled after it had finished or panicked");
        while let Some(index) = this.top.next(TOP) {
            match index {
                SPAWNED => this.start_spawned(waker),
                BODY => this.run_body(waker),
                _ => this.run_chunk(index - CHUNKS, waker),
            }
        }
        // What was spawned meanwhile starts in this poll; what that spawns, in the next one.
        this.top.begin_disarmed(TOP);
        if this.top.peek() == Some(SPAWNED) {
            this.top.next(TOP);
            this.start_spawned(waker);
        }
        let output = this.complete();
        if output.is_none() {
            this.top.end(waker);
            if is_first {
                report(waker, Self::KIND);
            }
        }
        mem::forget(guard);
        output.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<K, F, B> Scoped<K, F, B>
where
    K: Kind,
    B: Future,
{
    /// Makes the body and polls it for the first time.
    fn start(&mut self, waker: &Waker) {
        let spawned = self.top.lend(&mut MaybeUninit::uninit(), SPAWNED, TOP, waker).clone();
        self.top.begin_disarmed(TOP); // The set is new, and born armed.
        let shared = Arc::new(Shared::new(spawned));
        self.shared = Some(shared.clone());
        if let Stage::Unstarted(body, make) = mem::replace(&mut self.stage, Stage::Ended) {
            let body = make(body, Spawner::new(shared));
            self.stage = Stage::Started(UnsafeCell::new(Branch::Running(body)));
        }
        let Stage::Started(body) = &mut self.stage else { return };
        // SAFETY: as in `run_body`.
        let body = unsafe { Pin::new_unchecked(body.get_mut()) };
        let first = self.top.first(BODY, TOP, waker, false);
        let _ = body.resume(&mut Context::from_waker(&first.lend()));
        // SAFETY: what is reported are kinds.
        self.body_kind = unsafe { first.reported() };
    }
}
