//! Rust functions as LLVM's coroutines. A plugin for LLVM's `opt` turns ordinary functions, of the same
//! text as the bodies of the other strategies but without `async` and `.await`, into coroutines, by
//! LLVM's switch lowering. What a compiler would gain by that, and what is in its way, is in
//! `docs/llvm-coroutines.md`.
//!
//! Built when it is prepared, if there are the tools of the LLVM that rustc has.

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use lab_work::drive::Placement;
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};
use libloading::Library;

use crate::foreign::{ChainPeer, Libraries, LookupPeer, MemoryPeers};

mod build;
mod differential;
mod toolchain;

use build::Unit;
pub use differential::{Lowering, Outcome, available, differential};
use toolchain::Toolchain;

/// The workloads under the clock; frames from `malloc`.
const CHAINS: Unit = Unit {
    file: "chains.rs",
    source: include_str!("peers/chains.rs"),
    is_library: true,
    cfgs: &[],
    options: "",
};

/// Frames from a LIFO arena.
const CHAINS_ARENA: Unit = Unit { cfgs: &["arena"], ..CHAINS };

/// The frames of callees in their callers'.
const CHAINS_ELIDED: Unit = Unit { options: "elide", ..CHAINS };

/// Bodies inlined into their callers'.
const CHAINS_INLINED: Unit = Unit { cfgs: &["inlined"], ..CHAINS };

/// The lookups of `prefetch`; frames of callees in their callers', as one lookup follows the other.
const LOOKUPS: Unit = Unit {
    file: "lookups.rs",
    source: include_str!("peers/lookups.rs"),
    is_library: true,
    cfgs: &[],
    options: "elide",
};

const LOOKUPS_INLINED: Unit = Unit { cfgs: &["inlined"], options: "", ..LOOKUPS };

/// The programs of `memory`.
const MEMORY: Unit = Unit {
    file: "memory.rs",
    source: include_str!("peers/memory.rs"),
    is_library: true,
    cfgs: &["count"],
    options: "separate",
};

const MEMORY_ELIDED: Unit = Unit { options: "elide", ..MEMORY };

const MEMORY_INLINED: Unit = Unit { cfgs: &["count", "inlined"], options: "", ..MEMORY };

/// The units of one strategy.
struct Units {
    /// `None` if the parent `lab` has built what is needed.
    toolchain: Option<Toolchain>,
    libraries: Libraries,
}

impl Units {
    /// Looks for the tools, unless a parent has built `first`, and builds nothing yet.
    fn new(first: &str) -> Result<Self> {
        let toolchain = match std::env::var_os(first) {
            Some(_) => None,
            None => Some(Toolchain::find()?),
        };
        Ok(Self { toolchain, libraries: Libraries::default() })
    }

    /// Loads the library that `variable` names in a child, and builds it before if need be.
    fn load(&self, variable: &str, unit: &Unit) -> Result<Library> {
        self.libraries.load(variable.to_owned(), || {
            let toolchain = self.toolchain.as_ref();
            toolchain.context("the parent lab has not built it")?.built(unit)
        })
    }

    fn chains(&self, variable: &str, unit: &Unit) -> Result<Rc<ChainPeer>> {
        Ok(Rc::new(ChainPeer::new(self.load(variable, unit)?)?))
    }

    fn lookups(&self, variable: &str, unit: &Unit) -> Result<Rc<LookupPeer>> {
        Ok(Rc::new(LookupPeer::new(self.load(variable, unit)?)?))
    }

    fn built_by(&self) -> String {
        match &self.toolchain {
            Some(toolchain) => toolchain.describe(),
            None => "the parent lab's tools".to_owned(),
        }
    }
}

/// Whether the callees of a workload can be parts of their callers: not those that call themselves, or
/// are called through pointers.
fn is_static(workload: Workload) -> bool {
    match workload {
        Workload::Resume { chain, depth } | Workload::Call { chain, depth, .. } => {
            chain == Chain::Static && depth <= DEEPEST_UNROLLED
        }
        Workload::Fib { .. } => false,
    }
}

fn variant(peer: &Rc<ChainPeer>, workload: Workload, placement: Placement) -> Variant {
    let peer = Rc::clone(peer);
    Variant::placed(placement, move |n| peer.run(workload, placement, n))
}

