//! A runtime for `async` Rust: executors for one thread and for several, timers and sockets on [mio].
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
//! An attribute does the same for a program's entry, or for a test: [`macro@main`], [`macro@test`].
//!
//! ```
//! #[reactor::main]
//! async fn main() {
//!     reactor::sleep(std::time::Duration::from_millis(1)).await;
//! }
//! ```
//!
//! # Tasks
//!
//! [`spawn`] starts a task, which runs beside the future of [`block_on`]. Its [`JoinHandle`] is a future of its result.
//! Wakers may be called from any thread at any time.
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
//! # One thread, or several
//!
//! The function [`block_on`] makes a [`LocalRuntime`], whose tasks stay on its thread: there [`spawn_local`] takes
//! futures that are not `Send`. A [`Runtime`] has a worker thread for each core, and its tasks go from one to the
//! other. [`spawn`] works in both, with futures that are `Send`.
//!
//! ```
//! use std::rc::Rc;
//!
//! use reactor::{LocalRuntime, Runtime};
//!
//! # fn main() -> std::io::Result<()> {
//! let one_thread = LocalRuntime::new()?;
//! let shared = Rc::new(20);
//! let task = one_thread.spawn_local({
//!     let shared = shared.clone();
//!     async move { *shared + 1 }
//! });
//! assert_eq!(one_thread.block_on(task).unwrap(), 21);
//!
//! let all_cores = Runtime::new()?;
//! let task = all_cores.spawn(async { 21 });
//! assert_eq!(all_cores.block_on(task).unwrap(), 21);
//! # Ok(())
//! # }
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
//! # Implementation notes
//!
//! A task is one allocation. One whose future is a coroutine of [`cps_core`] is woken at its innermost frame, at any
//! depth. On the thread of a [`LocalRuntime`] a wake, a run and a count of references take no atomic read-modify-write.
//! On a worker of a [`Runtime`] a wake takes one.
//!
//! Events and timers are the driver's: one event queue of the system, and a timing wheel. Its owner waits in it; all
//! others hold its handle. A socket keeps its task's waker from wait to wait, so a task that waits again clones
//! nothing, and a timer that is polled again takes no lock. A read of a TCP stream that gives less than asked for is
//! taken to have emptied it, which saves the read that would only say so.
//!
//! # Where to read on
//!
//! | question | page |
//! |---|---|
//! | How is the runtime kept from one call of [`block_on`] to the next? | [`LocalRuntime`] |
//! | How do tasks run on all cores? | [`Runtime`], [`Builder`] |
//! | How is a task spawned that is not `Send`, or from another thread? | [`spawn_local`], [`Handle`] |
//! | What becomes of a task whose handle is dropped, or that panics? | [`JoinHandle`], [`JoinError`] |
//! | How are tasks joined in the order in which they end? | [`JoinSet`] |
//! | Where does code run that blocks? | [`spawn_blocking`]; [`fs`] for files |
//! | How does a task let others run? | [`yield_now`] |
//! | What can sockets do? | [`net`], and [`io`] for other descriptors |
//! | How does a program end by Ctrl-C? | `signal`, with the feature |
//! | What do the tasks do at the moment, and where do they wait? | [`Handle::dump`] |
//! | How many tasks are there, and what have the workers done? | [`Handle::metrics`] |
//! | Intervals, and a clock that tests can stop? | [`time`] |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tokio` | the traits of `tokio::io` for streams |
//! | `hyper` | the traits of `hyper::rt` for streams, and its timer |
//! | `signal` | signals of the operating system, on Unix |
//! | `tracing` | a span of `tracing` for each task, and events of its wakers, as `tokio-console` looks for them |
//! | `metrics` | times from wakes to polls, among the metrics; a wake and a poll look at the clock |
//!
//! [mio]: https://docs.rs/mio

// Rooms flow one way: `sync`, `budget`, `entered` ← `driver` ← `context` ← `time` ← `io` ← `net`, `signal`; and `sync`
// ← `task` ← `sight` ← `local`, `multi` ← `runtime` ← `blocking` ← `join_set`; and `task` ← `pool` ← `net`, `fs`,
// `blocking`. There is `unsafe` code in `task`, `local`, `multi`, `runtime`, and in one file of `net`: see `UNSAFE.md`. Under `cfg(loom)` only the protocols between
// threads are compiled, for the models in `loom-tests/`.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(loom)]
#[doc(hidden)]
#[path = "multi/idle.rs"]
pub mod idle;
#[cfg(loom)]
#[doc(hidden)]
#[path = "multi/life.rs"]
pub mod life;
#[cfg(loom)]
#[doc(hidden)]
#[path = "multi/list.rs"]
pub mod list;
#[cfg(loom)]
#[doc(hidden)]
#[path = "multi/parker.rs"]
pub mod parker;
#[cfg(loom)]
#[doc(hidden)]
#[path = "driver/parking.rs"]
pub mod parking;
#[cfg(loom)]
#[doc(hidden)]
#[path = "multi/slot.rs"]
pub mod slot;
#[cfg(loom)]
#[doc(hidden)]
#[path = "driver/source.rs"]
pub mod source;
#[cfg(loom)]
mod sight {
    pub(crate) mod count;
}
#[cfg(loom)]
#[doc(hidden)]
pub mod driver {
    pub mod timers;
    mod wheel;
}
#[cfg(loom)]
#[doc(hidden)]
pub mod pool;
#[cfg(loom)]
#[doc(hidden)]
pub mod sync;
#[cfg(not(loom))]
mod sync;
#[cfg(loom)]
#[doc(hidden)]
pub mod task;
#[cfg(not(loom))]
pub mod task;

