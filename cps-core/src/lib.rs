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
//! [`#[cps_core::coroutine]`](macro@coroutine) on an `async fn` makes it return a [`Coroutine`],
//! which is as large as its arguments and does nothing yet. The body is ordinary `async` code.
//! (The attribute is written with its path: rustc has an unstable attribute named `coroutine`, which
//! an imported name would be ambiguous with. `use cps_core::coroutine as co;` works.)
//!
//! ```
//! #[cps_core::coroutine]
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
//! cannot contain itself: recursion needs [`on_heap`](Coroutine::on_heap), or
//! [`boxed`](Coroutine::boxed) if the type is to be erased.
//!
//! ```
//! # #[cps_core::coroutine]
//! # async fn double(x: u32) -> u32 { 2 * x }
//! #[cps_core::coroutine]
//! async fn power(exponent: u32) -> u32 {
//!     if exponent == 0 {
//!         return 1;
//!     }
//!     let half = power(exponent - 1).on_heap().await;
//!     double(half).await
//! }
//! # futures::executor::block_on(async { assert_eq!(power(10).await, 1024) });
//! ```
//!
//! Anything else that can be awaited is awaited as in any `async fn`: timers, channels, sockets,
//! `select!`. A wake-up then polls that future from the body that awaits it, and no other body.
//!
//! # A root
//!
//! Where a future is wanted, a coroutine turns into one, a [`Root`]: by `.await` in plain `async`
//! code, and by [`into_future`](core::future::IntoFuture::into_future) to spawn it, to store it, or
//! to hand it to a combinator. The root holds the whole stack of frames, passes the executor's
//! context on, and is `Send` if the bodies are.
//!
//! ```
//! # #[cps_core::coroutine]
//! # async fn double(x: u32) -> u32 { 2 * x }
//! use std::future::IntoFuture;
//!
//! let (a, b) = futures::executor::block_on(async {
//!     futures::join!(double(1).into_future(), double(2).into_future())
//! });
//! assert_eq!((a, b), (2, 4));
//! ```
//!
//! # A continuation
//!
//! [`suspend`] hands the rest of the computation to a closure, as a value that may be resumed from
//! anywhere, once.
//!
//! ```
//! use cps_core::suspend;
//!
//! #[cps_core::coroutine]
//! async fn ask() -> String {
//!     suspend(|k| {
//!         std::thread::spawn(move || k.resume("answer".to_owned()));
//!     })
//!     .await
//! }
//! # futures::executor::block_on(async { assert_eq!(ask().await, "answer") });
//! ```
//!
//! # Panics and cancellation
//!
//! A panic in a body drops the frames of its callers, innermost first, while it unwinds, and
//! reaches whoever polled the root: what happens with nested futures. To stop one half-way, await a
//! root that catches it, such as `AssertUnwindSafe(child().into_future()).catch_unwind()` of the
//! `futures` crate. Dropping a root drops its frames innermost first, in a loop.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `alloc` | yes | [`on_heap`](Coroutine::on_heap), [`boxed`](Coroutine::boxed), [`suspend`] |
//! | `std` | yes | nothing but `alloc`: no part of the crate needs an operating system |
//! | `tail-call` | no | returns by `become` instead of calls and a loop; needs a nightly compiler |
//!
//! # Layers
//!
//! `driver` (erased frames, the loop) ← `body` (arguments out of band) ← `frame` (a body in memory)
//! ← `call` (what `.await` becomes) ← `coroutine`, `heap`, `boxed`, `root`.

#![no_std]
#![cfg_attr(feature = "tail-call", feature(explicit_tail_calls), allow(incomplete_features))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod body;
#[cfg(feature = "alloc")]
mod boxed;
mod call;
mod coroutine;
mod driver;
mod frame;
#[cfg(feature = "alloc")]
mod heap;
mod root;
#[cfg(feature = "alloc")]
mod suspend;
#[cfg(feature = "alloc")]
mod sync;

pub use body::Body;
#[cfg(feature = "alloc")]
pub use boxed::{BoxCoroutine, ErasedCoroutine, ErasedRoot, Local, LocalBoxCoroutine};
#[cfg(feature = "alloc")]
pub use coroutine::Heap;
pub use coroutine::{Coroutine, Inline};
pub use cps_core_macros::{coroutine, coroutine_block};
pub use root::Root;
#[cfg(feature = "alloc")]
pub use suspend::{Continuation, Dropped, Suspend, TrySuspend, suspend, try_suspend};

#[doc(hidden)]
pub mod __private;
