//! [`scope`]: children that are started at any time, may borrow, and run whatever their parent awaits.
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
//! **The children belong to the future**, which runs and drops them, as it does its own body; a handle owns nothing but
//! a place for a value. So a child never runs after the future is gone, even if handles or the future are leaked: a
//! leaked future runs nobody, and what its children borrow may be used again.
//!
//! A wake set has a fixed number of slots. So children are in chunks, each with a set of its own and twice as large as
//! the one before. A chunk is a branch of the set at the top, and the waker of that branch is the one of the chunk's
//! joiner. So a wake-up passes two sets, however many children there are.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use crate::chain::driver::Driver;
use crate::chain::header::BranchVisitor;
use crate::chain::outermost::{self, Joiner, Outermost, Parent};
use crate::concurrent::branch::Branch;
use crate::concurrent::frame::{BranchingPoint, TagOf, branching_point};
use crate::wake_set::Wakes;

mod children;
mod inbox;
mod polls;
mod spawner;

use children::{Boxed, Chunk, DropInOrder, Shared, Started, Task};
use inbox::Nodes;
use polls::Round;
pub use spawner::{Child, Spawner};

/// The branches of the set at the top.
const TOP: usize = 30;
/// The branches of the set at the top: a note that something was spawned, the body, and from `CHUNKS` on the chunks.
const SPAWNED: usize = 0;
const BODY: usize = 1;
const CHUNKS: usize = 2;

/// How many children the first chunk has room for.
const FIRST_CHUNK: usize = 16;

/// Runs `body`, and the children that it starts by [`spawn`](Scope::spawn), side by side, in this task; evaluates to
/// the body's output when all children have finished too.
///
/// `body` gets the [`Scope`] and returns a coroutine or anything else that can be awaited. Children may borrow whatever
/// outlives the scope, and may start further ones.
///
/// ```
/// use cps_core::{coroutine_block, cps, scope};
///
/// #[cps]
/// async fn count(words: &str) -> usize {
///     words.split(' ').count()
/// }
///
/// #[cps]
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
/// [`join`](crate::join()) are. **A child runs when it is woken, whatever the body awaits**: while the body waits for a
/// lock that a child holds, the child goes on.
///
/// - A child starts in the poll in which it was spawned, after the body has suspended; a child that a child spawns
///   starts in the next poll at the latest. From then on a poll of the scope resumes the children that were woken
///   before it began, each once. The body learns in the same poll which children have finished.
/// - Dropping the handle of a child lets it run on: the scope waits for it. [`Child::abort`] drops the child.
/// - A scope allocates a box for each child, with its future and its result, and a few blocks that grow with the
///   largest number of children at one time.
///
/// Children cannot borrow what ends before the scope:
///
/// ```compile_fail
/// # use cps_core::cps;
/// # #[cps]
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
/// With the panic of the body or of a child, after all others have been dropped, in the order of a cancellation. When
/// polled again after it was ready or panicked.
///
/// # Cancellation
///
/// Dropping the future drops the children, the one that was spawned last first, and then the body, each innermost frame
/// first.
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

/// Starts children. Made by [`scope`].
///
/// It may be cloned, handed to children and sent to other threads. Children may borrow for `'env`.
pub type Scope<'env> = Spawner<SendChildren<'env>>;

/// As [`Scope`], for children that are not `Send`. Made by [`local_scope`].
pub type LocalScope<'env> = Spawner<LocalChildren<'env>>;

/// The bound on the children of a scope: [`SendChildren`] or [`LocalChildren`].
pub trait ChildBound: sealed::Sealed {
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

impl<'env> ChildBound for SendChildren<'env> {
    type Child = dyn children::Task + Send + 'env;
}

impl<'env> ChildBound for LocalChildren<'env> {
    type Child = dyn children::Task + 'env;
}

/// The future of [`scope`] and [`local_scope`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Scoped<K: ChildBound, F, B: Future> {
    stage: Stage<K, F, B>,
    /// The tag that the body's future has reported.
    body_kind: TagOf,
    top: Wakes,
    /// From the first poll to the end.
    shared: Option<Arc<Shared<K>>>,
    chunks: Vec<Chunk<K>>,
    /// Children in the chunks.
    running: usize,
    /// Children that are being dropped.
    ending: DropInOrder<K>,
    /// How far a poll has come in which a branching point was deferred: whether it is starting what was spawned, and in
    /// which round it is.
    starts: bool,
    round: Round,
    progress: Progress,
    joiner: Joiner,
}

