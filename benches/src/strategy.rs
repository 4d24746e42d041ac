//! What a strategy is, which ones exist, and whether they can run here.

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::drive::Timed;
use crate::generate::{self, Generate, Tree};
use crate::join::{self, Join};
use crate::measure::Sample;
use crate::memory::movability::Unstarted;
use crate::memory::{Case, Probe};
use crate::prefetch::{self, Lookups, Spec, Way};
use crate::strategies::{
    cpp, direct, nested, nested_boxed, reblessive, remote, stackful, state_machine,
};
use crate::workload::Workload;

/// Where a frame lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// In the caller's frame.
    Inline,
    /// An allocation for each call.
    Heap,
    /// On the chain's LIFO frame stack.
    Stack,
    /// On a LIFO arena, as C++ programs have it by `operator new`.
    Arena,
    /// An allocation for each call, and the callee's type erased.
    Boxed,
    /// In the caller's frame where it is small enough, else on the frame stack.
    May,
    /// In the caller's frame, and the roots of many tasks side by side in one allocation.
    Contiguous,
}

impl Placement {
    /// The name in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Placement::Inline => "inline",
            Placement::Heap => "heap",
            Placement::Stack => "stack",
            Placement::Arena => "arena",
            Placement::Boxed => "boxed",
            Placement::May => "may",
            Placement::Contiguous => "contiguous",
        }
    }
}

/// Runs a number of iterations of one workload and reports time and checksum. May be called any
/// number of times; fails only where the work is done in another process.
pub type Runner = Box<dyn FnMut(u64) -> Result<Timed>>;

/// One way in which a strategy runs a workload.
pub struct Variant {
    /// Where the frames live, where a strategy has a choice and the figure depends on it.
    pub placement: Option<Placement>,
    /// Does the work.
    pub run: Runner,
}

impl Variant {
    /// The only way of a strategy that leaves no choice.
    pub fn only(mut run: impl FnMut(u64) -> Timed + 'static) -> Vec<Self> {
        vec![Self { placement: None, run: Box::new(move |n| Ok(run(n))) }]
    }

    /// The way that has its frames at `placement`.
    pub fn placed(placement: Placement, mut run: impl FnMut(u64) -> Timed + 'static) -> Self {
        Self { placement: Some(placement), run: Box::new(move |n| Ok(run(n))) }
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("placement", &self.placement).finish_non_exhaustive()
    }
}

/// One way of resuming a suspended call stack.
pub trait Strategy {
    /// The ways in which this strategy runs `workload`; empty if it does not.
    fn variants(&self, workload: Workload) -> Vec<Variant>;

    /// How this strategy runs branches of one task; `None` if it does not.
    fn join(&self, case: join::Case, branches: usize) -> Option<Sample> {
        let _ = (case, branches);
        None
    }

    /// How this strategy traverses a tree item by item; `None` if it does not.
    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        let _ = tree;
        None
    }

    /// How this strategy does the lookups of `prefetch`; `None` if it does not, or not so.
    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        let _ = (spec, way);
        None
    }

    /// The ways in which this strategy runs a case of the experiment `memory`; empty if it does not.
    ///
    /// # Errors
    /// If what they need cannot be prepared.
    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        let _ = case;
        Ok(Vec::new())
    }

    /// A chain that holds a payload of so many bytes, not started, for the movability part of
    /// `memory`; `None` if the strategy has none.
    fn unstarted(&self, payload: u32) -> Option<Unstarted> {
        let _ = payload;
        None
    }

    /// With what the strategy was built, where that is not the lab's own compiler.
    fn built_by(&self) -> Option<String> {
        None
    }

    /// Environment that lets a child `lab` skip what this one has prepared already.
    fn child_environment(&self) -> Vec<(String, PathBuf)> {
        Vec::new()
    }

    /// The `lab` that runs this strategy, if it is not the present one.
    fn child_program(&self) -> Option<PathBuf> {
        None
    }
}

/// Everything a strategy may need to know in order to be prepared.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// A `lab` built with the feature `tail-call`, to measure `direct-tail` from a build without.
    pub tail_lab: Option<PathBuf>,
}

/// A strategy that runs branches and nothing else.
struct JoinOnly(Join);

impl Strategy for JoinOnly {
    fn variants(&self, _: Workload) -> Vec<Variant> {
        Vec::new()
    }

    fn join(&self, case: join::Case, branches: usize) -> Option<Sample> {
        self.0(case, branches)
    }
}

/// A strategy that traverses trees and nothing else.
struct GenerateOnly(Generate);

impl Strategy for GenerateOnly {
    fn variants(&self, _: Workload) -> Vec<Variant> {
        Vec::new()
    }

    fn generate(&self, tree: &Rc<Tree>) -> Option<Sample> {
        self.0(tree)
    }
}

/// A strategy that does lookups and nothing else.
struct LookupsOnly(fn(Spec, Way) -> Option<Lookups>);

impl Strategy for LookupsOnly {
    fn variants(&self, _: Workload) -> Vec<Variant> {
        Vec::new()
    }

    fn lookups(&self, spec: Spec, way: Way) -> Option<Lookups> {
        self.0(spec, way)
    }
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
        load: |_| Ok(Box::new(JoinOnly(join::others::futures_unordered))),
    },
    Entry {
        name: "join-set",
        about: "tokio's `JoinSet`: a task for each branch, on one thread",
        load: |_| Ok(Box::new(JoinOnly(join::others::join_set))),
    },
    Entry {
        name: "direct-fold",
        about: "direct, by `fold` instead of a loop: the closure is called where an item is yielded",
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(GenerateOnly(generate::direct::fold)))
        },
    },
    Entry {
        name: "explicit-stack",
        about: "by hand: an iterator that holds the path to its next item",
        load: |_| Ok(Box::new(GenerateOnly(generate::others::explicit_stack))),
    },
    Entry {
        name: "nested-iterator",
        about: "`Box<dyn Iterator>` at each level, chained: an item passes through all of them",
        load: |_| Ok(Box::new(GenerateOnly(generate::others::nested_iterator))),
    },
    Entry {
        name: "genawaiter",
        about: "in the style of that crate: boxed `async` bodies that share a cell for the item",
        load: |_| Ok(Box::new(GenerateOnly(generate::others::genawaiter))),
    },
    Entry {
        name: "visitor",
        about: "a recursive function that calls another with each item",
        load: |_| Ok(Box::new(GenerateOnly(generate::others::visitor))),
    },
    Entry {
        name: "group-prefetch",
        about: "by hand: a group of lookups in lockstep, a loop for each stage",
        load: |_| Ok(Box::new(LookupsOnly(prefetch::group::group_prefetch))),
    },
    Entry {
        name: "adaptive",
        about: "direct, in groups or one lookup after the other, whichever it finds to be faster",
        load: |_| {
            for_the_loop()?;
            Ok(Box::new(LookupsOnly(prefetch::adaptive::adaptive)))
        },
    },
    Entry {
        name: "naive",
        about: "by hand: one lookup after the other, without branches on what was read",
        load: |_| Ok(Box::new(LookupsOnly(prefetch::naive))),
    },
    Entry {
        name: "naive-branch",
        about: "the same with branches, so that the processor guesses and reads ahead",
        load: |_| Ok(Box::new(LookupsOnly(prefetch::naive_branch))),
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
