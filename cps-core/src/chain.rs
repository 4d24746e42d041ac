//! The chain that runs a body, as the body's expansion hands it to what is awaited: the driver, its own frame, and
//! by its type what the body may do.
//!
//! | body | kind | may wait | may yield |
//! |---|---|---|---|
//! | coroutine | [`Waits`] | yes | no |
//! | synchronous generator | [`Yields<T>`] | no | `T` |
//! | asynchronous generator | [`WaitsAndYields<T>`] | yes | `T` |
//!
//! A body of a kind that yields runs in chains whose driver heads a channel for its items only: it is
//! started by the root of a generator of these items, or by a delegation from a body that yields
//! them. So `yield_` may take the channel's type from the kind of the chain.

use core::fmt;
use core::marker::PhantomData;

use crate::driver::{Driver, Header, root_continuation};

/// The driver of the body that is running, a body of kind `K`, and its frame.
///
/// No frame has one: whatever was awaited gives the body its chain again (`call::Resumed`).
pub struct Chain<K = Waits> {
    pub(crate) driver: *const Driver,
    /// The frame of that body, or the root continuation where there is none.
    pub(crate) frame: *const Header,
    kind: PhantomData<K>,
}

impl<K> Chain<K> {
    #[inline(always)]
    pub(crate) fn new(driver: *const Driver, frame: *const Header) -> Self {
        Chain { driver, frame, kind: PhantomData }
    }

    /// For the call of a root frame.
    #[inline(always)]
    pub(crate) fn root(driver: *const Driver) -> Self {
        Chain::new(driver, root_continuation())
    }

    /// The chain of a callee, whose body makes a chain of its own kind of it.
    #[inline(always)]
    pub(crate) fn any(self) -> Chain {
        Chain::new(self.driver, self.frame)
    }
}

impl<K> Clone for Chain<K> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Chain<K> {}

// SAFETY: a body keeps this only while it runs, or in an `.await` of an unknown macro; the driver it leads
// to is part of the same root future as the body and moves between threads with it.
unsafe impl<K> Send for Chain<K> {}
// SAFETY: a shared reference allows nothing but what its owner calls (whatever uses a chain is unsafe, and
// the macro calls it from the owner only).
unsafe impl<K> Sync for Chain<K> {}

impl<K> fmt::Debug for Chain<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("driver", &self.driver).field("frame", &self.frame).finish()
    }
}

/// The kind of a coroutine's body.
#[derive(Debug)]
pub struct Waits(());

/// The kind of a synchronous generator's body. Contravariant: who may yield a reference that lives
/// long may yield no shorter one.
#[derive(Debug)]
pub struct Yields<T>(PhantomData<fn(T)>);

/// The kind of an asynchronous generator's body. Contravariant, as [`Yields`].
#[derive(Debug)]
pub struct WaitsAndYields<T>(PhantomData<fn(T)>);

/// A body that may wait: that may await anything.
#[diagnostic::on_unimplemented(
    message = "a synchronous generator cannot wait",
    label = "awaited in a generator that is a `fn`",
    note = "the body of an iterator can await `yield_` and `yield_from` of generators like itself; \
            an `async fn` with `yields` can await anything"
)]
pub trait MayWait {}

impl MayWait for Waits {}
impl<T> MayWait for WaitsAndYields<T> {}

/// A body that may yield a `T`.
///
/// # Safety
/// It is run by drivers that head a `Channel<T>` only.
#[diagnostic::on_unimplemented(
    message = "this body does not yield items of type `{T}`",
    label = "yielded in a body that has no such items",
    note = "what a body yields is said by its attribute: `#[cps_core::coroutine(yields = …)]`"
)]
pub unsafe trait MayYield<T> {}

// SAFETY: see the module's documentation.
unsafe impl<T> MayYield<T> for Yields<T> {}
// SAFETY: see the module's documentation.
unsafe impl<T> MayYield<T> for WaitsAndYields<T> {}
