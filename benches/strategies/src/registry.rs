//! Which strategies exist, what each can do, and whether it can run here. Nothing else keeps lists of
//! their names. A program that the lab is a part of may [add its own](extend).

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Result, bail};
use lab_work::strategy::Strategy;

use crate::{
    adaptive, cpp, direct, direct_fold, direct_nested, explicit_stack, futures_unordered,
    genawaiter, group_prefetch, join_set, llvm_coro, naive, nested, nested_boxed, nested_iterator,
    reblessive, remote, stackful, state_machine, visitor,
};

/// A kind of work. What a strategy can do is known without preparing it, so that nothing is compiled
/// for an experiment that leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Chains of calls: [`Strategy::variants`].
    Chains,
    /// Branches of one task: [`Strategy::join`].
    Branches,
    /// Items out of a recursion: [`Strategy::generate`].
    Items,
    /// Lookups in tables: [`Strategy::lookups`].
    Lookups,
    /// Programs whose memory is counted: [`Strategy::probes`].
    Memory,
    /// What a runtime does: [`Strategy::wakes`], [`Strategy::tasks`].
    Runtime,
    /// Requests to an HTTP service: [`Strategy::requests`], [`Strategy::service`].
    Requests,
    /// Programs for the compiler: [`Strategy::dialects`].
    Sources,
}
use Work::{Branches, Chains, Items, Lookups, Memory, Requests, Runtime, Sources};

/// What a strategy is in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What everybody writes today; the others are compared with it.
    Baseline,
    /// This project.
    Ours,
    /// Anything else.
    Other,
}

/// Red, green, blue.
pub type Colour = (u8, u8, u8);

/// For strategies that are rarely drawn.
const BLACK: Colour = (0, 0, 0);

/// Everything a strategy may need to know in order to be prepared.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// A `lab` built with the feature `tail-call`, to measure `direct-tail` from a build without.
    pub tail_lab: Option<PathBuf>,
}

/// All that is known of a strategy before it is prepared.
pub struct Entry {
    /// Its name in the JSON.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// What it can do.
    pub does: &'static [Work],
    /// What it is in a comparison.
    pub role: Role,
    /// The colour of its lines; ours are reds.
    pub colour: Colour,
    /// Whether preparing it takes as long as a compiler runs.
    pub is_compiled: bool,
    /// Prepares it, or says why it cannot run here.
    pub load: fn(&Setup) -> Result<Box<dyn Strategy>>,
}

