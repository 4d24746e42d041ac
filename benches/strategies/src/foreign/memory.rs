//! The programs of `memory`.

use std::cell::OnceCell;
use std::ffi::{CString, c_char};
use std::rc::Rc;

use anyhow::{Result, ensure};
use lab_work::drive::Placement;
use lab_work::memory::resident::resident_set;
use lab_work::memory::{Case, Footprint, PAYLOADS, Probe, Shape, TASK_DEPTH, WORDS};
use libloading::{Library, Symbol};

/// `footprint` of the sources.
#[repr(C)]
#[derive(Debug, Default)]
struct Counted {
    bytes: u64,
    peak_bytes: u64,
    allocations: u64,
    result: u64,
}

type ChainFn = unsafe extern "C" fn(*const c_char, u32, u32, *mut Counted) -> bool;
type Resident = extern "C" fn() -> u64;
type TasksFn = unsafe extern "C" fn(*const c_char, u32, u32, Resident, *mut Counted) -> bool;

/// The functions of a loaded library. They keep state in globals, so only one thread may call them;
/// every probe holds this by `Rc` and so stays on the thread that loaded it.
struct MemoryPeer {
    chain: ChainFn,
    tasks: TasksFn,
    /// Keeps the functions mapped.
    _library: Library,
}

/// Zero if unknown.
extern "C" fn resident() -> u64 {
    resident_set().unwrap_or(0)
}

impl MemoryPeer {
    fn new(library: Library) -> Result<Self> {
        // SAFETY: the types are those of the definitions in the sources of all peers.
        unsafe {
            let chain: Symbol<'_, ChainFn> = library.get(b"lab_memory\0")?;
            let tasks: Symbol<'_, TasksFn> = library.get(b"lab_memory_tasks\0")?;
            Ok(Self { chain: *chain, tasks: *tasks, _library: library })
        }
    }

    fn measure(&self, case: Case) -> Result<Footprint> {
        let Case { shape, depth, payload, tasks } = case;
        let name = CString::new(shape.name())?;
        let mut counted = Counted::default();
        if shape.is_tasks() {
            resident_set()?;
        }
        // SAFETY: the name is a C string, what is counted outlives the call, and no other call into
        // this library is running.
        let done = unsafe {
            if shape.is_tasks() {
                (self.tasks)(name.as_ptr(), payload, tasks, resident, &raw mut counted)
            } else {
                (self.chain)(name.as_ptr(), depth, payload, &raw mut counted)
            }
        };
        ensure!(done, "there is no such program, or it left something over");
        let (expected, result) = (case.expected(), counted.result);
        ensure!(result == expected, "wrong result: expected {expected}, got {result}");
        let each = |count| f64::from(tasks).recip() * count as f64;
        Ok(Footprint {
            bytes: each(counted.bytes).round(),
            peak_bytes: (!shape.is_tasks()).then_some(counted.peak_bytes as f64),
            allocations: each(counted.allocations),
        })
    }
}

/// The libraries of a strategy, loaded when they are first needed: by placement.
#[derive(Default)]
pub(crate) struct MemoryPeers {
    loaded: OnceCell<Vec<(Placement, Rc<MemoryPeer>)>>,
}

impl MemoryPeers {
    fn loaded(
        &self,
        load: impl FnOnce() -> Result<Vec<(Placement, Library)>>,
    ) -> Result<&[(Placement, Rc<MemoryPeer>)]> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let loaded: Result<Vec<_>> = load()?
            .into_iter()
            .map(|(placement, library)| Ok((placement, Rc::new(MemoryPeer::new(library)?))))
            .collect();
        let loaded = loaded?;
        Ok(self.loaded.get_or_init(|| loaded))
    }

    /// All ways of a case, by the libraries that `load` gives; a recursion is not elided.
    pub(crate) fn probes(
        &self,
        case: Case,
        load: impl FnOnce() -> Result<Vec<(Placement, Library)>>,
    ) -> Result<Vec<Probe>> {
        if !exists(case) {
            return Ok(Vec::new());
        }
        let peers = self.loaded(load)?.iter().filter(|(placement, _)| {
            case.shape != Shape::Recursion || *placement == Placement::Heap
        });
        Ok(peers
            .map(|(placement, peer)| {
                let peer = Rc::clone(peer);
                Probe { placement: Some(*placement), measure: Box::new(move || peer.measure(case)) }
            })
            .collect())
    }
}

/// Whether the sources have the case.
fn exists(case: Case) -> bool {
    let depths: &[u32] = match case.shape {
        Shape::Held => &[0],
        Shape::Passed | Shape::PassedLate | Shape::Wrap => &[1, 2, 4, 8],
        Shape::Combine => &[1, 4, 8],
        Shape::Sequential => &[1, 2, 4, 16],
        Shape::Disjoint => &[1, 2, 4],
        Shape::Branch => &[1],
        Shape::Timeout | Shape::Join | Shape::Packed => &[],
        // Symmetric transfer needs no host stack.
        Shape::Recursion => return WORDS.contains(&case.payload),
        Shape::TasksArguments | Shape::TasksLocals => &[TASK_DEPTH],
    };
    let payloads: &[u32] = if case.shape.has_words() { &WORDS } else { &PAYLOADS };
    depths.contains(&case.depth) && payloads.contains(&case.payload)
}