/// See `chain/outermost/mod.rs`. The numbers are those of the set at the top.
type Progress = outermost::Stage;

/// Calls a scope's closure.
type MakeBody<K, F, B> = fn(F, Spawner<K>) -> B;

enum Stage<K: ChildBound, F, B: Future> {
    /// The closure, and the function that calls it. (So the future's type needs no bound on the closure: when rustc
    /// asks whether a body that awaits a scope is `Send`, it forgets that the lifetimes in such a bound are the same.)
    Unstarted(F, MakeBody<K, F, B>),
    /// The body. In a cell, so that a reference to the scope is no access to it.
    Started(UnsafeCell<Branch<B>>),
    Ended,
}

impl<K: ChildBound, F, B: Future> fmt::Debug for Scoped<K, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("running", &self.running).finish()
    }
}

impl<K: ChildBound, F, B: Future> Scoped<K, F, B> {
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
            ending: DropInOrder(Vec::new()),
            starts: false,
            round: Round::Woken,
            progress: Progress::Fresh,
            joiner: Joiner::new(),
        }
    }

    fn run_body(&mut self, waker: &Waker) {
        let Stage::Started(body) = &mut self.stage else { return };
        let mut first = MaybeUninit::uninit();
        let lent = self.top.lend(&mut first, BODY, TOP, waker);
        // SAFETY: the body is pinned as the scope is, which drops it in place (invariant A).
        let body = unsafe { Pin::new_unchecked(body.get_mut()) };
        let _ = body.resume(&mut Context::from_waker(&lent));
    }

    fn run_chunk(&mut self, index: usize, waker: &Waker, outermost: &Outermost) {
        let Some(chunk) = self.chunks.get_mut(index) else { return };
        let mut first = MaybeUninit::uninit();
        let lent = self.top.lend(&mut first, CHUNKS + index, TOP, waker);
        let cx = &mut Context::from_waker(&lent);
        self.running -= chunk.run(cx, &raw const self.joiner, outermost);
    }

    /// Gives a place to each child that was spawned, and drops those that were aborted.
    fn place_spawned(&mut self) {
        let Some(shared) = &self.shared else { return };
        // Taken first: each child that is in this list was spawned before it was aborted, and so is found.
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
    }

    /// Closes the scope if the body and all children have finished; whether they have.
    fn close(&mut self) -> bool {
        let Stage::Started(body) = &mut self.stage else { return false };
        let is_done = matches!(body.get_mut(), Branch::Done(_)) && self.running == 0;
        is_done && self.shared.as_ref().is_some_and(|shared| shared.close_if_empty())
    }

    /// The body's output, when the scope was closed.
    fn output(&mut self) -> B::Output {
        let Stage::Started(body) = &mut self.stage else { unreachable!("it has finished") };
        // SAFETY: the body is pinned as the scope is (invariant A).
        let output = unsafe { Pin::new_unchecked(body.get_mut()) }.take();
        self.progress = Progress::Fresh;
        self.cancel(); // There is nothing left to drop but memory.
        output
    }

    /// Drops the children, the last one first, then the body.
    fn cancel(&mut self) {
        let spawned = self.close_for_good();
        let ending = DropInOrder(mem::take(&mut self.ending.0));
        // Also if one of the drops panics, the order is: `spawned`, the children, the body.
        let _body = EndBody(&mut self.stage);
        let _ending = ending;
        drop(spawned);
    }

    /// Closes the scope, and notes which children must be dropped; gives those that were never started.
    fn close_for_good(&mut self) -> Option<Nodes<(usize, Boxed<K>)>> {
        let shared = self.shared.take()?;
        let ending = &mut self.ending.0;
        for chunk in mem::take(&mut self.chunks) {
            ending.extend(chunk.children.into_iter().flatten());
        }
        ending.sort_unstable_by_key(|started| started.number);
        Some(shared.close())
    }

    /// Drops the children and the body in the order of [`Scoped::cancel`], up to the first one with frames. Gives its
    /// driver, or null.
    fn drop_to_frames(&mut self) -> *const Driver {
        drop(self.close_for_good());
        while let Some(last) = self.ending.0.last() {
            // SAFETY: the child is pinned in its box, nobody polls it (invariant A), and it is dropped next.
            let driver = unsafe { last.child.frames(last.kind) };
            if !driver.is_null() {
                return driver;
            }
            drop(self.ending.0.pop());
        }
        if let Stage::Started(body) = &self.stage {
            // SAFETY: the body is pinned as the scope is, nobody polls it (invariant A), and it is dropped next.
            let driver = unsafe { Branch::frames(body.get(), self.body_kind) };
            if !driver.is_null() {
                return driver;
            }
        }
        self.stage = Stage::Ended;
        ptr::null()
    }
}

