//! C++20 coroutines with symmetric transfer: `peers/*.cpp`, compiled by whatever compiler is found
//! and loaded into this process, so that their samples alternate with everybody else's.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use libloading::{Library, Symbol};

use crate::drive::Timed;
use crate::paths;
use crate::prefetch::{self, Lookups, Spec, Table, Way, chained, cycle, tree};
use crate::strategy::{Placement, Strategy, Variant};
use crate::workload::{Chain, Workload};

const SOURCES: [(&str, &str); 2] = [
    ("peer.cpp", include_str!("../../peers/peer.cpp")),
    ("prefetch.cpp", include_str!("../../peers/prefetch.cpp")),
];

/// As Rust's release profile: full optimisation for the target's baseline processor.
const FLAGS: [&str; 6] = [
    "-O3",
    "-std=c++20",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-Wno-unused-command-line-argument",
];

/// A family of compilers.
#[derive(Debug)]
pub struct Compiler {
    /// The program's name without a version.
    program: &'static str,
    /// The versions looked for as `program-version`, newest first.
    versions: std::ops::RangeInclusive<u32>,
    /// The variable by which a parent `lab` names the library that it has built.
    library_variable: &'static str,
}

/// Clang 14 is the first whose `<coroutine>` needs no flag.
pub const CLANG: Compiler =
    Compiler { program: "clang++", versions: 14..=24, library_variable: "LAB_PEER_CLANG" };

/// GCC 11 is the first with coroutines in plain C++20.
pub const GCC: Compiler =
    Compiler { program: "g++", versions: 11..=17, library_variable: "LAB_PEER_GCC" };

impl Compiler {
    /// The newest compiler of the family on the path, and its version.
    fn find(&self) -> Result<(String, String)> {
        let numbered = self.versions.clone().rev().map(|v| format!("{}-{v}", self.program));
        std::iter::once(self.program.to_owned())
            .chain(numbered)
            .filter_map(|program| {
                let output = Command::new(&program).arg("-dumpfullversion").output().ok()?;
                let output = if output.status.success() {
                    output
                } else {
                    Command::new(&program).arg("-dumpversion").output().ok()?
                };
                let version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
                Some((major(&version)?, program, version))
            })
            .max_by_key(|(major, ..)| *major)
            .map(|(_, program, version)| (program, version))
            .with_context(|| format!("no {} on the path", self.program))
    }

    /// The path of the compiled peer, and by what it was compiled, now or before.
    fn library(&self) -> Result<(PathBuf, String)> {
        if let Some(path) = std::env::var_os(self.library_variable) {
            return Ok((path.into(), "the parent lab's compiler".to_owned()));
        }
        let (program, version) = self.find()?;
        let mut hasher = DefaultHasher::new();
        (SOURCES, FLAGS, &program, &version).hash(&mut hasher);
        let directory = paths::cache("lab-peers")?;
        let path = directory.join(format!("{program}-{:016x}.so", hasher.finish()));
        if !path.exists() {
            compile(&program, &directory, &path)
                .with_context(|| format!("{program} {version} cannot build the peer"))?;
        }
        Ok((path, format!("{program} {version} {}", FLAGS[0])))
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Compiles into a file of its own and renames it, so that another `lab` never loads half of one.
fn compile(program: &str, directory: &Path, library: &Path) -> Result<()> {
    let work = tempfile::tempdir_in(directory)?;
    let output = work.path().join("peer.so");
    let mut command = Command::new(program);
    command.args(FLAGS).args([OsStr::new("-o"), output.as_os_str()]);
    for (name, text) in SOURCES {
        let source = work.path().join(name);
        std::fs::write(&source, text)?;
        command.arg(source);
    }
    let result = command.output()?;
    if !result.status.success() {
        let message = String::from_utf8_lossy(&result.stderr);
        let first = message
            .lines()
            .find(|line| line.contains("error"))
            .or_else(|| message.lines().next())
            .unwrap_or("no message");
        bail!("{}", first.trim());
    }
    std::fs::rename(&output, library)?;
    Ok(())
}

type Clock = extern "C" fn() -> u64;
type ResumeFn = unsafe extern "C" fn(bool, u32, u64, Clock, *mut u64) -> u64;
type CallFn = unsafe extern "C" fn(bool, bool, u32, u64, u64) -> u64;
type FibFn = unsafe extern "C" fn(bool, u32, bool, u64) -> u64;

/// What all functions for lookups end with: inputs, outputs, how many, how many at a time.
type BsearchFn = unsafe extern "C" fn(*const i32, usize, u32, *const u64, *mut u64, usize, usize);
type ChaseFn = unsafe extern "C" fn(*const cycle::Node, u32, *const u64, *mut u64, usize, usize);
type HashFn =
    unsafe extern "C" fn(*const u32, *const chained::Node, u32, *const u64, *mut u64, usize, usize);
type BtreeFn = unsafe extern "C" fn(
    *const tree::Inner,
    *const tree::Leaf,
    u32,
    u32,
    u32,
    *const u64,
    *mut u64,
    usize,
    usize,
);

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
    bsearch: BsearchFn,
    chase: ChaseFn,
    hash: HashFn,
    btree: BtreeFn,
    /// Keeps the functions mapped.
    _library: Library,
}

/// The strategies `cpp-clang` and `cpp-gcc`.
pub struct Cpp {
    peer: Rc<Peer>,
    library: PathBuf,
    built_by: String,
    library_variable: &'static str,
}

impl std::fmt::Debug for Cpp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cpp").field("library", &self.library).finish_non_exhaustive()
    }
}

