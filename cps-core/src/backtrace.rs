//! Logical backtraces: the chain of callers, which a native backtrace of a resumed frame does not
//! show.
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
//! A frame that is being started is not linked yet. To see those too, from within a body, the feature
//! `backtrace` links each frame before it starts, and keeps the running chains of a thread.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::panic::Location;

use crate::driver::{Driver, Header};

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
/// The place of the innermost function is not known where it waits for a future.
/// The names of functions are those of [`core::any::type_name`], for people and not for programs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Backtrace {
    frames: Vec<BacktraceFrame>,
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
    /// Of the innermost function first.
    #[must_use]
    pub fn frames(&self) -> &[BacktraceFrame] {
        &self.frames
    }

    pub(crate) const fn empty() -> Self {
        Backtrace { frames: Vec::new() }
    }

    /// Of a chain that is suspended.
    ///
    /// # Safety
    /// The driver's chain is not running, and nothing runs it meanwhile.
    pub(crate) unsafe fn of_suspended(driver: &Driver) -> Self {
        let mut backtrace = Self::empty();
        if driver.is_started() {
            // SAFETY: a suspended frame is linked.
            unsafe { backtrace.extend(driver.leaf.get(), None) };
        }
        backtrace
    }

    /// Adds the frames of a chain, of which the innermost waits at `location`.
    ///
    /// # Safety
    /// The frames from `leaf` on are linked, and none of them ends meanwhile.
    pub(crate) unsafe fn extend(
        &mut self,
        mut leaf: *const Header,
        mut location: Option<&'static Location<'static>>,
    ) {
        while !leaf.is_null() {
            // SAFETY: by contract; the root continuation is linked too.
            let description = unsafe {
                let description = ((*(*leaf).vtable.get()).describe)(leaf);
                leaf = (*leaf).caller.get();
                description
            };
            if !description.body.is_empty() {
                let function = function_name(description.body);
                self.frames.push(BacktraceFrame { function, location });
            }
            location = description.call;
        }
    }
}

/// The function in which the maker of a body was defined: a closure. In a function that is all; that
/// of a block is defined in the closure and the future of another body, or in a function.
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
        for (index, BacktraceFrame { function, location }) in self.frames.iter().enumerate() {
            writeln!(f, "{index:>4}: {function}")?;
            if let Some(location) = location {
                writeln!(f, "             at {location}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.frames).finish()
    }
}
