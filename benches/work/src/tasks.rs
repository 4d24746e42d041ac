//! What a runtime does all day: it spawns, joins and yields tasks, passes messages between them, answers
//! on sockets, and keeps timers.
//!
//! The first five are those of tokio's own benchmarks, with a message instead of a blocked thread at the
//! end where a runtime on one thread could not go on otherwise. The messages are those of the crate
//! `futures`, whatever the runtime.

use serde::{Deserialize, Serialize};

use crate::clock::Cost;
use crate::flavour::Flavour;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bench {
    /// 10 000 tasks are spawned; the last one to run sends a message. **An item is a task.**
    SpawnMany,
    /// 10 000 tasks are spawned, and then joined one after the other. **An item is a task.**
    SpawnJoin,
    /// 200 tasks yield 1 000 times each. **An item is a yield.**
    YieldMany,
    /// 1 000 tasks each spawn another, and pass a message to it and back. **An item is such a pair.**
    PingPong,
    /// A task spawns one that spawns one, 1 000 times. **An item is a task.**
    ChainedSpawn,
    /// A server answers messages of 64 bytes from a thread with blocking sockets: one for each
    /// connection, then the next round. **An item is a message.** The client's processor time does not
    /// count.
    Echo {
        /// The number of connections.
        connections: usize,
    },
    /// A server of hyper answers `GET` requests of HTTP/1.1 with a short text, to a client as in
    /// [`Bench::Echo`]. **An item is a request.**
    Hyper {
        /// The number of connections.
        connections: usize,
    },
    /// Sleeps of one to two hours are made, boxed and polled once. **An item is a sleep.**
    TimersArm {
        /// How many.
        timers: usize,
    },
    /// The same sleeps are polled again. **An item is a sleep.**
    TimersRepoll {
        /// How many.
        timers: usize,
    },
    /// The same sleeps are dropped. **An item is a sleep.**
    TimersCancel {
        /// How many.
        timers: usize,
    },
    /// Tasks sleep until about the same time, wake up and end; what comes before is not timed. **An item
    /// is a task.**
    TimersFire {
        /// How many.
        timers: usize,
    },
}

/// Tasks of [`Bench::SpawnMany`] and [`Bench::SpawnJoin`].
pub const SPAWNED: usize = 10_000;
/// Tasks of [`Bench::YieldMany`].
pub const YIELDING: usize = 200;
/// How often each of them yields.
pub const YIELDS: usize = 1_000;
/// Pairs of [`Bench::PingPong`].
pub const PAIRS: usize = 1_000;
/// Tasks of [`Bench::ChainedSpawn`].
pub const CHAINED: usize = 1_000;
/// Bytes of a message of [`Bench::Echo`].
pub const MESSAGE: usize = 64;
/// What the server of [`Bench::Hyper`] answers.
pub const HTTP_BODY: &str = "Hello, World!";

impl Bench {
    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Bench::SpawnMany => "spawn_many",
            Bench::SpawnJoin => "spawn_join",
            Bench::YieldMany => "yield_many",
            Bench::PingPong => "ping_pong",
            Bench::ChainedSpawn => "chained_spawn",
            Bench::Echo { .. } => "echo",
            Bench::Hyper { .. } => "hyper",
            Bench::TimersArm { .. } => "timers_arm",
            Bench::TimersRepoll { .. } => "timers_repoll",
            Bench::TimersCancel { .. } => "timers_cancel",
            Bench::TimersFire { .. } => "timers_fire",
        }
    }

    /// Items of one iteration.
    #[must_use]
    pub fn items(self) -> usize {
        match self {
            Bench::SpawnMany | Bench::SpawnJoin => SPAWNED,
            Bench::YieldMany => YIELDING * YIELDS,
            Bench::PingPong => PAIRS,
            Bench::ChainedSpawn => CHAINED,
            Bench::Echo { connections } | Bench::Hyper { connections } => connections,
            Bench::TimersArm { timers }
            | Bench::TimersRepoll { timers }
            | Bench::TimersCancel { timers }
            | Bench::TimersFire { timers } => timers,
        }
    }
}

/// A benchmark on a runtime of one flavour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spec {
    /// The benchmark.
    pub bench: Bench,
    /// On how many threads.
    pub flavour: Flavour,
}

/// Runs so many iterations, checks that everything was done, and says what it took.
pub type Tasks = Box<dyn FnMut(u64) -> anyhow::Result<Cost>>;
