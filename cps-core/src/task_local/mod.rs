//! Values that follow a chain of coroutines: set around it, read at any depth.
//!
//! ```
//! use cps_core::{cps, task_local};
//!
//! task_local! {
//!     static REQUEST: u64;
//! }
//!
//! #[cps]
//! async fn log(text: &str) -> String {
//!     REQUEST.with(|request| format!("{request}: {text}"))
//! }
//!
//! #[cps]
//! async fn serve() -> String {
//!     log("served").await
//! }
//!
//! # futures::executor::block_on(async {
//! assert_eq!(serve().with_local(&REQUEST, 7).await, "7: served");
//! assert_eq!(REQUEST.scope(8, serve()).await, "8: served");
//! # });
//! ```
//!
//! A [`Scope`] is a future of any executor, around a coroutine or another future. While that is polled, or dropped, the
//! value can be read: by its body, by all that it calls, and by branches of `join`, `select` and the like in it,
//! whichever of them is woken. A task that is spawned inside is another one, and does not see the value. Scopes of the
//! same key may lie in each other: the innermost one counts.
//!
//! # What it costs
//!
//! A poll of a scope writes a pointer to a thread-local variable, before and after. A read follows that pointer,
//! whatever the depth. Coroutines outside of scopes do nothing for it. A wake-up goes through the scopes around the
//! function that is woken, from the outermost on, and through no other function: the coroutine in a scope is the root
//! of a chain of its own, with the size of one.
//!
//! # Beside `task_local!` of tokio
//!
//! The macro, `scope`, `sync_scope`, `with`, `try_with` and `get` mean the same, so that a `use` is what changes. That
//! one moves the value into a thread-local variable and out of it again at each poll, which is more work the larger it
//! is; here it stays in the scope. Inside [`with`](LocalKey::with) that one cannot enter a scope of the same key, and
//! panics; this one can. This one works in coroutines and futures of any runtime, and needs none.

mod scope;
mod top;

pub use self::scope::Scope;
#[doc(hidden)]
pub use self::top::Top;
#[doc(hidden)]
pub use std::thread_local;

use core::fmt;
use core::future::Future;
use std::thread;

use crate::coroutine::Coroutine;
use crate::frame::body::Body;

/// Declares keys of [values that follow a chain](mod@crate::task_local): `static NAME: Type;`, with attributes and a
/// visibility where they are wanted.
///
/// ```
/// cps_core::task_local! {
///     /// Who asks.
///     pub static USER: String;
///     static ATTEMPT: u32;
/// }
/// # fn main() {
/// let user = USER.scope("ada".to_owned(), ATTEMPT.scope(2, async {
///     USER.with(|user| format!("{user}, {}", ATTEMPT.get()))
/// }));
/// assert_eq!(futures::executor::block_on(user), "ada, 2");
/// # }
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $value:ty $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::task_local::LocalKey<$value> = {
            $crate::task_local::thread_local! {
                static TOP: $crate::task_local::Top<$value> =
                    const { $crate::task_local::Top::new() };
            }
            $crate::task_local::LocalKey::__new(TOP)
        };
        $crate::task_local! { $($($rest)*)? }
    };
}

/// A key of a value that follows a chain: made by [`task_local!`](crate::task_local!).
pub struct LocalKey<T: 'static> {
    top: thread::LocalKey<Top<T>>,
}

/// There is no value: what asks is in no scope of the key.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessError;

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn __new(top: thread::LocalKey<Top<T>>) -> Self {
        LocalKey { top }
    }

    /// A future that is `future`, which sees the value. For a coroutine [`with_local`](Coroutine::with_local) is the
    /// same.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Scope<T, F> {
        Scope::new(self, value, future)
    }

    /// Calls a function that sees the value.
    ///
    /// # Panics
    /// If the function does.
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        self.enter(&value, f)
    }

    /// Calls `f` with the value of the innermost scope.
    ///
    /// # Panics
    /// If there is no scope, or `f` panics.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`with`](LocalKey::with).
    ///
    /// # Errors
    /// If there is no scope.
    ///
    /// # Panics
    /// If `f` does.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.top.with(|top| top.read(f)).ok_or(AccessError)
    }

    /// The value of the innermost scope.
    ///
    /// # Panics
    /// If there is no scope.
    #[track_caller]
    #[must_use]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Runs `f`, which sees the value.
    #[inline]
    fn enter<R>(&'static self, value: &T, f: impl FnOnce() -> R) -> R {
        self.top.with(|top| top.enter(value, f))
    }
}

impl<B: Body, P> Coroutine<B, P> {
    /// The coroutine, which sees a value: it, what it calls, and its branches [read](LocalKey::with) it by the key. See
    /// the [module](mod@crate::task_local).
    ///
    /// What this gives is a future. Awaited by a coroutine it is no call, but the root of a chain of its own.
    pub fn with_local<T>(self, key: &'static LocalKey<T>, value: T) -> Scope<T, Self> {
        key.scope(value, self)
    }
}

impl<T> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the task-local value is not set: this is in no `scope` or `with_local` of its key",
        )
    }
}

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessError")
    }
}

impl core::error::Error for AccessError {}