// For the stress tests, which run the models' scenarios on real threads.
#[cfg(not(loom))]
#[doc(hidden)]
pub mod protocol {
    pub use crate::multi::{idle, life, list, parker, slot};
    pub use crate::pool::{hand_off, threads};
    pub use crate::task::{counter, join_state, members, references, remote_queue};
    /// Whether the owner of the event queue is parked in it.
    pub mod parking {
        pub use crate::driver::parking::*;
    }
    /// The timers of a driver.
    pub mod timers {
        pub use crate::driver::timers::*;
    }
    /// The readiness of a source of events.
    pub mod source {
        pub use crate::driver::source::*;
    }
}

#[cfg(not(loom))]
mod blocking;
#[cfg(not(loom))]
mod budget;
#[cfg(not(loom))]
mod context;
#[cfg(not(loom))]
mod driver;
#[cfg(not(loom))]
mod entered;
#[cfg(not(loom))]
pub mod fs;
#[cfg(not(loom))]
pub mod io;
#[cfg(not(loom))]
mod join_set;
#[cfg(not(loom))]
mod local;
#[cfg(not(loom))]
mod multi;
#[cfg(not(loom))]
pub mod net;
#[cfg(not(loom))]
mod pool;
#[cfg(not(loom))]
mod runtime;
#[cfg(not(loom))]
pub mod sight;
#[cfg(all(unix, feature = "signal", not(loom)))]
pub mod signal;
#[cfg(not(loom))]
pub mod time;

/// Makes the program's entry of an `async fn`: it runs on a new runtime.
///
/// ```
/// #[reactor::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = reactor::net::TcpListener::bind("127.0.0.1:0")?;
///     println!("{}", listener.local_addr()?);
///     Ok(())
/// }
/// ```
///
/// # Options
///
/// | option | what it says |
/// |---|---|
/// | `flavor = "multi_thread"` | a [`Runtime`], which is the default |
/// | `flavor = "current_thread"` | a [`LocalRuntime`] |
/// | `worker_threads = 4` | the number of workers; without it, one for each core |
/// | `crate = path` | where this crate is, for crates that re-export it |
///
/// # Coroutines
///
/// [`#[cps]`](cps_core::cps) goes below this attribute, or above it:
///
/// ```
/// use cps_core::cps;
///
/// #[reactor::main(flavor = "current_thread")]
/// #[cps]
/// async fn main() {
///     reactor::spawn_local(async {}).await.unwrap();
/// }
/// ```
///
/// It is found by its name, `cps` or `coroutine`. The other attributes of the function stay with what this one makes of
/// it, which is not `async`. Macros that need an `async fn` go above.
///
/// # Panics
///
/// The entry panics if the system gives no event queue, or no thread; and inside a runtime, as
/// [`Runtime::block_on`].
#[cfg(not(loom))]
pub use reactor_macros::main;
/// Makes a test of an `async fn`: it runs on a new [`LocalRuntime`], or on a [`Runtime`] with the option
/// `flavor = "multi_thread"`.
///
/// ```
/// #[reactor::test]
/// async fn timers_fire() {
///     reactor::sleep(std::time::Duration::from_millis(1)).await;
/// }
///
/// #[reactor::test(flavor = "multi_thread", worker_threads = 2)]
/// async fn tasks_run_beside_each_other() -> Result<(), reactor::JoinError> {
///     reactor::spawn(async {}).await
/// }
/// ```
///
/// The options are those of [`macro@main`]. `#[ignore]`, `#[should_panic]` and [`#[cps]`](cps_core::cps) go below it.
///
/// # Panics
///
/// The test fails where an entry would panic.
#[cfg(not(loom))]
pub use reactor_macros::test;

#[cfg(not(loom))]
pub use crate::{
    blocking::spawn_blocking,
    join_set::JoinSet,
    runtime::{
        Builder, EnterGuard, Handle, LocalRuntime, Runtime, RuntimeGuard, block_on, spawn,
        spawn_local,
    },
    task::error::JoinError,
    task::handle::{AbortHandle, JoinHandle},
    task::{YieldNow, yield_now},
    time::{Elapsed, Sleep, Timeout, sleep, sleep_until, timeout},
};

// Its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
