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

use crate::chain::driver::Driver;
use crate::chain::header::{Header, root_continuation};

/// A driver, and the frame that calls: the body that is running, or the root continuation.
///
/// For use within this crate. No frame keeps one: a body finds it in the context that it is polled with
/// (see `frame/context.rs`).
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

/// The chain as the expansion of a body of kind `K` holds it, to call what it awaits.
///
/// **Invariant H**: a handle exists only within the body that the chain runs, and there is one at a time.
/// `Entered::__cps_handle` makes the first, a call takes it and gives the next one. It can
/// be neither copied nor kept: the brand `'b` is the lifetime of a local of that body. And nobody but the
/// expansion has it: no token that names it is handed to another macro.
pub struct Handle<'b, K> {
    chain: Caller,
    _brand: PhantomData<Brand<'b, K>>,
}

/// Invariant in the lifetime and in the kind.
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
