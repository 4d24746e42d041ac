//! A small runtime for `async` Rust on one thread: an executor, timers and TCP on [mio].
//!
//! # Running a future
//!
//! [`block_on`] polls its future, and sleeps in the operating system's event queue when there is nothing to poll.
//!
//! ```
//! use std::time::Duration;
//!
//! let answer = reactor::block_on(async {
//!     reactor::sleep(Duration::from_millis(1)).await;
//!     42
//! });
//! assert_eq!(answer, 42);
//! ```
//!
//! # Tasks
//!
//! [`spawn`] starts a task on the same thread. It runs beside the future of [`block_on`], and its [`JoinHandle`] is a
//! future of its result. Futures need not be `Send`; wakers are, and may be called from any thread at any time.
//!
//! ```
//! use std::time::Duration;
//!
//! let sum = reactor::block_on(async {
//!     let one = reactor::spawn(async { 1 });
//!     let two = reactor::spawn(async {
//!         reactor::sleep(Duration::from_millis(1)).await;
//!         2
//!     });
//!     one.await.unwrap() + two.await.unwrap()
//! });
//! assert_eq!(sum, 3);
//! ```
//!
//! # Timeouts
//!
//! ```
//! use std::time::Duration;
//!
//! reactor::block_on(async {
//!     let late = std::future::pending::<()>();
//!     assert!(reactor::timeout(Duration::from_millis(1), late).await.is_err());
//! });
//! ```
//!
//! # Sockets
//!
//! They implement the traits of [`futures_io`], so that the extension traits of `futures` apply.
//!
//! ```
//! use futures::{AsyncReadExt, AsyncWriteExt};
//! use reactor::net::{TcpListener, TcpStream};
//!
//! # fn main() -> std::io::Result<()> {
//! reactor::block_on(async {
//!     let listener = TcpListener::bind(([127, 0, 0, 1], 0))?;
//!     let address = listener.local_addr()?;
//!     reactor::spawn(async move {
//!         let (mut peer, _) = listener.accept().await?;
//!         peer.write_all(b"hello").await
//!     });
//!     let mut text = String::new();
//!     TcpStream::connect(address).await?.read_to_string(&mut text).await?;
//!     assert_eq!(text, "hello");
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Implementation notes
//!
//! A task is three allocations: its future, the [`Arc`](std::sync::Arc) that its wakers point to, and the cell in which
//! its [`JoinHandle`] finds the result. There is no `unsafe` code.
//!
//! # Where to read on
//!
//! | question | page |
//! |---|---|
//! | How is the runtime kept from one call of [`block_on`] to the next? | [`Runtime`] |
//! | What becomes of a task whose handle is dropped, or that panics? | [`JoinHandle`], [`JoinError`] |
//! | How does a task let others run? | [`yield_now`] |
//! | What can sockets do? | [`net`] |
//!
//! [mio]: https://docs.rs/mio

// Modules flow one way: `sync` ← `wake_state`, `park_state` ← `task` ← `executor` ← `join`, `timer`, `net`. Under
// `cfg(loom)` only the first three are compiled, for the models in `loom-tests/`.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(loom)]
#[doc(hidden)]
pub mod park_state;
#[cfg(not(loom))]
mod park_state;
#[cfg(loom)]
#[doc(hidden)]
pub mod sync;
#[cfg(not(loom))]
mod sync;
#[cfg(loom)]
#[doc(hidden)]
pub mod wake_state;
#[cfg(not(loom))]
mod wake_state;

// For the stress tests, which run the models' scenarios on real threads.
#[cfg(not(loom))]
#[doc(hidden)]
pub mod protocol {
    pub use crate::{park_state::*, wake_state::*};
}

#[cfg(not(loom))]
mod executor;
#[cfg(not(loom))]
mod join;
#[cfg(not(loom))]
pub mod net;
#[cfg(not(loom))]
mod reactor;
#[cfg(not(loom))]
mod runtime;
#[cfg(not(loom))]
mod task;
#[cfg(not(loom))]
mod timer;

#[cfg(not(loom))]
pub use crate::{
    join::{JoinError, JoinHandle},
    runtime::{Runtime, block_on, spawn},
    task::{YieldNow, yield_now},
    timer::{Elapsed, Sleep, Timeout, sleep, sleep_until, timeout},
};

// Its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
