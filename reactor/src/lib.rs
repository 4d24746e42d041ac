//! A small current-thread runtime for `async` Rust: an executor, timers and sockets on [mio].
//!
//! One thread runs everything: [`block_on`] polls its future and every task it [`spawn`]s, and
//! sleeps in the operating system's event queue when there is nothing to poll. Futures need not be
//! `Send`; wakers are, and may be called from any thread at any time.
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
//! Sockets implement the traits of [`futures_io`], so the extension traits of `futures` apply:
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
//! # Fairness
//!
//! Every operation of this crate that can be ready at once pays from the budget of the poll it is in. A task that has
//! used its budget up gives way and is woken at once, so a socket that always has something to read, or a listener
//! whose every `accept` fails, does not keep timers and other tasks from their turn.
//!
//! # Threads
//!
//! Sockets and timers are `Send` and `Sync`. They belong to the runtime in which they are made, and may be used on any
//! thread while that one runs.
//!
//! # Features
//!
//! - `tokio`: streams implement `AsyncRead` and `AsyncWrite` of `tokio::io`.
//! - `hyper`: streams implement `Read` and `Write` of `hyper::rt`, and there is a timer for hyper,
//!   `time::HyperTimer`.
//!
//! # Implementation notes
//!
//! A task is three allocations: its future, the [`Arc`](std::sync::Arc) its wakers point to, and
//! the cell in which its [`JoinHandle`] finds the result.
//!
//! Events and timers are the driver's: one event queue of the system, and a timing wheel. Its owner waits in it; all
//! others hold its handle. A socket keeps its task's waker from wait to wait, so a task that waits again clones
//! nothing, and a timer that is polled again takes no lock. A read of a TCP stream that gives less than asked for is
//! taken to have emptied it, which saves the read that would only say so. The only `unsafe` code of sockets reads into
//! memory that is not initialised, for `tokio` and `hyper`.
//!
//! Modules flow one way: `sync` ← `wake_state`, `park_state`, `budget` ← `driver` ← `context` ← `task` ← `executor` ←
//! `join`, `time` ← `io` ← `net`. Under `cfg(loom)` only the cross-thread protocols are compiled, for the models in
//! `loom-tests/`.
//!
//! [mio]: https://docs.rs/mio

#![deny(unsafe_code)]

#[cfg(loom)]
#[doc(hidden)]
pub mod park_state;
#[cfg(not(loom))]
mod park_state;
#[cfg(loom)]
#[doc(hidden)]
#[path = "driver/parking.rs"]
pub mod parking;
#[cfg(loom)]
#[doc(hidden)]
#[path = "driver/source.rs"]
pub mod source;
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
    /// Whether the owner of the event queue is parked in it.
    pub mod parking {
        pub use crate::driver::parking::*;
    }
    /// The readiness of a source of events.
    pub mod source {
        pub use crate::driver::source::*;
    }
}

#[cfg(not(loom))]
mod budget;
#[cfg(not(loom))]
mod context;
#[cfg(not(loom))]
mod driver;
#[cfg(not(loom))]
mod executor;
#[cfg(not(loom))]
pub mod io;
#[cfg(not(loom))]
mod join;
#[cfg(not(loom))]
pub mod net;
#[cfg(not(loom))]
mod runtime;
#[cfg(not(loom))]
mod task;
#[cfg(not(loom))]
pub mod time;

#[cfg(not(loom))]
pub use crate::{
    join::{JoinError, JoinHandle},
    runtime::{Runtime, block_on, spawn},
    task::{YieldNow, yield_now},
    time::{Elapsed, Sleep, Timeout, sleep, sleep_until, timeout},
};