impl Entry {
    /// Whether it does work of this kind.
    #[must_use]
    pub fn does(&self, work: Work) -> bool {
        self.does.contains(&work)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The lab's strategies, in the order of the tables.
static OWN: [Entry; 26] = [
    Entry {
        name: "nested",
        about: "plain `async fn`: a wake-up polls the whole stack from the root",
        does: &[Chains, Branches, Lookups, Memory, Requests, Sources],
        role: Role::Baseline,
        colour: (31, 119, 180),
        is_compiled: false,
        load: |_| Ok(Box::new(nested::Nested)),
    },
    Entry {
        name: "nested-boxed",
        about: "`async fn` with `Pin<Box<dyn Future>>` at each level",
        does: &[Chains, Memory, Sources],
        role: Role::Other,
        colour: (23, 190, 207),
        is_compiled: false,
        load: |_| Ok(Box::new(nested_boxed::NestedBoxed)),
    },
    Entry {
        name: "direct",
        about: "this project: a wake-up resumes the leaf; frames return through a loop",
        does: &[Chains, Branches, Items, Lookups, Memory, Requests, Sources],
        role: Role::Ours,
        colour: (214, 39, 40),
        is_compiled: false,
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
        does: &[Chains, Branches, Items, Lookups, Memory, Requests],
        role: Role::Ours,
        colour: (255, 127, 80),
        is_compiled: false,
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
        name: "direct-nested",
        about: "direct, with `.nested()` at each call of a static chain and of a lookup: no frames between",
        does: &[Chains, Lookups],
        role: Role::Ours,
        colour: (127, 0, 55),
        is_compiled: false,
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(direct_nested::DirectNested))
        },
    },
    Entry {
        name: "stackful",
        about: "corosensei: a stack for each chain, plain calls on it",
        does: &[Chains, Lookups, Memory],
        role: Role::Other,
        colour: (44, 160, 44),
        is_compiled: false,
        load: |_| Ok(Box::new(stackful::Stackful)),
    },
    Entry {
        name: "reblessive",
        about: "the crate reblessive: futures on a heap stack, the top one is polled",
        does: &[Chains],
        role: Role::Other,
        colour: (148, 103, 189),
        is_compiled: false,
        load: |_| Ok(Box::new(reblessive::Reblessive)),
    },
    Entry {
        name: "cpp-clang",
        about: "C++20 coroutines with symmetric transfer, by clang",
        does: &[Chains, Lookups, Memory],
        role: Role::Other,
        colour: (140, 86, 75),
        is_compiled: true,
        load: |_| Ok(Box::new(cpp::Cpp::load(&cpp::CLANG)?)),
    },
    Entry {
        name: "cpp-gcc",
        about: "the same by g++",
        does: &[Chains, Lookups, Memory],
        role: Role::Other,
        colour: (188, 160, 34),
        is_compiled: true,
        load: |_| Ok(Box::new(cpp::Cpp::load(&cpp::GCC)?)),
    },
    Entry {
        name: "llvm-coro",
        about: "Rust functions that a plugin for LLVM's `opt` makes coroutines of LLVM's",
        does: &[Chains, Lookups, Memory],
        role: Role::Other,
        colour: (0, 128, 128),
        is_compiled: true,
        load: |_| Ok(Box::new(llvm_coro::LlvmCoro::load()?)),
    },
    Entry {
        name: "llvm-coro-inlined",
        about: "the same, inlined before that: levels of a static chain are merged into one",
        does: &[Chains, Lookups, Memory],
        role: Role::Other,
        colour: (102, 194, 165),
        is_compiled: true,
        load: |_| Ok(Box::new(llvm_coro::LlvmCoroInlined::load()?)),
    },
    Entry {
        name: "state-machine",
        about: "by hand: explicit frames in a vector, a loop over the topmost",
        does: &[Chains, Lookups],
        role: Role::Other,
        colour: (110, 110, 110),
        is_compiled: false,
        load: |_| Ok(Box::new(state_machine::StateMachine)),
    },
    Entry {
        name: "futures-unordered",
        about: "`FuturesUnordered` of the crate futures: a set that polls what was woken",
        does: &[Branches],
        role: Role::Other,
        colour: (227, 119, 194),
        is_compiled: false,
        load: |_| Ok(Box::new(futures_unordered::FuturesUnordered)),
    },
    Entry {
        name: "join-set",
        about: "tokio's `JoinSet`: a task for each branch, on one thread",
        does: &[Branches],
        role: Role::Other,
        colour: (255, 190, 120),
        is_compiled: false,
        load: |_| Ok(Box::new(join_set::JoinSet)),
    },
    Entry {
        name: "direct-fold",
        about: "direct, by `fold` instead of a loop: the closure is called where an item is yielded",
        does: &[Items],
        role: Role::Ours,
        colour: (30, 30, 30),
        is_compiled: false,
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(direct_fold::DirectFold))
        },
    },
    Entry {
        name: "explicit-stack",
        about: "by hand: an iterator that holds the path to its next item",
        does: &[Items],
        role: Role::Other,
        colour: (160, 160, 190),
        is_compiled: false,
        load: |_| Ok(Box::new(explicit_stack::ExplicitStack)),
    },
    Entry {
        name: "nested-iterator",
        about: "`Box<dyn Iterator>` at each level, chained: an item passes through all of them",
        does: &[Items],
        role: Role::Other,
        colour: (214, 39, 40),
        is_compiled: false,
        load: |_| Ok(Box::new(nested_iterator::NestedIterator)),
    },
    Entry {
        name: "genawaiter",
        about: "in the style of that crate: boxed `async` bodies that share a cell for the item",
        does: &[Items],
        role: Role::Other,
        colour: (31, 119, 180),
        is_compiled: false,
        load: |_| Ok(Box::new(genawaiter::Genawaiter)),
    },
    Entry {
        name: "visitor",
        about: "a recursive function that calls another with each item",
        does: &[Items],
        role: Role::Other,
        colour: (60, 60, 60),
        is_compiled: false,
        load: |_| Ok(Box::new(visitor::Visitor)),
    },
    Entry {
        name: "group-prefetch",
        about: "by hand: a group of lookups in lockstep, a loop for each stage",
        does: &[Lookups],
        role: Role::Other,
        colour: BLACK,
        is_compiled: false,
        load: |_| Ok(Box::new(group_prefetch::GroupPrefetch)),
    },
    Entry {
        name: "adaptive",
        about: "direct, in groups or one lookup after the other, whichever it finds to be faster",
        does: &[Lookups],
        role: Role::Ours,
        colour: BLACK,
        is_compiled: false,
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(adaptive::Adaptive))
        },
    },
    Entry {
        name: "naive",
        about: "by hand: one lookup after the other, without branches on what was read",
        does: &[Lookups],
        role: Role::Other,
        colour: BLACK,
        is_compiled: false,
        load: |_| Ok(Box::new(naive::Naive)),
    },
    Entry {
        name: "naive-branch",
        about: "the same with branches, so that the processor guesses and reads ahead",
        does: &[Lookups],
        role: Role::Other,
        colour: BLACK,
        is_compiled: false,
        load: |_| Ok(Box::new(naive::NaiveBranch)),
    },
    Entry {
        name: "reactor",
        about: "this project's runtime, which resumes the leaf of a task's chain itself",
        does: &[Runtime],
        role: Role::Ours,
        colour: (214, 39, 40),
        is_compiled: false,
        load: |_| Ok(Box::new(lab_runtimes::Reactor)),
    },
    Entry {
        name: "tokio",
        about: "the runtime tokio, with its event queue and timers",
        does: &[Runtime],
        role: Role::Other,
        colour: (31, 119, 180),
        is_compiled: false,
        load: |_| Ok(Box::new(lab_runtimes::Tokio)),
    },
    Entry {
        name: "async-executor",
        about: "the executors of the crate async-executor with async-io: what smol consists of",
        does: &[Runtime],
        role: Role::Other,
        colour: (44, 160, 44),
        is_compiled: false,
        load: |_| Ok(Box::new(lab_runtimes::AsyncExecutor)),
    },
];

