//! The chain that runs a body, as the body's expansion hands it to its calls: the driver, the body's frame, and a type
//! that says what the body may do.
//!
//! | body | kind | may wait | may yield |
//! |---|---|---|---|
//! | coroutine | [`Waits`] | yes | no |
//! | synchronous generator | [`Yields<T>`] | no | `T` |
//! | asynchronous generator | [`WaitsAndYields<T>`] | yes | `T` |
//!
//! A body that yields `T` runs only in chains whose driver is the head of a channel for `T`: either the root of a
//! generator of these items starts it, or a body that yields them delegates to it. So `yield_` may take the channel's
//! type from the kind of the chain.

use core::fmt;
use core::marker::PhantomData;

use crate::chain::driver::Driver;
use crate::chain::header::{Header, root_continuation};

/// A driver, and the frame that calls: the body that is running, or the root continuation.
///
/// For use within this crate. No frame keeps one: a body finds it in the context of each poll (see
/// `frame/context.rs`).
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub(crate) driver: *const Driver,
    /// The frame of that body, or the root continuation where there is none.
    pub(crate) frame: *const Header,
}

impl Caller {
    #[inline(always)]
    pub(crate) fn new(driver: *const Driver, frame: *const Header) -> Self {
        Caller { driver, frame }
    }

    /// For the call of a root frame.
    #[inline(always)]
    pub(crate) fn root(driver: *const Driver) -> Self {
        Caller::new(driver, root_continuation())
    }
}

/// The chain, as held by the expansion of a body of kind `K`, which calls by it.
///
/// **Invariant H**: a handle exists only within the body that the chain runs, and there is one at a time.
/// `Entered::__cps_handle` makes the first; a call takes it and gives the next one. It can be neither copied nor kept:
/// the brand `'b` is the lifetime of a local of that body. And only the expansion has it, which hands no token that
/// names it to another macro.
pub struct Handle<'b, K> {
    chain: Caller,
    _brand: PhantomData<Brand<'b, K>>,
}

/// Makes a handle invariant in the lifetime and in the kind.
type Brand<'b, K> = fn(&'b (), K) -> (&'b (), K);

impl<'b, K> Handle<'b, K> {
    /// # Safety
    /// The chain runs the body that this is made for, whose kind is `K`; `'b` is the lifetime of one of its locals.
    #[inline(always)]
    pub(crate) unsafe fn new(chain: Caller) -> Self {
        Handle { chain, _brand: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn into_chain(self) -> Caller {
        self.chain
    }
}

// SAFETY: a handle lies in a body's future while that is suspended in an `.await` of an unknown macro, and
// moves between threads with it, as all of the chain does that it leads to.
unsafe impl<K> Send for Handle<'_, K> {}
// SAFETY: a shared reference to a handle gives access to nothing: it has no method that takes one, and is
// not `Copy`.
unsafe impl<K> Sync for Handle<'_, K> {}

impl<K> fmt::Debug for Handle<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// The kind of a coroutine's body.
#[derive(Debug)]
pub struct Waits(());

/// The kind of a synchronous generator's body. Contravariant: a body that yields long-lived references must not yield
/// shorter ones.
#[derive(Debug)]
pub struct Yields<T>(PhantomData<fn(T)>);

/// The kind of an asynchronous generator's body. Contravariant, as [`Yields`].
#[derive(Debug)]
pub struct WaitsAndYields<T>(PhantomData<fn(T)>);

/// A body that may await anything.
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
/// Only drivers that head a `Channel<T>` run it.
#[diagnostic::on_unimplemented(
    message = "this body does not yield items of type `{T}`",
    label = "yielded in a body that has no such items",
    note = "what a body yields is said by its attribute: `#[cps(yields = …)]`"
)]
pub unsafe trait MayYield<T> {}

// SAFETY: such a body is started by a generator's root, whose driver heads a `Channel<T>`, or by a delegation from a
// body of the same kind.
unsafe impl<T> MayYield<T> for Yields<T> {}
// SAFETY: as for `Yields`: a generator's root or a delegation starts it, by a driver that heads a `Channel<T>`.
unsafe impl<T> MayYield<T> for WaitsAndYields<T> {}
