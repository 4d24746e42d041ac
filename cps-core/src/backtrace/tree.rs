//! Logical backtraces: the callers of a suspended frame. A native backtrace of a resumed frame does not show them.
//!
//! A frame's vtable names its body and the await that called it, so that a suspended chain can be
//! read from outside and nothing is stored for it:
//!
//! ```text
//!   leaf ──▶ vtable: body `inner`, called at `middle`'s await ──┐
//!     │ caller                                                  │ is where `middle` stands
//!     ▼                                                         ▼
//!   frame ─▶ vtable: body `middle`, called at `outer`'s await … 1: middle at app.rs:12:20
//! ```
//!
//! If a chain waits at a branching point, that is its leaf, and shows the chains of its branches: see
//! `concurrent/frame.rs`.
//!
//! A frame that is being started is not linked yet. The feature `backtrace` shows those too, from within a body: it
//! keeps a list of the calls that are starting (`chain/starting.rs`), and one of the polls that are under way on a
//! thread. With it, each await of a future also notes its place in the driver.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::panic::Location;

use crate::chain::NestedCalls;
use crate::chain::driver::Driver;
use crate::chain::header::{BranchContent, BranchVisitor, Description, Header};

/// The functions of a chain of coroutines, the innermost first, and where each of them waits.
///
/// Of a suspended chain: [`Root::backtrace`](crate::Root::backtrace). Of the chain that runs:
#[cfg_attr(feature = "backtrace", doc = "[`backtrace`](crate::backtrace()).")]
#[cfg_attr(not(feature = "backtrace"), doc = "`backtrace()`, with the feature `backtrace`.")]
///
/// It is displayed as the standard library displays a backtrace:
///
/// ```text
///    0: app::read
///    1: app::load
///              at src/app.rs:12:20
///    2: app::serve
///              at src/app.rs:27:9
/// ```
///
/// If the innermost function waits for a future, its place is known only with the feature `backtrace`.
///
/// A function that waits at a branching point, such as a [`join`](crate::join()), is followed, after its callers,
/// by the branches that are not finished, each with its own chain:
///
/// ```text
///    0: app::both
///              at src/app.rs:40:31
///    1: app::main
///              at src/app.rs:12:12
///       branch 0:
///        0: app::read
///        1: app::load
///                  at src/app.rs:12:20
///       branch 1: a future
/// ```
///
/// A branching point is seen where a coroutine awaits it, or where it is a branch itself; not within a future
/// that is neither, such as an `async` block or `tokio::select!`.
///
/// Functions are named as by [`core::any::type_name`], for people and not for programs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Backtrace {
    frames: Vec<BacktraceFrame>,
    branches: Vec<BacktraceBranch>,
}

/// An unfinished branch of a [`Backtrace`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BacktraceBranch {
    number: usize,
    backtrace: Backtrace,
}

impl BacktraceBranch {
    /// Its position among those that are joined, from 0 on. In a [`scope`](crate::scope()) 0 is the body, and the
    /// children are numbered from 1 on as they are started.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Its chain; empty if it is a future of an unknown kind.
    #[must_use]
    pub fn backtrace(&self) -> &Backtrace {
        &self.backtrace
    }
}

/// One function of a [`Backtrace`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BacktraceFrame {
    function: String,
    location: Option<&'static Location<'static>>,
}

impl BacktraceFrame {
    /// The path of the function, with `{block}` for a `coroutine_block!` in it.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The `.await` where it waits for the frame before this one in the list.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

impl Backtrace {
    /// The functions, the innermost first.
    #[must_use]
    pub fn frames(&self) -> &[BacktraceFrame] {
        &self.frames
    }

    /// The unfinished branches of the branching point that the innermost function waits for; empty if it waits for
    /// something else.
    #[must_use]
    pub fn branches(&self) -> &[BacktraceBranch] {
        &self.branches
    }

    pub(crate) const fn empty() -> Self {
        Backtrace { frames: Vec::new(), branches: Vec::new() }
    }

    /// The backtrace of a suspended chain.
    ///
    /// # Safety
    /// The driver's chain does not run, and nothing runs it before this returns.
    pub(crate) unsafe fn of_suspended(driver: &Driver) -> Self {
        let mut backtrace = Self::empty();
        if driver.is_started() {
            let leaf = driver.leaf.get();
            // SAFETY: the caller keeps the chain from running: its frames are linked (invariant C), and none ends.
            unsafe { backtrace.extend(leaf, driver.waits_at(), NestedCalls::of(driver)) };
            // SAFETY: the leaf is live (invariant L), its vtable is its own (invariant V), and the chain is suspended.
            let description = unsafe { ((*(*leaf).vtable.get()).describe)(leaf) };
            if let Some(branches) = description.branches {
                // SAFETY: nothing runs what is in the branches, since nothing runs the chain that owns them.
                let mut push = |number: usize, below: BranchContent<'_>| unsafe {
                    backtrace.push_branch(number, below);
                };
                // SAFETY: as for `describe`, which gave the function for this leaf.
                unsafe { branches(leaf, &mut BranchVisitor(&mut push)) };
            }
        }
        backtrace
    }

