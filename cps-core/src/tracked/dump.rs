//! What the tracked roots do.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::panic::Location;
use std::sync::{Mutex, PoisonError};

use crate::backtrace::Backtrace;
use crate::coroutine::hosted;
use crate::tracked::registry::{Content, Entry, each};

/// What the tracked roots did when they were looked at: made by [`dump`].
///
/// Displayed, it has a line for each, and below it the functions of those that wait, the innermost first.
#[derive(Debug, Clone)]
pub struct Dump {
    roots: Vec<RootDump>,
}

/// A root of a [`Dump`].
#[derive(Debug, Clone)]
pub struct RootDump {
    number: u64,
    name: Cow<'static, str>,
    made_at: &'static Location<'static>,
    state: RootState,
    backtrace: Option<Backtrace>,
}

/// What a root did when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RootState {
    /// It was not polled yet.
    Unstarted,
    /// It was being polled.
    Running,
    /// It waited, or was to be polled again.
    Waiting,
}

/// Looks at all tracked roots of the process, one after the other. Any thread may ask, also a coroutine, which is shown
/// as running then.
///
/// The roots go on meanwhile: the dump shows no state that they were in together. Roots that are made during a dump are
/// not in it.
#[must_use]
pub fn dump() -> Dump {
    // One at a time: a root that another dump looks at does not run.
    static DUMPING: Mutex<()> = Mutex::new(());
    let _dumping = DUMPING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut roots = Vec::new();
    each(|entry| roots.extend(RootDump::of(entry)));
    roots.sort_by_key(|root| root.number);
    Dump { roots }
}

impl Dump {
    /// The roots, about in the order in which they were made.
    #[must_use]
    pub fn roots(&self) -> &[RootDump] {
        &self.roots
    }
}

impl RootDump {
    /// `None` if the root is gone.
    fn of(entry: &Entry) -> Option<Self> {
        let looked = entry.look(|content| {
            let backtrace = match content {
                // SAFETY: invariant Y: the chain is suspended, valid, and not resumed before this returns.
                Content::Chain(chain) => Some(unsafe { hosted::backtrace(chain) }),
                _ => None,
            };
            (content, backtrace)
        });
        let (state, backtrace) = match looked {
            None => (RootState::Running, None),
            Some((Content::Unstarted, _)) => (RootState::Unstarted, None),
            Some((Content::Future | Content::Chain(_), backtrace)) => {
                (RootState::Waiting, backtrace)
            }
            Some((Content::Gone, _)) => return None,
        };
        Some(RootDump {
            number: entry.number(),
            name: entry.name().clone(),
            made_at: entry.made_at(),
            state,
            backtrace,
        })
    }

    /// A number of its own, in this process.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The name that it was tracked by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it was given its name.
    #[must_use]
    pub fn made_at(&self) -> &'static Location<'static> {
        self.made_at
    }

    /// What it did.
    #[must_use]
    pub fn state(&self) -> RootState {
        self.state
    }

    /// Its functions, if it was waiting, and is a coroutine.
    #[must_use]
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.backtrace.as_ref()
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.roots.iter().try_for_each(|root| root.fmt(f))
    }
}

impl fmt::Display for RootDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "root {} {:?}, made at {}", self.number, self.name, self.made_at)?;
        f.write_str(match self.state {
            RootState::Unstarted => ", was not polled yet\n",
            RootState::Running => ": <running>\n",
            RootState::Waiting => ", waits\n",
        })?;
        self.backtrace.as_ref().map_or(Ok(()), |backtrace| backtrace.write(f, 2))
    }
}
