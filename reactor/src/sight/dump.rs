//! Task dumps.

use std::fmt::{self, Write};
use std::panic::Location;
use std::time::Duration;

use cps_core::backtrace::Backtrace;

use crate::task::cell::Common;
use crate::task::id::Id;

/// So long a dump waits for an executor that does not look up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The tasks of a runtime, and where each of them is: made by [`Handle::dump`](crate::Handle::dump).
///
/// It is displayed as a tree. A task whose future is a coroutine of [`cps_core`] shows its functions, the innermost
/// first, as a [`Backtrace`] does:
///
/// ```text
/// task 3 "listener", spawned at src/main.rs:31:5, waits
///      0: server::accept
///      1: server::serve
///              at src/main.rs:12:20
/// task 8, spawned at src/main.rs:14:9: <running>
/// ```
#[derive(Debug, Clone)]
pub struct Dump {
    tasks: Vec<TaskDump>,
    is_complete: bool,
}

/// A task of a [`Dump`].
#[derive(Debug, Clone)]
pub struct TaskDump {
    id: Id,
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
    state: TaskState,
    backtrace: Option<Backtrace>,
}

/// What a task did when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// It was polled.
    Running,
    /// It was to be polled: it was woken, or is new.
    Queued,
    /// It waited to be woken.
    Waiting,
}

impl Dump {
    pub(crate) fn new(mut tasks: Vec<TaskDump>, is_complete: bool) -> Self {
        tasks.sort_by_key(|task| task.id);
        Dump { tasks, is_complete }
    }

    /// The tasks, in the order of their numbers.
    #[must_use]
    pub fn tasks(&self) -> &[TaskDump] {
        &self.tasks
    }

    /// Whether all was seen that a dump shows. If not, an executor did not look up in time: it was in a poll that did
    /// not return, or nobody ran it. Then queued tasks may be without their functions, and those of a
    /// [`LocalRuntime`](crate::LocalRuntime) may be missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl TaskDump {
    pub(crate) fn new(task: &Common, state: TaskState, backtrace: Option<Backtrace>) -> Self {
        TaskDump {
            id: task.id(),
            name: task.origin.name().map(Box::from),
            spawned_at: task.origin.place(),
            state,
            backtrace,
        }
    }

    pub(crate) fn set_backtrace(&mut self, backtrace: Option<Backtrace>) {
        self.backtrace = backtrace;
    }

    pub(crate) fn set_running(&mut self) {
        self.state = TaskState::Running;
    }

    /// The number that its [`JoinHandle`](crate::JoinHandle::id) gives, too.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id
    }

    /// The name that it was [spawned](crate::task::Builder::name) with.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// What it did.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// Its functions, if it was not running, and its future is a coroutine that has started and was given to `spawn` as
    /// it is, not within another future.
    #[must_use]
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.backtrace.as_ref()
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tasks.iter().try_for_each(|task| task.fmt(f))?;
        if !self.is_complete {
            writeln!(f, "(incomplete: the runtime did not look up in time)")?;
        }
        Ok(())
    }
}

impl fmt::Display for TaskDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        write!(f, ", spawned at {}", self.spawned_at)?;
        f.write_str(match self.state {
            TaskState::Running => ": <running>\n",
            TaskState::Queued => ", is queued\n",
            TaskState::Waiting => ", waits\n",
        })?;
        match &self.backtrace {
            Some(backtrace) => write!(Indented(f, true), "{backtrace}"),
            None => Ok(()),
        }
    }
}

/// Puts two blanks before each line. The flag says that one begins.
struct Indented<'a, 'b>(&'a mut fmt::Formatter<'b>, bool);

impl Write for Indented<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive('\n') {
            if std::mem::replace(&mut self.1, part.ends_with('\n')) {
                self.0.write_str("  ")?;
            }
            self.0.write_str(part)?;
        }
        Ok(())
    }
}