/// The strategy `llvm-coro`: a coroutine for each function.
pub struct LlvmCoro {
    heap: Rc<ChainPeer>,
    arena: Rc<ChainPeer>,
    elided: Rc<ChainPeer>,
    lookups: Rc<LookupPeer>,
    memory: MemoryPeers,
    units: Units,
}

impl std::fmt::Debug for LlvmCoro {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LlvmCoro").field("toolchain", &self.units.toolchain).finish_non_exhaustive()
    }
}

impl LlvmCoro {
    /// Builds and loads the peers.
    ///
    /// # Errors
    /// If a tool is missing or fails, or a library cannot be loaded.
    pub fn load() -> Result<Self> {
        let units = Units::new("LAB_LLVM_CHAINS")?;
        Ok(Self {
            heap: units.chains("LAB_LLVM_CHAINS", &CHAINS)?,
            arena: units.chains("LAB_LLVM_CHAINS_ARENA", &CHAINS_ARENA)?,
            elided: units.chains("LAB_LLVM_CHAINS_ELIDED", &CHAINS_ELIDED)?,
            lookups: units.lookups("LAB_LLVM_LOOKUPS", &LOOKUPS)?,
            memory: MemoryPeers::default(),
            units,
        })
    }
}

impl Strategy for LlvmCoro {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let heap = variant(&self.heap, workload, Placement::Heap);
        // A resume neither creates nor destroys a frame.
        if let Workload::Resume { .. } = workload {
            return vec![heap];
        }
        let mut all = vec![heap, variant(&self.arena, workload, Placement::Arena)];
        if is_static(workload) {
            all.push(variant(&self.elided, workload, Placement::Inline));
        }
        all
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        LookupPeer::lookups(&self.lookups, way)
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        self.memory.probes(case, || {
            Ok(vec![
                (Placement::Heap, self.units.load("LAB_LLVM_MEMORY", &MEMORY)?),
                (Placement::Inline, self.units.load("LAB_LLVM_MEMORY_ELIDED", &MEMORY_ELIDED)?),
            ])
        })
    }

    fn built_by(&self) -> Option<String> {
        Some(self.units.built_by())
    }

    fn child_environment(&self) -> Vec<(String, PathBuf)> {
        self.units.libraries.environment()
    }
}

/// The strategy `llvm-coro-inlined`: functions are inlined as long as they are ordinary ones, so that a
/// coroutine is what is left of a chain of calls. It has fewer levels than the others.
pub struct LlvmCoroInlined {
    chains: Rc<ChainPeer>,
    lookups: Rc<LookupPeer>,
    memory: MemoryPeers,
    units: Units,
}

impl std::fmt::Debug for LlvmCoroInlined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let toolchain = &self.units.toolchain;
        f.debug_struct("LlvmCoroInlined").field("toolchain", toolchain).finish_non_exhaustive()
    }
}

impl LlvmCoroInlined {
    /// Builds and loads the peers.
    ///
    /// # Errors
    /// If a tool is missing or fails, or a library cannot be loaded.
    pub fn load() -> Result<Self> {
        let units = Units::new("LAB_LLVM_INLINED")?;
        Ok(Self {
            chains: units.chains("LAB_LLVM_INLINED", &CHAINS_INLINED)?,
            lookups: units.lookups("LAB_LLVM_LOOKUPS_INLINED", &LOOKUPS_INLINED)?,
            memory: MemoryPeers::default(),
            units,
        })
    }
}

impl Strategy for LlvmCoroInlined {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let placement = if is_static(workload) { Placement::Inline } else { Placement::Heap };
        vec![variant(&self.chains, workload, placement)]
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        LookupPeer::lookups(&self.lookups, way)
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        self.memory.probes(case, || {
            Ok(vec![(
                Placement::Inline,
                self.units.load("LAB_LLVM_MEMORY_INLINED", &MEMORY_INLINED)?,
            )])
        })
    }

    fn built_by(&self) -> Option<String> {
        Some(self.units.built_by())
    }

    fn child_environment(&self) -> Vec<(String, PathBuf)> {
        self.units.libraries.environment()
    }
}