/// What has no name of its own for returns by `become` is measured by the loop only.
fn for_the_loop() -> Result<()> {
    if cfg!(feature = "tail-call") {
        bail!("this lab is built with the feature `tail-call`: the name is for the loop");
    }
    Ok(())
}

/// Those of the program that the lab is a part of.
static MORE: OnceLock<&'static [Entry]> = OnceLock::new();

/// All strategies, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    OWN.iter().chain(MORE.get().copied().unwrap_or_default())
}

/// Adds strategies, once.
///
/// # Panics
/// If it is called twice, or a name is there already.
pub fn extend(strategies: &'static [Entry]) {
    for new in strategies {
        let is_new = OWN.iter().all(|old| old.name != new.name);
        assert!(is_new, "the lab has a strategy {} of its own", new.name);
    }
    assert!(MORE.set(strategies).is_ok(), "the lab has been extended already");
}

/// The names of all strategies, in the order of the tables.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().map(|entry| entry.name).collect()
}

/// The entry of a strategy.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.name == name)
}

/// The place of a strategy in tables and plots; unknown names come last.
#[must_use]
pub fn rank(name: &str) -> usize {
    all().position(|entry| entry.name == name).unwrap_or(usize::MAX)
}

/// The name of the strategy that the others are compared with.
///
/// # Panics
/// Never: there is one.
#[must_use]
pub fn baseline() -> &'static str {
    OWN.iter().find(|entry| entry.role == Role::Baseline).expect("there is one").name
}

/// A strategy, or why it cannot run here.
pub struct Loaded {
    /// What is known of it anyway.
    pub entry: &'static Entry,
    /// The strategy, or the reason for its absence.
    pub state: Result<Box<dyn Strategy>>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// Prepares the strategies for which `wanted` holds. May compile C++, and Rust (cached).
pub fn load(wanted: impl Fn(&Entry) -> bool, setup: &Setup) -> Vec<Loaded> {
    all()
        .filter(|entry| wanted(entry))
        .map(|entry| Loaded { entry, state: (entry.load)(setup) })
        .collect()
}
