//! The workloads under the clock.

use std::time::Duration;

use anyhow::Result;
use lab_work::clock::{self, ThreadTime};
use lab_work::drive::{Placement, Timed};
use lab_work::workload::{Chain, Workload};
use libloading::{Library, Symbol};

type Clock = extern "C" fn() -> u64;
type ResumeFn = unsafe extern "C" fn(bool, u32, u64, Clock, *mut u64) -> u64;
type CallFn = unsafe extern "C" fn(bool, bool, u32, u64, u64) -> u64;
type FibFn = unsafe extern "C" fn(bool, u32, bool, u64) -> u64;

/// Nanoseconds of this thread's own time.
extern "C" fn now() -> u64 {
    u64::try_from(clock::thread().as_nanos()).unwrap_or(u64::MAX)
}

/// The functions of a loaded library. They keep state in globals, so only one thread may call them;
/// strategies and their runners hold this by `Rc` and so stay on the thread that loaded it.
pub(crate) struct ChainPeer {
    resume: ResumeFn,
    call: CallFn,
    fib: FibFn,
    /// Keeps the functions mapped.
    _library: Library,
}

impl ChainPeer {
    pub(crate) fn new(loaded: Library) -> Result<Self> {
        // SAFETY: the three types are those of the definitions in the sources of all peers.
        unsafe {
            let resume: Symbol<'_, ResumeFn> = loaded.get(b"lab_resume\0")?;
            let call: Symbol<'_, CallFn> = loaded.get(b"lab_call\0")?;
            let fib: Symbol<'_, FibFn> = loaded.get(b"lab_fib\0")?;
            Ok(Self { resume: *resume, call: *call, fib: *fib, _library: loaded })
        }
    }

    fn resumes(&self, chain: Chain, depth: u32, n: u64) -> Timed {
        let mut elapsed = 0;
        // SAFETY: `depth` is at least 1, `elapsed` outlives the call, and no other call into this
        // peer is running: nothing shares it between threads.
        let checksum =
            unsafe { (self.resume)(chain == Chain::Dyn, depth, n, now, &raw mut elapsed) };
        Timed { elapsed: Duration::from_nanos(elapsed), checksum }
    }

    /// Runs so many iterations; where a library has one placement only, it is that.
    pub(crate) fn run(&self, workload: Workload, placement: Placement, n: u64) -> Timed {
        let arena = placement == Placement::Arena;
        let start = ThreadTime::now();
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
