//! A task is woken at the innermost call of a stack, through an executor.
//!
//! The task's stack has a depth: so many calls lie around the leaf, which waits for one event after the
//! other. Each event is a wake of the task. What is measured is the time from the leaf's first event to
//! its last; making the runtime, the task and the stack is not.

use serde::{Deserialize, Serialize};

use crate::clock::Cost;
use crate::flavour::Flavour;

/// Who wakes the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The task itself, before it returns `Pending`.
    #[serde(rename = "self")]
    Own,
    /// Another task of the same depth, which the task wakes in turn, both through a cell for a waker.
    Task,
    /// A thread that is no worker of the runtime, which the task unparks in turn.
    Thread,
    /// The other end of a socket pair, where another task of the same depth answers each byte by one.
    Reactor,
}

impl Source {
    /// All, in the order of the tables.
    pub const ALL: [Source; 4] = [Source::Own, Source::Task, Source::Thread, Source::Reactor];

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Source::Own => "self",
            Source::Task => "task",
            Source::Thread => "thread",
            Source::Reactor => "reactor",
        }
    }

    /// How often a task of the runtime is woken for each event of the leaf that is timed.
    #[must_use]
    pub fn wakes(self) -> u32 {
        match self {
            Source::Own | Source::Thread => 1,
            Source::Task | Source::Reactor => 2,
        }
    }
}

/// What the stack of the task is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// Coroutines of this project, with their frames on the heap.
    Direct,
    /// `async fn`s, with a `Pin<Box<dyn Future>>` for each call.
    Boxed,
}

impl Body {
    /// Both, in the order of the tables.
    pub const ALL: [Body; 2] = [Body::Direct, Body::Boxed];

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Body::Direct => "direct",
            Body::Boxed => "boxed",
        }
    }
}

/// The depths that are measured. At depth 0 the task's own future is the leaf.
pub const DEPTHS: [u32; 7] = [0, 1, 4, 8, 16, 64, 256];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spec {
    /// Who wakes.
    pub source: Source,
    /// How many calls lie around the leaf.
    pub depth: u32,
    /// On how many threads.
    pub flavour: Flavour,
    /// Calls of what.
    pub body: Body,
}

/// Lets so many events come, and says what they took. Fails if a result is wrong.
pub type Wakes = Box<dyn FnMut(u64) -> anyhow::Result<Cost>>;
