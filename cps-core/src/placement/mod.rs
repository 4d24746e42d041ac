//! Where a callee's frame lives, or that it has none, chosen by type: the elision control of P2477 (“Allow programmer to
//! control and detect coroutine elision”), per call and per definition.

pub(crate) mod inline_up_to;
mod nested;
#[cfg(feature = "alloc")]
pub(crate) mod on_heap;
pub(crate) mod on_stack;
mod try_on_stack;

use core::future::Future;

use crate::call::{Content, Embedded, OfChain, SlotOf, Suspended};
use crate::chain::caller::Caller;
use crate::frame::body::{Body, Site};
use crate::frame::passing::{Given, Passing};

pub use crate::stack::options::{StackOptions, StackUsage};
pub use try_on_stack::{StackExhausted, TryOnStack};

/// Where a frame is placed when its coroutine is called: [`Inline`], [`Stack`], [`Heap`] or [`InlineUpTo`]; or
/// [`Nested`], without one.
///
/// A placement is a parameter of [`Coroutine`](crate::Coroutine)'s type, so it is known when the caller's frame is
/// laid out. The call site has the last word: [`placed`](crate::Coroutine::placed) takes any of them.
///
/// | placement | P2477 | memory | for recursion | without `alloc` |
/// |---|---|---|---|---|
/// | [`Inline`] | always elided | in the caller's frame | no | yes |
/// | [`Stack`] | never elided | on the root's frame stack | yes | in a chunk that the root brings |
/// | [`Heap`] | never elided | an allocation for each call | yes | no |
/// | [`InlineUpTo<N>`](InlineUpTo) | may be elided | up to `N` bytes as [`Inline`], else [`Stack`] | yes | as these |
/// | [`Nested`] | always elided, with its frame's header | a part of the caller's own | no | yes |
///
/// Frames in sequential calls share memory in every placement. P2477 warns of a callee whose memory is in a block
/// that ends before the callee. This cannot be written here: a frame exists only while the caller awaits it.
///
/// This trait is sealed.
pub trait Placement: private::Sealed + Sized {
    /// The call's memory in the caller's frame.
    #[doc(hidden)]
    type Content<B: Body>: Content<Awaited = <Self::Waiting<B> as Future>::Output, Value = B::Output, Owner = B>;

    /// What the caller awaits if there is no value yet. (It is `Send` whatever `B` is: it lies in the caller's future
    /// beside the slot of the call, which is `Send` if `B` is.)
    #[doc(hidden)]
    type Waiting<B: Body>: Future<Output: OfChain> + Send + Sync;

    /// # Safety
    /// - `chain` runs the body that makes this call (invariant D).
    /// - The slot is that body's own: it is empty, is not moved, and stays valid until the call has ended
    ///   (invariant F).
    /// - If there is no value, the body awaits what is returned at once (invariant P), and then calls
    ///   `Content::finish` with the same slot.
    #[doc(hidden)]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut SlotOf<Self::Content<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<<Self::Content<B> as Content>::Ready, Self::Waiting<B>>;
}

/// The frame is part of the caller's frame. The default; not possible for recursion.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

/// The frame is on the chain's frame stack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stack;

/// The frame is allocated for the call and freed when it ends.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap;

/// The frame is part of the caller's frame if it takes no more than `N` bytes, and on the chain's
/// frame stack otherwise.
///
/// The choice is made at compile time, but only after the caller's frame was laid out: the frame has `N` bytes for
/// the call in either case (rounded up to a multiple of 8). So `N` bounds the cost of a call to the caller's frame,
/// as in a recursion, or in a function that is generic over its callee.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineUpTo<const N: usize = 128>;

/// There is no frame: the callee is polled as a part of its caller, as in plain `async` code, and compiled into it where
/// LLVM can. Not possible for recursion.
///
/// Made by [`Coroutine::nested`](crate::Coroutine::nested), or for all calls of a function by `#[cps(nested)]`.
///
/// A call costs less, a resume more: whatever waits in the callee, or is called by it and returns, is reached by a poll of
/// the caller. So it is for a callee that suspends once or twice a call, or never, close above what it waits for; deep
/// below, and where a callee suspends often, a frame is cheaper. `lab crossover` shows where that changes. The frame that
/// waits is the caller's: all else (values, drops, panics, the order of all these, `Send`) is as with a frame, and what
/// the callee calls has a frame or not, as it says itself.
///
/// A backtrace shows the callee with the feature `backtrace`. Without it, the place where the callee waits for a call of
/// its own is shown as the caller's.
///
/// Generic code that knows the coroutine as a future only calls it with a frame, whatever its placement. A generator
/// cannot be nested in the one that delegates to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nested;

mod private {
    pub trait Sealed {}
    impl Sealed for super::Inline {}
    impl Sealed for super::Stack {}
    #[cfg(feature = "alloc")]
    impl Sealed for super::Heap {}
    impl<const N: usize> Sealed for super::InlineUpTo<N> {}
    impl Sealed for super::Nested {}
}

impl Placement for Inline {
    type Content<B: Body> = Embedded<B>;
    type Waiting<B: Body> = Suspended;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut SlotOf<Embedded<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<Given<B::Output>, Suspended> {
        // SAFETY: the running body calls this with its own slot (invariants D and F), and awaits it at once
        // (invariant P).
        unsafe { Embedded::call::<S>(slot, chain, body) }
    }
}
