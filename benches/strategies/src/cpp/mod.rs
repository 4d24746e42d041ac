//! C++20 coroutines with symmetric transfer: `peers/*.cpp`, compiled by whatever compiler is found.

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Result, bail};
use lab_work::drive::Placement;
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};
use libloading::Library;

use crate::foreign::{ChainPeer, Libraries, LookupPeer, MemoryPeers};

mod compiler;

pub use compiler::{CLANG, Compiler, GCC};
use compiler::{Toolchain, Unit};

/// The workloads under the clock.
const PEER: Unit = Unit {
    file: "peer.cpp",
    source: include_str!("peers/peer.cpp"),
    define: None,
    variable: "LAB_PEER",
};

/// The same with the frames of callees in their callers', as P2477 proposes.
const PEER_ELIDED: Unit = Unit { define: Some("-DLAB_ELIDE"), variable: "LAB_PEER_ELIDED", ..PEER };

/// The lookups of `prefetch`.
const PREFETCH: Unit = Unit {
    file: "prefetch.cpp",
    source: include_str!("peers/prefetch.cpp"),
    define: None,
    variable: "LAB_PREFETCH",
};

/// The programs of `memory`.
const MEMORY: Unit = Unit {
    file: "memory.cpp",
    source: include_str!("peers/memory.cpp"),
    define: None,
    variable: "LAB_MEMORY",
};

const MEMORY_ELIDED: Unit =
    Unit { define: Some("-DLAB_ELIDE"), variable: "LAB_MEMORY_ELIDED", ..MEMORY };

/// The units of one compiler.
struct Units {
    compiler: &'static Compiler,
    /// `None` if the parent `lab` has built what is needed.
    toolchain: Option<Toolchain>,
    libraries: Libraries,
}

impl Units {
    /// Looks for the compiler and builds nothing yet.
    fn new(compiler: &'static Compiler) -> Result<Self> {
        let toolchain = match std::env::var_os(compiler.variable(&PEER)) {
            Some(_) => None,
            None => Some(compiler.find()?),
        };
        Ok(Self { compiler, toolchain, libraries: Libraries::default() })
    }

    /// Whether there are units that elide.
    fn elide(&self) -> bool {
        match &self.toolchain {
            Some(toolchain) => toolchain.elides(),
            None => std::env::var_os(self.compiler.variable(&PEER_ELIDED)).is_some(),
        }
    }

    /// Loads a unit, and builds it before if need be.
    fn load(&self, unit: &Unit) -> Result<Library> {
        self.libraries.load(self.compiler.variable(unit), || match &self.toolchain {
            Some(toolchain) => toolchain.library(unit),
            None => bail!("the parent lab has not built {}", unit.file),
        })
    }

    fn chains(&self, unit: &Unit) -> Result<Rc<ChainPeer>> {
        Ok(Rc::new(ChainPeer::new(self.load(unit)?)?))
    }
}

/// The strategies `cpp-clang` and `cpp-gcc`.
pub struct Cpp {
    peer: Rc<ChainPeer>,
    /// Where the compiler can.
    elided: Option<Rc<ChainPeer>>,
    lookups: Rc<LookupPeer>,
    memory: MemoryPeers,
    units: Units,
}

impl std::fmt::Debug for Cpp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cpp").field("compiler", self.units.compiler).finish_non_exhaustive()
    }
}

impl Cpp {
    /// Compiles and loads the peers.
    ///
    /// # Errors
    /// If there is no such compiler, or it rejects the source, or the library cannot be loaded.
    pub fn load(compiler: &'static Compiler) -> Result<Self> {
        let units = Units::new(compiler)?;
        let peer = units.chains(&PEER)?;
        let elided = match units.elide() {
            true => Some(units.chains(&PEER_ELIDED)?),
            false => None,
        };
        let lookups = Rc::new(LookupPeer::new(units.load(&PREFETCH)?)?);
        Ok(Self { peer, elided, lookups, memory: MemoryPeers::default(), units })
    }
}

impl Strategy for Cpp {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let placements: &[Placement] = match workload {
            // A resume neither creates nor destroys a frame.
            Workload::Resume { .. } => &[Placement::Heap],
            Workload::Call { .. } | Workload::Fib { .. } => &[Placement::Heap, Placement::Arena],
        };
        let elidable = matches!(workload, Workload::Call { chain: Chain::Static, depth, .. }
            if depth <= DEEPEST_UNROLLED);
        placements
            .iter()
            .map(|&placement| (placement, &self.peer))
            // What calls itself cannot be elided.
            .chain(self.elided.iter().filter(|_| elidable).map(|peer| (Placement::Inline, peer)))
            .map(|(placement, peer)| {
                let peer = Rc::clone(peer);
                Variant::placed(placement, move |n| peer.run(workload, placement, n))
            })
            .collect()
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        LookupPeer::lookups(&self.lookups, way)
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        self.memory.probes(case, || {
            let mut libraries = vec![(Placement::Heap, self.units.load(&MEMORY)?)];
            if self.units.elide() {
                libraries.push((Placement::Inline, self.units.load(&MEMORY_ELIDED)?));
            }
            Ok(libraries)
        })
    }

    fn built_by(&self) -> Option<String> {
        Some(match &self.units.toolchain {
            Some(toolchain) => toolchain.describe(),
            None => "the parent lab's compiler".to_owned(),
        })
    }

    fn child_environment(&self) -> Vec<(String, PathBuf)> {
        self.units.libraries.environment()
    }
}