struct EndBody<'a, K: ChildBound, F, B: Future>(&'a mut Stage<K, F, B>);

impl<K: ChildBound, F, B: Future> Drop for EndBody<'_, K, F, B> {
    fn drop(&mut self) {
        *self.0 = Stage::Ended;
    }
}

impl<K: ChildBound, F, B: Future> Drop for Scoped<K, F, B> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Cancels the scope when the body or a child panics.
struct CancelOnUnwind<'a, K: ChildBound, F, B: Future>(&'a mut Scoped<K, F, B>);

impl<K: ChildBound, F, B: Future> Drop for CancelOnUnwind<'_, K, F, B> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

branching_point! {
    (K, F, B) Scoped<K, F, B>
    where
        K: ChildBound,
        B: Future,
}

impl<K, F, B> BranchingPoint for Scoped<K, F, B>
where
    K: ChildBound,
    B: Future,
{
    unsafe fn look(this: *const Self, look: &mut BranchVisitor<'_>) {
        // SAFETY: the walk of the chains, which calls this, leads to a scope that nobody polls. The body lies in a
        // cell, and each child in a cell in its box, so that a reference to the scope is no read of them (invariant A).
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

    unsafe fn poll_in(
        self: Pin<&mut Self>,
        parent: Parent,
        cx: &mut Context<'_>,
    ) -> Poll<B::Output> {
        // SAFETY: the body alone is pinned as this is, and `poll_scope` does not move it. The chain in whose leaf this
        // is, or `poll`, gives the scope's own parent (invariant N).
        unsafe { self.get_unchecked_mut().poll_scope(parent, cx) }
    }

    unsafe fn drop_branches(this: *mut Self) -> *const Driver {
        // SAFETY: the owner of this future calls this when it drops it: it is pinned, and nobody polls it (invariant
        // A).
        unsafe { if (*this).joiner.has_deep() { (*this).drop_to_frames() } else { ptr::null() } }
    }
}

impl<K, F, B> Future for Scoped<K, F, B>
where
    K: ChildBound,
    B: Future,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        // SAFETY: this is not moved here.
        let this = unsafe { self.get_unchecked_mut() };
        let mut parent = this.joiner.parent();
        if parent == Parent::NONE && matches!(this.stage, Stage::Unstarted(..)) {
            // SAFETY: this is the future that is polled with that waker.
            parent = unsafe { Parent::of_branch(cx.waker(), ptr::from_mut(this)) };
        }
        // SAFETY: this is pinned. If there is a parent, this is the future in one of its branches (invariant N), as
        // `Parent::of_branch` has found.
        unsafe { Pin::new_unchecked(this).poll_in(parent, cx) }
    }
}
