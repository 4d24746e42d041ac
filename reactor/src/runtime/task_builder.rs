//! Spawning with a name.

use std::panic::Location;

use crate::runtime::handle::{Handle, spawn_current_at, spawn_local_at};
use crate::task::handle::JoinHandle;
use crate::task::origin::Origin;

/// Spawns a task with a name, which [dumps](crate::sight::Dump) show.
///
/// ```
/// reactor::block_on(async {
///     let task = reactor::task::Builder::new().name("sum").spawn(async { 1 + 1 });
///     assert_eq!(reactor::Handle::current().dump().tasks()[0].name(), Some("sum"));
///     assert_eq!(task.await.unwrap(), 2);
/// });
/// ```
///
/// Names need not be unique. A task without one takes no memory for it.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is spawned yet"]
pub struct Builder {
    name: Option<Box<str>>,
}

impl Builder {
    /// Without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the task a name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// As [`spawn`](crate::spawn).
    ///
    /// # Panics
    ///
    /// As that.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let origin = self.origin(Location::caller());
        spawn_current_at(future, origin)
    }

    /// As [`spawn_local`](crate::spawn_local).
    ///
    /// # Panics
    ///
    /// As that.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        let origin = self.origin(Location::caller());
        spawn_local_at(future, origin)
    }

    /// As [`Handle::spawn`].
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, runtime: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let origin = self.origin(Location::caller());
        runtime.spawn_at(future, origin)
    }

    pub(crate) fn origin(self, place: &'static Location<'static>) -> Origin {
        match self.name {
            Some(name) => Origin::named(place, name),
            None => Origin::at(place),
        }
    }
}
