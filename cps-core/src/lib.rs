//! Coroutines for `async` Rust whose wake-ups cost the same at any depth, on stable Rust.
//!
//! In ordinary `async` Rust a wake-up polls the outermost future, which polls the one that it awaits, and so on down to
//! the one that was woken. Here each call knows its caller. A wake-up resumes the innermost call directly, and a call
//! that returns resumes its caller. The whole stack of calls is one future, for any executor.
//!
//! # A coroutine
//!
//! [`#[cps]`](macro@cps) on an `async fn` makes it return a [`Coroutine`]. That is a future: nothing runs before it is
//! polled, and it may be spawned, boxed, stored, handed to a combinator, or awaited in plain `async` code.
//!
//! ```
//! use cps_core::prelude::*;
//!
//! #[cps]
//! async fn greeting(name: &str) -> String {
//!     format!("hello, {name}")
//! }
//!
//! assert_eq!(futures::executor::block_on(greeting("world")), "hello, world");
//! ```
//!
//! (The attribute is also named [`coroutine`](macro@coroutine), which has to be written with its path: rustc has an
//! unstable attribute of that name.)
//!
//! # A call
//!
//! `.await` on a coroutine in the body of another **calls** it. The callee runs at once, as a function would. Its
//! frame, which holds its locals, is part of the caller's, so that a stack of calls is one value and nothing is
//! allocated.
//!
//! ```
//! use cps_core::prelude::*;
//! # mod store { pub async fn read(key: u32) -> u32 { key + 1 } }
//!
//! #[cps]
//! async fn price(item: u32) -> u32 {
//!     store::read(item).await // any future
//! }
//!
//! #[cps]
//! async fn total(items: &[u32]) -> u32 {
//!     let mut sum = 0;
//!     for &item in items {
//!         sum += price(item).await; // a call
//!     }
//!     sum
//! }
//!
//! assert_eq!(futures::executor::block_on(total(&[1, 2, 3])), 9);
//! ```
//!
//! Anything else that can be awaited is awaited as in any `async fn`: timers, channels, sockets, `select!`. A wake-up
//! then polls that future from the body that awaits it, and no other body.
//!
//! # Recursion
//!
//! A frame cannot contain itself. In a recursion the call says where the callee's frame is instead:
//! [`on_stack`](Coroutine::on_stack), on a stack of frames that the outermost coroutine has;
//! [`on_heap`](Coroutine::on_heap); or [`boxed`](Coroutine::boxed), which erases the type as well.
//!
//! ```
//! use cps_core::prelude::*;
//!
//! #[cps]
//! async fn power(exponent: u32) -> u32 {
//!     if exponent == 0 {
//!         return 1;
//!     }
//!     2 * power(exponent - 1).on_stack().await
//! }
//!
//! assert_eq!(futures::executor::block_on(power(10)), 1024);
//! ```
//!
//! The choice is a type parameter of the coroutine, a [`Placement`](placement::Placement). A definition may have a
//! default, and each call may choose otherwise, also by size: [`InlineUpTo`](placement::InlineUpTo). A callee that
//! seldom suspends need not have a frame: [`nested`](Coroutine::nested). The frame stack can be limited, measured, or be a part of the future, so that nothing is allocated: [`Coroutine::into_root_with`].
//!
//! ```
//! use cps_core::cps;
//! use cps_core::placement::{InlineUpTo, StackOptions};
//! use cps_core::prelude::*;
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
//!
//! let root = start().into_root_with(StackOptions::new().limit(64 * 1024));
//! assert_eq!(futures::executor::block_on(root), 16);
//! ```
//!
//! # A root
//!
//! A coroutine that is polled from outside is the **root** of a chain of calls. It passes the executor's context on,
//! and is `Send` if the bodies are. [`Coroutine::into_root`] gives its type a name, [`Root`].
//!
//! ```
//! # use cps_core::prelude::*;
//! # #[cps]
//! # async fn double(x: u32) -> u32 { 2 * x }
//! let (a, b) = futures::executor::block_on(async { futures::join!(double(1), double(2)) });
//! assert_eq!((a, b), (2, 4));
//! ```
//!
//! # Branches
//!
//! [`join()`], [`try_join`], [`race()`], [`select`] and [`timeout()`] run several coroutines, or other futures, side by
//! side in one task. Each is a chain of its own with wakers of its own: a wake-up resumes the branch that was woken and
//! polls no other. The children of a [`scope()`] may borrow from the caller, and run whatever their parent awaits.
//!
//! ```
//! use cps_core::prelude::*;
//! # #[cps]
//! # async fn double(x: u32) -> u32 { 2 * x }
//!
//! #[cps]
//! async fn sum(numbers: Vec<u32>) -> u32 {
//!     let (first, rest) = (double(numbers[0]), numbers[1..].iter().map(|&n| double(n)));
//!     let (first, rest) = join((first, join(rest.collect::<Vec<_>>()))).await;
//!     first + rest.into_iter().sum::<u32>()
//! }
//!
//! assert_eq!(futures::executor::block_on(sum(vec![1, 2, 3])), 12);
//! ```
//!
//! # Generators
//!
//! With `yields = T` a body yields items: an `fn` becomes an iterator, an `async fn` a stream. [`yield_from`] delegates
//! to another generator, by a call: however deep the delegation, the next item is one resume.
//!
//! ```
//! use cps_core::prelude::*;
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
//! The body of an iterator can await nothing else; that of a stream can await anything. A generator that returns a
//! `Result<(), E>` yields `Result`s, and an error that it returns is the last: [`Ending`](generator::Ending).
//!
//! ```
//! use cps_core::prelude::*;
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
//! let mut sum = 0;
//! while let Some(Ok(entry)) = entries.next().await {
//!     sum += entry;
//! }
//! assert_eq!(sum, 6);
//! # });
//! ```
//!
//! # Many at a time
//!
//! A lookup in a large table waits for memory. It may let others run meanwhile: it awaits a [`prefetch`], and
//! [`interleave`] resumes a group of such coroutines in turn, each at its innermost call.
//!
//! ```
//! use cps_core::interleave::Interleave;
//! use cps_core::prefetch::prefetch_read;
//! use cps_core::prelude::*;
//!
//! #[cps]
//! async fn get(table: &[u64], index: usize) -> u64 {
//!     prefetch_read(&table[index]).await; // the others' turn
//!     table[index]
//! }
//!
//! let squares: Vec<u64> = (0..1000).map(|n| n * n).collect();
//! let mut found = [0; 3];
//! let one = |index| get(&squares, index);
//! Interleave::<8>::run([3, 999, 500], one, |nth, value| found[nth] = value); // up to eight at a time
//! assert_eq!(found, [9, 998_001, 250_000]);
//! ```
//!
//! # Generic code
//!
//! Code that awaits a `Future` of any type calls a coroutine as well, and needs no bound but that one. So callbacks are
//! what they are in plain `async` code, also those that borrow what they are given: a coroutine function is an
//! `AsyncFn`.
//!
//! ```
//! use cps_core::prelude::*;
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
//! The callee's frame is in place there, whatever its placement. A future around a coroutine, such as `Box::pin(f())`
//! or `async { f().await }`, is a chain of its own.
//!
//! # A continuation
//!
//! [`suspend()`] hands the rest of the computation to a closure, as a value that may be resumed from anywhere, once.
//!
//! ```
//! use cps_core::prelude::*;
//! use cps_core::suspend;
//!
//! #[cps]
//! async fn ask() -> String {
//!     suspend(|k| {
//!         std::thread::spawn(move || k.resume("answer".to_owned()));
//!     })
//!     .await
//! }
//!
//! assert_eq!(futures::executor::block_on(ask()), "answer");
//! ```
//!
//! # Panics and cancellation
//!
//! A panic in a body drops the frames of its callers, innermost first, while it unwinds, and reaches the code that
//! polled the root, as with nested futures. To stop one half-way, await a root that catches it, such as
//! `AssertUnwindSafe(child()).catch_unwind()` of the `futures` crate. Dropping a root drops its frames innermost first,
//! in a loop.
//!
//! # Backtraces
//!
//! A native backtrace of a resumed coroutine shows the executor and that coroutine, but not its callers.
//! [`Root::backtrace`] shows the calls of a suspended root, with the place of each `.await`, as a tree where it
//! branches. It costs nothing while nobody asks. With the feature `backtrace` a body can ask too, and a panic hook
//! prints the calls that led to the panic. [`tracked::dump`](tracked) shows all roots of the process that have a name
//! by [`tracked`](Coroutine::tracked), whatever executor runs them.
//!
//! # Spans
//!
//! With the feature `tracing` a function under `#[cps(instrument)]`, or under `#[cps]` with `#[tracing::instrument]`
//! below it, runs in a span, as under that attribute alone: the span is entered whenever its frame or one that it calls
//! is resumed, the outer ones first, and left when they are suspended; and it is a call all the same.
//! `Coroutine::in_span` does so for one call. Chains without spans do nothing for this. See the
//! [attribute](macro@coroutine#options).
//!
//! # Values that follow a chain
//!
//! [`task_local!`] declares a key. `f().with_local(&KEY, value)` sets its value for a coroutine; what that calls, at
//! any depth, and its branches read it by `KEY.with(…)`. See [`mod@task_local`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | implies `alloc`; [`interleave::clock`], [`tracked`], [`mod@task_local`] |
//! | `alloc` | by `std` | frames that are not in place, `suspend`, [branches](#branches), [`interleave::Group`] |
//! | `stream` | no | `Stream` of the crate `futures-core` for asynchronous [generators](#generators) |
//! | `backtrace` | no | implies `std`; `backtrace()` in a body, and a panic hook; calls take more instructions |
//! | `tracing` | no | implies `alloc`; [spans](#spans) of `tracing`: `Coroutine::in_span`, the option `instrument` |
//! | `tail-call` | no | returns by `become`, without a loop; needs a nightly compiler, or `RUSTC_BOOTSTRAP=1` |
//!
//! # Where to read on
//!
//! | question | page |
//! |---|---|
//! | What may a body contain, and which options are there? | [the attribute](macro@coroutine#options) |
//! | How is a coroutine without a function written? | [`coroutine_block!`] |
//! | Where is a frame, and what does it cost? | [`placement`] |
//! | How do locals that live at different times share memory? | [`pack!`] |
//! | How do several coroutines share a task? | [`concurrent`], [`mod@scope`] |
//! | How does a callback become an await? | [`mod@suspend`] |
//! | What can generators do? | [`generator`] |
//! | When is interleaving worth it, and how is it chosen at run time? | [`interleave`], [`prefetch`] |

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
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
mod pack;
pub mod placement;
pub mod prefetch;
pub mod prelude;
mod stack;
#[cfg(feature = "alloc")]
pub mod suspend;
#[cfg(feature = "alloc")]
mod sync;
#[cfg(feature = "std")]
pub mod task_local;
#[cfg(feature = "std")]
pub mod tracked;
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
/// way. `coroutine_block!(async { … })` is to that what an `async` block is: it borrows, where it can.
/// What it captured is dropped when it returns or is dropped itself.
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

/// For executors that resume chains in their tasks; not part of the public interface.
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub use coroutine::hosted as __hosted;
#[doc(hidden)]
pub mod __private;

// Its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
