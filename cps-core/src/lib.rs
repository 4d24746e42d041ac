//! Continuation-passing coroutines: deep `async` call stacks that are resumed at their innermost
//! frame, on stable Rust.
//!
//! In ordinary `async` Rust a wake-up polls the outermost future, which polls its child, and so on
//! down to the one that was woken. Here each frame knows its caller, the chain knows its innermost
//! frame, a wake-up resumes that frame directly, and a frame that returns resumes its caller: the
//! cost of a wake-up does not depend on the depth.
//!
//! # A coroutine
//!
//! [`#[cps]`](macro@cps) on an `async fn` makes it return a [`Coroutine`], a future that does nothing yet. The body is
//! ordinary `async` code. (Its other name, `#[cps_core::coroutine]`, stays valid. It must be written with its path, since
//! rustc has an unstable attribute of that name. The [`prelude`] has `cps`.)
//!
//! ```
//! use cps_core::prelude::*;
//!
//! #[cps]
//! async fn double(x: u32) -> u32 {
//!     2 * x
//! }
//! # let _ = double(1);
//! ```
//!
//! # A call
//!
//! `.await` on a coroutine in the body of another **calls** it. The callee runs at once, as a
//! function would. Only if it suspends are the two frames linked. By default the callee's frame is
//! part of the caller's, so that a stack of calls is one value and nothing is allocated. A frame
//! cannot contain itself: recursion needs [`on_stack`](Coroutine::on_stack), the frame stack of the
//! chain, [`on_heap`](Coroutine::on_heap), or [`boxed`](Coroutine::boxed) if the type is to be
//! erased.
//!
//! ```
//! use cps_core::cps;
//!
//! # #[cps]
//! # async fn double(x: u32) -> u32 { 2 * x }
//! #[cps]
//! async fn power(exponent: u32) -> u32 {
//!     if exponent == 0 {
//!         return 1;
//!     }
//!     let half = power(exponent - 1).on_stack().await;
//!     double(half).await
//! }
//! # futures::executor::block_on(async { assert_eq!(power(10).await, 1024) });
//! ```
//!
//! Anything else that can be awaited is awaited as in any `async fn`: timers, channels, sockets,
//! `select!`. A wake-up then polls that future from the body that awaits it, and no other body.
//!
//! # Where frames live
//!
//! The choice that C++ programmers asked for under the name of coroutine elision (P2477) is a type
//! parameter of the coroutine, a [`Placement`](placement::Placement): [`Inline`](placement::Inline), [`Stack`](placement::Stack), [`Heap`](placement::Heap), or [`InlineUpTo`](placement::InlineUpTo) to let
//! its size decide. A definition has a default, `#[cps(elision = "stack")]`, and each
//! call may choose otherwise, by a method. A root's frame stack can be limited, measured, or be
//! a part of the root, so that nothing is allocated: [`Coroutine::with_stack`],
//! [`Coroutine::with_stack_inside`].
//!
//! ```
//! use cps_core::cps;
//! use cps_core::placement::{InlineUpTo, StackOptions};
//!
//! #[cps(elision = "stack")]
//! async fn visit(depth: u32) -> u32 {
//!     match depth {
//!         0 => 1,
//!         _ => visit(depth - 1).await + visit(depth - 1).on_heap().await,
//!     }
//! }
//!
//! #[cps]
//! async fn start() -> u32 {
//!     visit(4).placed(InlineUpTo::<256>).await
//! }
//! # futures::executor::block_on(async {
//! let root = start().with_stack(StackOptions::new().limit(64 * 1024));
//! assert_eq!(root.await, 16);
//! # });
//! ```
//!
//! # A root
//!
//! Where a future is wanted, a coroutine is one: it may be spawned, boxed, stored, handed to a combinator, or awaited in plain
//! `async` code. Polled from outside it is the root of a chain. It holds the whole stack of frames, passes the executor's
//! context on, and is `Send` if the bodies are. [`Coroutine::into_root`] gives its type a name, [`Root`].
//!
//! ```
//! # use cps_core::cps;
//! # #[cps]
//! # async fn double(x: u32) -> u32 { 2 * x }
//! let (a, b) = futures::executor::block_on(async { futures::join!(double(1), double(2)) });
//! assert_eq!((a, b), (2, 4));
//! ```
//!
//! # Generic code
//!
//! Code that awaits a `Future` of any type calls a coroutine as well, and needs no bound but that one. So callbacks are what they
//! are in plain `async` code, also those that borrow what they are given: a coroutine function is an `AsyncFn`.
//!
//! ```
//! use cps_core::cps;
//!
//! #[cps]
//! async fn retry<T, E, C>(mut attempt: impl FnMut() -> C) -> Result<T, E>
//! where
//!     C: Future<Output = Result<T, E>>,
//! {
//!     match attempt().await {
//!         Err(_) => attempt().await,
//!         done => done,
//!     }
//! }
//!
//! #[cps]
//! async fn count_if<T>(items: &[T], condition: impl AsyncFn(&T) -> bool) -> usize {
//!     let mut count = 0;
//!     for item in items {
//!         count += usize::from(condition(item).await);
//!     }
//!     count
//! }
//!
//! # mod service { pub async fn answers(_: &str) -> bool { true } }
//! #[cps]
//! async fn is_up(host: &String) -> bool {
//!     retry(async || if service::answers(host).await { Ok(()) } else { Err("silent") }).await.is_ok()
//! }
//!
//! let hosts = ["a".to_owned(), "b".to_owned()];
//! assert_eq!(futures::executor::block_on(count_if(&hosts, is_up)), 2);
//! ```
//!
//! The callee's frame is in place there, whatever its placement. A future around a coroutine, such as `Box::pin(f())` or
//! `async { f().await }`, is a chain of its own.
//!
//! # A continuation
//!
//! [`suspend()`] hands the rest of the computation to a closure, as a value that may be resumed from
//! anywhere, once.
//!
//! ```
//! use cps_core::{cps, suspend};
//!
//! #[cps]
//! async fn ask() -> String {
//!     suspend(|k| {
//!         std::thread::spawn(move || k.resume("answer".to_owned()));
//!     })
//!     .await
//! }
//! # futures::executor::block_on(async { assert_eq!(ask().await, "answer") });
//! ```
//!
//! # Generators
//!
//! With `yields = T` a body yields items: an `fn` becomes an iterator, an `async fn` a stream.
//! [`yield_from`] delegates to another generator, by a call: however deep the delegation, the next item is
//! one resume of the frame that yielded the last one.
//!
//! ```
//! use cps_core::{cps, yield_, yield_from};
//!
//! enum Tree {
//!     Leaf(u32),
//!     Fork(Box<[Tree; 2]>),
//! }
//!
//! #[cps(yields = u32, elision = "stack")]
//! fn leaves(tree: &Tree) {
//!     match tree {
//!         Tree::Leaf(value) => yield_(*value).await,
//!         Tree::Fork(children) => {
//!             for child in &**children {
//!                 yield_from(leaves(child)).await;
//!             }
//!         }
//!     }
//! }
//!
//! let fork = |left, right| Tree::Fork(Box::new([left, right]));
//! let tree = fork(fork(Tree::Leaf(1), Tree::Leaf(2)), Tree::Leaf(3));
//! assert_eq!(leaves(&tree).into_iter().collect::<Vec<_>>(), [1, 2, 3]);
//! ```
//!
//! The body of an iterator can await nothing else; that of a stream can await anything. A generator that
//! returns a `Result<(), E>` yields `Result`s, and an error that it returns is the last: [`Ending`](generator::Ending).
//!
//! ```
//! use cps_core::{cps, yield_};
//! use std::pin::pin;
//!
//! # mod listing { pub async fn page(n: u32) -> Result<Vec<u32>, String> {
//! #     match n { 0 => Ok(vec![1, 2]), 1 => Ok(vec![3]), _ => Err("no such page".into()) } } }
//! #[cps(yields = u32)]
//! async fn entries() -> Result<(), String> {
//!     for n in 0.. {
//!         for entry in listing::page(n).await? {
//!             yield_(entry).await;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! # futures::executor::block_on(async {
//! let mut entries = pin!(entries().into_root());
//! while let Some(Ok(entry)) = entries.next().await {
//!     println!("{entry}");
//! }
//! # });
//! ```
//!
//! # Branches
//!
//! [`join()`], [`try_join`], [`race()`], [`select`] and [`timeout()`] run several coroutines, or other
//! futures, side by side in one task. Each is a chain of its own with wakers of its own: a wake-up
//! resumes the branch that was woken and polls no other. The children of a [`scope()`] may borrow from the
//! caller, and run whatever their parent awaits.
//!
//! ```
//! # #[cps]
//! # async fn double(x: u32) -> u32 { 2 * x }
//! use cps_core::{cps, join};
//!
//! #[cps]
//! async fn sum(numbers: Vec<u32>) -> u32 {
//!     let (first, rest) = (double(numbers[0]), numbers[1..].iter().map(|&n| double(n)));
//!     let (first, rest) = join((first, join(rest.collect::<Vec<_>>()))).await;
//!     first + rest.into_iter().sum::<u32>()
//! }
//! # futures::executor::block_on(async { assert_eq!(sum(vec![1, 2, 3]).await, 12) });
//! ```
//!
//! # Many at a time
//!
//! A lookup that waits for memory may let others run meanwhile: it awaits a
//! [`prefetch`], and [`interleave`] resumes a group of such coroutines in turn, each at its
//! innermost frame.
//!
//! # Panics and cancellation
//!
//! A panic in a body drops the frames of its callers, innermost first, while it unwinds, and
//! reaches whoever polled the root: what happens with nested futures. To stop one half-way, await a
//! root that catches it, such as `AssertUnwindSafe(child()).catch_unwind()` of the
//! `futures` crate. Dropping a root drops its frames innermost first, in a loop.
//!
//! # Backtraces
//!
//! A native backtrace of a resumed frame shows the executor and that frame. The chain of callers is
//! in the frames: [`Root::backtrace`] reads it from a suspended root, with the place of each
//! `.await`, as a tree where it branches, and costs nothing while nobody asks. With the feature `backtrace` a body can ask too,
//! and a panic hook prints the chain that panicked.
//!
//! # Spans
//!
//! With the feature `tracing` a function under `#[cps(instrument)]`, or under `#[cps]` with `#[tracing::instrument]` below it, runs in
//! a span, as under that attribute alone: the span is entered whenever its frame or one that it calls is resumed, the outer ones
//! first, and left when they are suspended; and it is a call all the same. `Coroutine::in_span` does so for one call.
//! Chains without spans do nothing for this. See the [attribute](macro@coroutine#options).
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `alloc` | yes | frame stacks that grow, [`on_heap`](Coroutine::on_heap), [`boxed`](Coroutine::boxed), [`suspend()`], [branches](#branches), [`interleave::Group`] |
//! | `std` | yes | [`interleave::clock`]; nothing else needs an operating system |
//! | `backtrace` | no | `backtrace()` from within a body, and a panic hook; a call takes some instructions more |
//! | `stream` | no | `Stream` of the crate `futures-core` for asynchronous [generators](#generators) |
//! | `tracing` | no | [spans](#spans) of the crate `tracing`: `Coroutine::in_span`, and the option `instrument` |
//! | `tail-call` | no | returns by `become` instead of calls and a loop; needs a nightly compiler |

#![no_std]
#![cfg_attr(feature = "tail-call", feature(explicit_tail_calls), allow(incomplete_features))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod backtrace;
mod borrowed_waker;
mod call;
mod chain;
#[cfg(feature = "alloc")]
pub mod concurrent;
mod coroutine;
mod frame;
pub mod generator;
pub mod interleave;
pub mod placement;
pub mod prefetch;
pub mod prelude;
mod stack;
#[cfg(feature = "alloc")]
pub mod suspend;
#[cfg(feature = "alloc")]
mod sync;
#[cfg(feature = "alloc")]
mod wake_set;

#[cfg(feature = "backtrace")]
pub use backtrace::backtrace;
#[cfg(feature = "alloc")]
pub use concurrent::scope::{self, local_scope, scope};
#[cfg(feature = "alloc")]
pub use concurrent::{join, race, select, timeout, try_join};
#[cfg(feature = "tracing")]
pub use coroutine::InSpan;
#[cfg(feature = "alloc")]
pub use coroutine::{BoxCoroutine, ErasedCoroutine, Local, LocalBoxCoroutine};
pub use coroutine::{Coroutine, Root, Unstarted};
#[doc = include_str!("coroutine_attribute.md")]
pub use cps_core_macros::coroutine;
/// A coroutine from an ad-hoc body.
///
/// It is to [`#[cps]`](macro@cps) what an `async move` block is to an `async fn`: it
/// captures what it names by move, `return` and `?` are its own, and it is rewritten in the same
/// way. `coroutine_block!(async { … })` is to that what an `async` block is: it borrows, where it can. What it captured is dropped when it returns or is dropped itself.
///
/// ```
/// use cps_core::{BoxCoroutine, coroutine_block, cps};
///
/// #[cps]
/// async fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let name = String::from("answer");
/// let by_reference = &name;
/// let block = coroutine_block! { format!("{by_reference}: {}", double(21).await) };
/// assert_eq!(futures::executor::block_on(block), "answer: 42");
///
/// // With `async` in it, it captures as an `async` block does: what it only reads, or changes, it borrows.
/// let mut sum = 0;
/// futures::executor::block_on(coroutine_block!(async { sum += double(1).await }));
/// assert_eq!(sum, 2);
///
/// // Several, of one type.
/// let all: Vec<BoxCoroutine<'_, u32>> =
///     (0..3).map(|n| coroutine_block! { double(n).await + 1 }.boxed()).collect();
/// # let sum = futures::executor::block_on(async { let mut sum = 0; for c in all { sum += c.await } sum });
/// # assert_eq!(sum, 9);
/// ```
///
/// With `?`, the error's type must be said somewhere, as in an `async` block:
/// `Ok::<_, std::io::Error>(value)`.
///
/// The options of `#[cps]` are an inner attribute here: `#![cps(elision = "stack")]`.
pub use cps_core_macros::coroutine_block;
/// [`macro@coroutine`] by a name that can be imported. (rustc has an unstable attribute of the other name: an imported
/// `coroutine` would be ambiguous with it.)
///
/// ```
/// use cps_core::cps;
///
/// #[cps]
/// async fn double(x: u32) -> u32 {
///     2 * x
/// }
/// # assert_eq!(futures::executor::block_on(double(2)), 4);
/// ```
pub use cps_core_macros::cps;
pub use frame::body::Body;
pub use generator::{yield_, yield_from};
/// What `#[cps]` takes for a definition that does not say `elision`. It looks it up next to
/// [`Coroutine`], at the path given by `crate = path`: a crate that has a module with
/// `pub use cps_core::*;` and a `DefaultPlacement` of its own there has another default.
///
/// ```
/// use cps_core::cps;
///
/// mod coroutines {
///     pub use cps_core::*;
///     pub use cps_core::placement::Stack as DefaultPlacement;
/// }
///
/// #[cps(crate = crate::coroutines)]
/// async fn sum(n: u64) -> u64 {
///     if n == 0 { 0 } else { sum(n - 1).await + n } // on the frame stack
/// }
/// # fn main() { assert_eq!(futures::executor::block_on(async { sum(10).await }), 55) }
/// ```
pub use placement::Inline as DefaultPlacement;
#[cfg(feature = "alloc")]
pub use suspend::{suspend, try_suspend};

#[doc(hidden)]
pub mod __private;
