//! Why a task has no result.

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Why a task has no result.
pub struct JoinError {
    reason: Reason,
}

enum Reason {
    Cancelled,
    /// In a mutex, which makes it `Sync`, as errors are wanted to be.
    Panicked(Mutex<Box<dyn Any + Send>>),
}

impl JoinError {
    pub(crate) fn cancelled() -> Self {
        JoinError { reason: Reason::Cancelled }
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        JoinError { reason: Reason::Panicked(Mutex::new(payload)) }
    }

    /// The task was aborted, or its runtime was dropped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.reason, Reason::Cancelled)
    }

    /// The task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.reason, Reason::Panicked(_))
    }

    /// The panic's payload, as [`std::panic::catch_unwind`] gives it, for
    /// [`std::panic::resume_unwind`].
    ///
    /// # Errors
    ///
    /// Gives `self` back if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.reason {
            Reason::Panicked(payload) => {
                Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Reason::Cancelled => Err(self),
        }
    }

    /// The panic's payload, as [`std::panic::catch_unwind`] gives it.
    ///
    /// # Panics
    ///
    /// If the task did not panic.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.try_into_panic().unwrap_or_else(|_| panic!("the task was cancelled: it has no panic"))
    }

    fn panic_message(&self) -> Option<String> {
        let Reason::Panicked(payload) = &self.reason else { return None };
        let payload = payload.lock().unwrap_or_else(PoisonError::into_inner);
        let text = (payload.downcast_ref::<&str>().copied())
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Some(text.unwrap_or("(no message)").to_owned())
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.panic_message() {
            Some(message) => write!(f, "the task panicked: {message}"),
            None => f.write_str("the task was cancelled"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.panic_message() {
            Some(message) => f.debug_tuple("Panicked").field(&message).finish(),
            None => f.write_str("Cancelled"),
        }
    }
}

impl std::error::Error for JoinError {}
