//! Which strategies exist, and whether they can run here.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use lab_work::strategy::Strategy;

use crate::{
    adaptive, cpp, direct, direct_fold, explicit_stack, futures_unordered, genawaiter,
    group_prefetch, join_set, naive, nested, nested_boxed, nested_iterator, reblessive, remote,
    stackful, state_machine, visitor,
};

/// Everything a strategy may need to know in order to be prepared.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// A `lab` built with the feature `tail-call`, to measure `direct-tail` from a build without.
    pub tail_lab: Option<PathBuf>,
}

type Load = fn(&Setup) -> Result<Box<dyn Strategy>>;

struct Entry {
    name: &'static str,
    about: &'static str,
    load: Load,
}

/// The strategies in the order of the tables.
static ENTRIES: [Entry; 20] = [
    Entry {
        name: "nested",
        about: "plain `async fn`: a wake-up polls the whole stack from the root",
        load: |_| Ok(Box::new(nested::Nested)),
    },
    Entry {
        name: "nested-boxed",
        about: "`async fn` with `Pin<Box<dyn Future>>` at each level",
        load: |_| Ok(Box::new(nested_boxed::NestedBoxed)),
    },
    Entry {
        name: "direct",
        about: "this project: a wake-up resumes the leaf; frames return through a loop",
        load: |_| {
            if cfg!(feature = "tail-call") {
                bail!("this lab is built with the feature `tail-call`: see direct-tail");
            }
            Ok(Box::new(direct::Direct))
        },
    },
    Entry {
        name: "direct-tail",
        about: "the same with frames that return by `become`",
        load: |setup| {
            if cfg!(feature = "tail-call") {
                return Ok(Box::new(direct::Direct));
            }
            match &setup.tail_lab {
                Some(path) => Ok(Box::new(remote::Remote::start(path, "direct-tail")?)),
                None => bail!(
                    "needs a lab built with `--features tail-call` (nightly, or \
                     RUSTC_BOOTSTRAP=1): run that one, or name it by --tail-lab"
                ),
            }
        },
    },
    Entry {
        name: "stackful",
        about: "corosensei: a stack for each chain, plain calls on it",
        load: |_| Ok(Box::new(stackful::Stackful)),
    },
    Entry {
        name: "reblessive",
        about: "the crate reblessive: futures on a heap stack, the top one is polled",
        load: |_| Ok(Box::new(reblessive::Reblessive)),
    },
    Entry {
        name: "cpp-clang",
        about: "C++20 coroutines with symmetric transfer, by clang",
        load: |_| Ok(Box::new(cpp::Cpp::load(&cpp::CLANG)?)),
    },
    Entry {
        name: "cpp-gcc",
        about: "the same by g++",
        load: |_| Ok(Box::new(cpp::Cpp::load(&cpp::GCC)?)),
    },
    Entry {
        name: "state-machine",
        about: "by hand: explicit frames in a vector, a loop over the topmost",
        load: |_| Ok(Box::new(state_machine::StateMachine)),
    },
    Entry {
        name: "futures-unordered",
        about: "`FuturesUnordered` of the crate futures: a set that polls what was woken",
        load: |_| Ok(Box::new(futures_unordered::FuturesUnordered)),
    },
    Entry {
        name: "join-set",
        about: "tokio's `JoinSet`: a task for each branch, on one thread",
        load: |_| Ok(Box::new(join_set::JoinSet)),
    },
    Entry {
        name: "direct-fold",
        about: "direct, by `fold` instead of a loop: the closure is called where an item is yielded",
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(direct_fold::DirectFold))
        },
    },
    Entry {
        name: "explicit-stack",
        about: "by hand: an iterator that holds the path to its next item",
        load: |_| Ok(Box::new(explicit_stack::ExplicitStack)),
    },
    Entry {
        name: "nested-iterator",
        about: "`Box<dyn Iterator>` at each level, chained: an item passes through all of them",
        load: |_| Ok(Box::new(nested_iterator::NestedIterator)),
    },
    Entry {
        name: "genawaiter",
        about: "in the style of that crate: boxed `async` bodies that share a cell for the item",
        load: |_| Ok(Box::new(genawaiter::Genawaiter)),
    },
    Entry {
        name: "visitor",
        about: "a recursive function that calls another with each item",
        load: |_| Ok(Box::new(visitor::Visitor)),
    },
    Entry {
        name: "group-prefetch",
        about: "by hand: a group of lookups in lockstep, a loop for each stage",
        load: |_| Ok(Box::new(group_prefetch::GroupPrefetch)),
    },
    Entry {
        name: "adaptive",
        about: "direct, in groups or one lookup after the other, whichever it finds to be faster",
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(adaptive::Adaptive))
        },
    },
    Entry {
        name: "naive",
        about: "by hand: one lookup after the other, without branches on what was read",
        load: |_| Ok(Box::new(naive::Naive)),
    },
    Entry {
        name: "naive-branch",
        about: "the same with branches, so that the processor guesses and reads ahead",
        load: |_| Ok(Box::new(naive::NaiveBranch)),
    },
];

/// What has no name of its own for returns by `become` is measured by the loop only.
fn for_the_loop() -> Result<()> {
    if cfg!(feature = "tail-call") {
        bail!("this lab is built with the feature `tail-call`: the name is for the loop");
    }
    Ok(())
}

/// The names of all strategies, in the order of the tables.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ENTRIES.iter().map(|entry| entry.name).collect()
}

/// The place of a strategy in tables and plots; unknown names come last.
#[must_use]
pub fn rank(name: &str) -> usize {
    ENTRIES.iter().position(|entry| entry.name == name).unwrap_or(ENTRIES.len())
}

/// A strategy, or why it cannot run here.
pub struct Loaded {
    /// Its name in the JSON.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The strategy, or the reason for its absence.
    pub state: Result<Box<dyn Strategy>>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Prepares the strategies for which `wanted` holds. May compile C++ (cached).
pub fn load(wanted: impl Fn(&str) -> bool, setup: &Setup) -> Vec<Loaded> {
    ENTRIES
        .iter()
        .filter(|entry| wanted(entry.name))
        .map(|entry| Loaded { name: entry.name, about: entry.about, state: (entry.load)(setup) })
        .collect()
}
