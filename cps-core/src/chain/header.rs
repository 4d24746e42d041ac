//! The head of a frame: all that the driver knows of one, whatever its body's type.

use core::cell::Cell;
use core::panic::Location;
use core::ptr;

use crate::chain::driver::Driver;
use crate::chain::step::Step;

/// The signature of every function that runs a frame: one type, as `become` asks.
pub(crate) type Resume = unsafe fn(*mut Header, *const Driver) -> Step;

/// What is known statically about a frame, behind one pointer in its header.
pub(crate) struct VTable {
    /// Polls the body once; when it returns, stores the result and resumes the caller.
    ///
    /// Requires: the frame is `driver.leaf` of the driver, which is in a poll; invariant S.
    pub(crate) resume: Resume,
    /// Ends the frame without running its body: drops what it owns and frees its memory if it has
    /// memory of its own.
    ///
    /// Requires: the frame is in no chain any more.
    pub(crate) drop: unsafe fn(*mut Header),
    /// What a backtrace says about the frame.
    ///
    /// Requires: the frame is in a chain that is suspended, or runs on this thread.
    #[cfg_attr(not(feature = "alloc"), allow(dead_code))]
    pub(crate) describe: unsafe fn(*const Header) -> Description,
    /// For a branching point: drops its branches in their order, up to the first one with frames, and returns that
    /// one's driver. It is called again when that chain has ended, and returns null when no branch is left.
    ///
    /// Requires: the frame is the leaf of a chain that nothing runs, and will be dropped.
    pub(crate) drop_branches: Option<unsafe fn(*mut Header) -> *const Driver>,
}

/// What is known of a frame by its type and by the place in the text where it was called.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "alloc"), allow(dead_code))]
pub(crate) struct Description {
    /// The name of a type that was defined in the body's function; empty for a header that is no frame's.
    pub(crate) body: &'static str,
    /// The await that called it; `None` for a root frame.
    pub(crate) call: Option<&'static Location<'static>>,
    /// For a branching point: shows the branches that are not finished.
    ///
    /// Requires: as [`VTable::describe`].
    pub(crate) branches: Option<unsafe fn(*const Header, &mut BranchVisitor<'_>)>,
}

/// A function that is shown the branches of a branching point, each with its number.
#[cfg_attr(not(feature = "alloc"), allow(dead_code, unreachable_pub))]
pub struct BranchVisitor<'a>(pub(crate) &'a mut dyn FnMut(usize, BranchContent<'_>));

/// The content of a branch.
#[cfg_attr(not(feature = "alloc"), allow(dead_code))]
pub(crate) enum BranchContent<'a> {
    /// A future of an unknown type.
    Future,
    /// A chain of its own.
    Chain(&'a Driver),
    /// A branching point, which shows its branches.
    Branches(&'a dyn Fn(&mut BranchVisitor<'_>)),
}

/// The head of a frame.
///
/// Two words. A third one, a pointer to the resume function, makes a frame larger and a call slower, and hardly speeds
/// up a resume (`docs/results`). A pointer to the driver is not needed, since resume functions are given it; bodies
/// find it in their context.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) vtable: Cell<*const VTable>,
    /// The frame that awaits this one. Set when that suspends.
    pub(crate) caller: Cell<*const Header>,
}

impl Header {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn new(vtable: *const VTable, caller: *const Header) -> Self {
        Header { vtable: Cell::new(vtable), caller: Cell::new(caller) }
    }
}

/// A header that is never written: all chains of all threads may share it.
struct StaticHeader(Header);

// SAFETY: the only static headers are `ROOT`, `ENDED` and `CALLED`. Only the owner of a frame writes to its header, and nobody
// owns these.
unsafe impl Sync for StaticHeader {}

impl VTable {
    /// The vtable of a static header.
    const fn of_static(resume: Resume) -> Self {
        unsafe fn drop_nothing(_: *mut Header) {}
        unsafe fn describe_nothing(_: *const Header) -> Description {
            Description { body: "", call: None, branches: None }
        }
        VTable { resume, drop: drop_nothing, describe: describe_nothing, drop_branches: None }
    }
}

/// The root continuation: resuming it ends the chain. It has no body and no owner.
static ROOT: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: *const Driver) -> Step {
        Step::RETURNED
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, &raw const ENDED.0))
};

/// The leaf of every chain that has ended.
static ENDED: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: *const Driver) -> Step {
        Step::ENDED
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, ptr::null()))
};

/// The leaf of a chain that was not polled, and whose root frame is to be called by a body: see `call/generic.rs`.
static CALLED: StaticHeader = {
    unsafe fn resume(_: *mut Header, _: *const Driver) -> Step {
        Step::CALLED
    }
    StaticHeader(Header::new(&const { VTable::of_static(resume) }, ptr::null()))
};

/// The caller of every root frame.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn root_continuation() -> *const Header {
    &raw const ROOT.0
}

/// The leaf of a chain that has ended.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) const fn ended() -> *const Header {
    &raw const ENDED.0
}

/// The leaf of a chain whose root frame is to be called by a body.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn called() -> *const Header {
    &raw const CALLED.0
}
