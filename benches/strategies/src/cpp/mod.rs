//! C++20 coroutines with symmetric transfer: `peers/*.cpp`, compiled by whatever compiler is found
//! and loaded into this process, so that their samples alternate with everybody else's.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lab_work::drive::Placement;
use lab_work::drive::Timed;
use lab_work::memory::{Case, Probe};
use lab_work::prefetch::{self, Lookups, Spec, Way};
use lab_work::strategy::{Strategy, Variant};
use lab_work::workload::{Chain, DEEPEST_UNROLLED, Workload};
use libloading::{Library, Symbol};

mod compiler;
mod lookups;
mod memory;

pub use compiler::{CLANG, Compiler, GCC};
use compiler::{Toolchain, Unit};
use lookups::LookupPeer;
use memory::MemoryPeers;

/// The workloads under the clock.
const PEER: Unit = Unit {
    file: "peer.cpp",
    source: include_str!("peers/peer.cpp"),
    define: None,
    variable: "LAB_PEER",
};

/// The same with the frames of callees in their callers', as P2477 proposes.
const PEER_ELIDED: Unit = Unit { define: Some("-DLAB_ELIDE"), variable: "LAB_PEER_ELIDED", ..PEER };

/// The libraries of one compiler; those that the parent `lab` has built are named by it.
pub(super) struct Libraries {
    compiler: &'static Compiler,
    /// `None` if the parent has built what is needed.
    toolchain: Option<Toolchain>,
    /// What was loaded: the variable that names it to a child, and the path.
    loaded: RefCell<Vec<(String, PathBuf)>>,
}

impl Libraries {
    /// Looks for the compiler and builds nothing yet.
    fn new(compiler: &'static Compiler) -> Result<Self> {
        let toolchain = match std::env::var_os(compiler.variable(&PEER)) {
            Some(_) => None,
            None => Some(compiler.find()?),
        };
        Ok(Self { compiler, toolchain, loaded: RefCell::default() })
    }

    /// Whether there are units that elide.
    pub(super) fn elide(&self) -> bool {
        match &self.toolchain {
            Some(toolchain) => toolchain.elides(),
            None => std::env::var_os(self.compiler.variable(&PEER_ELIDED)).is_some(),
        }
    }

    /// Loads a unit, and builds it before if need be.
    pub(super) fn load(&self, unit: &Unit) -> Result<Library> {
        let variable = self.compiler.variable(unit);
        let path = match (std::env::var_os(&variable), &self.toolchain) {
            (Some(path), _) => path.into(),
            (None, Some(toolchain)) => toolchain.library(unit)?,
            (None, None) => bail!("the parent lab has not built {}", unit.file),
        };
        // SAFETY: the library was built from the unit's source, whose only initialiser is that of
        // the C++ runtime.
        let library = unsafe { Library::new(&path) }?;
        self.loaded.borrow_mut().push((variable, path));
        Ok(library)
    }
}

type Clock = extern "C" fn() -> u64;
type ResumeFn = unsafe extern "C" fn(bool, u32, u64, Clock, *mut u64) -> u64;
type CallFn = unsafe extern "C" fn(bool, bool, u32, u64, u64) -> u64;
type FibFn = unsafe extern "C" fn(bool, u32, bool, u64) -> u64;

/// Nanoseconds since the first call.
extern "C" fn clock() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The functions of a loaded peer. They keep state in globals, so only one thread may call them;
/// `Cpp` and its runners hold this by `Rc` and so stay on the thread that loaded it.
struct Peer {
    resume: ResumeFn,
    call: CallFn,
    fib: FibFn,
    /// Keeps the functions mapped.
    _library: Library,
}

/// The strategies `cpp-clang` and `cpp-gcc`.
pub struct Cpp {
    peer: Rc<Peer>,
    /// Where the compiler can.
    elided: Option<Rc<Peer>>,
    lookups: Rc<LookupPeer>,
    memory: MemoryPeers,
    libraries: Libraries,
}

impl std::fmt::Debug for Cpp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cpp").field("compiler", self.libraries.compiler).finish_non_exhaustive()
    }
}

impl Cpp {
    /// Compiles and loads the peers.
    ///
    /// # Errors
    /// If there is no such compiler, or it rejects the source, or the library cannot be loaded.
    pub fn load(compiler: &'static Compiler) -> Result<Self> {
        let libraries = Libraries::new(compiler)?;
        let peer = Rc::new(Peer::load(&libraries, &PEER)?);
        let elided = match libraries.elide() {
            true => Some(Rc::new(Peer::load(&libraries, &PEER_ELIDED)?)),
            false => None,
        };
        let lookups = Rc::new(LookupPeer::load(&libraries)?);
        Ok(Self { peer, elided, lookups, memory: MemoryPeers::default(), libraries })
    }
}

impl Peer {
    fn load(libraries: &Libraries, unit: &Unit) -> Result<Self> {
        let loaded = libraries.load(unit)?;
        // SAFETY: the three types are those of the definitions in the unit's source.
        unsafe {
            let resume: Symbol<'_, ResumeFn> = loaded.get(b"lab_resume\0")?;
            let call: Symbol<'_, CallFn> = loaded.get(b"lab_call\0")?;
            let fib: Symbol<'_, FibFn> = loaded.get(b"lab_fib\0")?;
            Ok(Peer { resume: *resume, call: *call, fib: *fib, _library: loaded })
        }
    }

    fn resumes(&self, chain: Chain, depth: u32, n: u64) -> Timed {
        let mut elapsed = 0;
        // SAFETY: `depth` is at least 1, `elapsed` outlives the call, and no other call into this
        // peer is running: nothing shares it between threads.
        let checksum =
            unsafe { (self.resume)(chain == Chain::Dyn, depth, n, clock, &raw mut elapsed) };
        Timed { elapsed: Duration::from_nanos(elapsed), checksum }
    }

    fn run(&self, workload: Workload, placement: Placement, n: u64) -> Timed {
        let arena = placement == Placement::Arena;
        let start = Instant::now();
        let checksum = match workload {
            Workload::Resume { chain, depth } => return self.resumes(chain, depth, n),
            Workload::Call { chain, depth, suspensions } => {
                // SAFETY: `depth` is at least 1, and no other call into this peer is running.
                unsafe { (self.call)(arena, chain == Chain::Dyn, depth, suspensions, n) }
            }
            Workload::Fib { n: argument, yields } => {
                // SAFETY: no other call into this peer is running.
                unsafe { (self.fib)(arena, argument, yields, n) }
            }
        };
        Timed { elapsed: start.elapsed(), checksum }
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
        let peer = Rc::clone(&self.lookups);
        (way.group > 0).then(|| {
            prefetch::lookups(move |table, inputs, outputs| {
                peer.search(table, way, inputs, outputs);
            })
        })
    }

    fn probes(&self, case: Case) -> Result<Vec<Probe>> {
        self.memory.probes(&self.libraries, case)
    }

    fn built_by(&self) -> Option<String> {
        Some(match &self.libraries.toolchain {
            Some(toolchain) => toolchain.describe(),
            None => "the parent lab's compiler".to_owned(),
        })
    }

    fn child_environment(&self) -> Vec<(String, PathBuf)> {
        self.libraries.loaded.borrow().clone()
    }
}
