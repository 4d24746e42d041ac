//! On how many threads a runtime runs.

use serde::{Deserialize, Serialize};

use crate::clock::Whose;

/// How many threads run the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// The current one.
    Current,
    /// [`WORKERS`](Flavour::WORKERS), beside the current one, which waits for the result.
    Multi,
}

impl Flavour {
    /// Both, in the order of the tables.
    pub const ALL: [Flavour; 2] = [Flavour::Current, Flavour::Multi];

    /// The number of worker threads of [`Flavour::Multi`].
    pub const WORKERS: usize = 2;

    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Flavour::Current => "current",
            Flavour::Multi => "multi",
        }
    }

    /// Whose processor time a runtime of this flavour takes.
    #[must_use]
    pub fn whose(self) -> Whose {
        match self {
            Flavour::Current => Whose::Thread,
            Flavour::Multi => Whose::Process,
        }
    }

    /// How many threads run tasks.
    #[must_use]
    pub fn workers(self) -> usize {
        match self {
            Flavour::Current => 1,
            Flavour::Multi => Self::WORKERS,
        }
    }
}