    /// Adds a branch with the backtrace of its content.
    ///
    /// # Safety
    /// The branch's content does not run, and nothing runs it before this returns.
    unsafe fn push_branch(&mut self, number: usize, below: BranchContent<'_>) {
        let backtrace = match below {
            BranchContent::Future => Self::empty(),
            // SAFETY: the caller keeps the branch's content, which is this chain, from running.
            BranchContent::Chain(driver) => unsafe { Self::of_suspended(driver) },
            BranchContent::Branches(look) => {
                let mut backtrace = Self::empty();
                // SAFETY: the caller keeps the branch's content from running, and with it what is in its branches.
                look(&mut BranchVisitor(&mut |number, below| unsafe {
                    backtrace.push_branch(number, below)
                }));
                backtrace
            }
        };
        self.branches.push(BacktraceBranch { number, backtrace });
    }

    /// Writes it with `indent` spaces before each line.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        for (index, BacktraceFrame { function, location }) in self.frames.iter().enumerate() {
            writeln!(f, "{:indent$}{index:>4}: {function}", "")?;
            if let Some(location) = location {
                writeln!(f, "{:indent$}             at {location}", "")?;
            }
        }
        for BacktraceBranch { number, backtrace } in &self.branches {
            write!(f, "{:indent$}      branch {number}:", "")?;
            if backtrace.frames.is_empty() && backtrace.branches.is_empty() {
                writeln!(f, " a future")?;
            } else {
                writeln!(f)?;
                backtrace.write(f, indent + 4)?;
            }
        }
        Ok(())
    }

    /// Adds the frames of a chain whose innermost function waits at `location`, with the nested bodies in them.
    ///
    /// # Safety
    /// - The frames from `leaf` on are linked, by invariant C.
    /// - None of them ends before this returns, and no nested body.
    pub(crate) unsafe fn extend(
        &mut self,
        mut leaf: *const Header,
        mut location: Option<&'static Location<'static>>,
        mut nested: NestedCalls,
    ) {
        while !leaf.is_null() {
            // SAFETY: the caller keeps the chain's nested bodies from ending.
            location = unsafe { self.push_nested(&mut nested, leaf, location) };
            // SAFETY: the caller has a chain whose frames are linked (invariant C): each is live, has its own vtable
            // (invariant V), and leads to its caller, the last one to the root continuation.
            let description = unsafe {
                let description = ((*(*leaf).vtable.get()).describe)(leaf);
                leaf = (*leaf).caller.get();
                description
            };
            location = self.push(description, location);
        }
    }

    /// Adds the nested bodies in a frame, the innermost of which is at `location`. Returns where the frame's body is.
    ///
    /// # Safety
    /// As for [`NestedCalls::next_in`].
    pub(crate) unsafe fn push_nested(
        &mut self,
        nested: &mut NestedCalls,
        frame: *const Header,
        mut location: Option<&'static Location<'static>>,
    ) -> Option<&'static Location<'static>> {
        // SAFETY: the caller keeps them from ending.
        while let Some(description) = unsafe { nested.next_in(frame) } {
            location = self.push(description, location);
        }
        location
    }

    /// Adds a frame that is at `location`. Returns where its caller is.
    pub(crate) fn push(
        &mut self,
        description: Description,
        location: Option<&'static Location<'static>>,
    ) -> Option<&'static Location<'static>> {
        if description.body.is_empty() {
            // A frame without a body is where its caller is, unless its description names the call.
            return description.call.or(location);
        }
        let function = function_name(description.body);
        self.frames.push(BacktraceFrame { function, location });
        description.call
    }
}

/// The function in which the maker of a body, a closure, was defined. The maker of a block is defined in the closure
/// and the future of another body, or in a function.
fn function_name(maker: &str) -> String {
    const CLOSURE: &str = "::{{closure}}";
    let function = maker.strip_suffix(CLOSURE).unwrap_or(maker);
    match function.strip_suffix(CLOSURE) {
        Some(_) => function.trim_end_matches(CLOSURE).to_owned() + "::{block}",
        None => function.to_owned(),
    }
}

impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl fmt::Debug for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.frames).entries(&self.branches).finish()
    }
}

impl fmt::Debug for BacktraceBranch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Branch").field(&self.number).field(&self.backtrace).finish()
    }
}