impl Cpp {
    /// Compiles and loads the peer.
    ///
    /// # Errors
    /// If there is no such compiler, or it rejects the source, or the library cannot be loaded.
    pub fn load(compiler: &Compiler) -> Result<Self> {
        let (library, built_by) = compiler.library()?;
        // SAFETY: the library was built from `SOURCES`, whose only initialiser is that of the C++
        // runtime.
        let loaded = unsafe { Library::new(&library) }?;
        // SAFETY: the types are those of the definitions in `SOURCES`.
        let peer = unsafe {
            let (resume, call, fib): (Symbol<'_, ResumeFn>, Symbol<'_, CallFn>, Symbol<'_, FibFn>) = (
                loaded.get(b"lab_resume\0")?,
                loaded.get(b"lab_call\0")?,
                loaded.get(b"lab_fib\0")?,
            );
            let bsearch: Symbol<'_, BsearchFn> = loaded.get(b"lab_bsearch\0")?;
            let chase: Symbol<'_, ChaseFn> = loaded.get(b"lab_chase\0")?;
            let hash: Symbol<'_, HashFn> = loaded.get(b"lab_hash\0")?;
            let btree: Symbol<'_, BtreeFn> = loaded.get(b"lab_btree\0")?;
            Peer {
                resume: *resume,
                call: *call,
                fib: *fib,
                bsearch: *bsearch,
                chase: *chase,
                hash: *hash,
                btree: *btree,
                _library: loaded,
            }
        };
        Ok(Self {
            peer: Rc::new(peer),
            library,
            built_by,
            library_variable: compiler.library_variable,
        })
    }
}

impl Peer {
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

    /// Looks all inputs up.
    fn search(&self, table: &Table, way: Way, inputs: &[u64], outputs: &mut [u64]) {
        let Way { group, call_depth } = way;
        let (count, inputs) = (inputs.len().min(outputs.len()), inputs.as_ptr());
        let outputs = outputs.as_mut_ptr();
        // SAFETY: the tables are what the functions read, by the layouts that both sides assert;
        // `count` inputs and outputs are valid; the depths are those that the peer has, and no
        // other call into it is running.
        unsafe {
            match table {
                Table::Bsearch(values) => {
                    let (values, depth) = (&values[..], call_depth.unwrap_or(1));
                    let (start, length) = (values.as_ptr(), values.len());
                    (self.bsearch)(start, length, depth, inputs, outputs, count, group);
                }
                Table::Chase(nodes) => {
                    (self.chase)(nodes.as_ptr(), cycle::HOPS, inputs, outputs, count, group);
                }
                Table::Hash(table) => {
                    let (heads, nodes, shift) = table.view().parts();
                    let (heads, nodes) = (heads.as_ptr(), nodes.as_ptr());
                    (self.hash)(heads, nodes, shift, inputs, outputs, count, group);
                }
                Table::Btree(tree) => {
                    let tree = tree.view();
                    let (nodes, leaves) = tree.parts();
                    let (nodes, leaves) = (nodes.as_ptr(), leaves.as_ptr());
                    let (root, height) = (tree.root(), tree.height);
                    let depth = call_depth.unwrap_or(0);
                    (self.btree)(nodes, leaves, root, height, depth, inputs, outputs, count, group);
                }
            }
        }
    }
}

impl Strategy for Cpp {
    fn variants(&self, workload: Workload) -> Vec<Variant> {
        let placements: &[Placement] = match workload {
            // A resume neither creates nor destroys a frame.
            Workload::Resume { .. } => &[Placement::Heap],
            Workload::Call { .. } | Workload::Fib { .. } => &[Placement::Heap, Placement::Arena],
        };
        placements
            .iter()
            .map(|&placement| {
                let peer = Rc::clone(&self.peer);
                Variant::placed(placement, move |n| peer.run(workload, placement, n))
            })
            .collect()
    }

    fn lookups(&self, _: Spec, way: Way) -> Option<Lookups> {
        let peer = Rc::clone(&self.peer);
        (way.group > 0).then(|| {
            prefetch::lookups(move |table, inputs, outputs| {
                peer.search(table, way, inputs, outputs);
            })
        })
    }

    fn built_by(&self) -> Option<String> {
        Some(self.built_by.clone())
    }

    fn child_environment(&self) -> Option<(&'static str, PathBuf)> {
        Some((self.library_variable, self.library.clone()))
    }
}
