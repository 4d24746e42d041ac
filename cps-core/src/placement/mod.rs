//! Where a callee's frame lives, chosen by type: the elision control of P2477 (“Allow programmer to
//! control and detect coroutine elision”), per call and per definition.

pub(crate) mod inline_up_to;
#[cfg(feature = "alloc")]
pub(crate) mod on_heap;
pub(crate) mod on_stack;
mod try_on_stack;

use crate::call::{Content, Embedded, Returned, SlotOf, Suspended};
use crate::chain::caller::Caller;
use crate::frame::body::{Body, Site};
use crate::frame::passing::{Given, Passing};

pub use crate::stack::options::{StackOptions, StackUsage};
pub use try_on_stack::{StackExhausted, TryOnStack};

/// Where a frame is placed when its coroutine is called: [`Inline`], [`Stack`], [`Heap`] or [`InlineUpTo`].
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
///
/// Frames in sequential calls share memory in every placement. P2477 warns of a callee whose memory is in a block
/// that ends before the callee. This cannot be written here: a frame exists only while the caller awaits it.
///
/// This trait is sealed.
pub trait Placement: private::Sealed + Sized {
    /// The call's memory in the caller's frame.
    #[doc(hidden)]
    type Content<B: Body>: Content<Awaited = Returned, Value = B::Output, Owner = B>;

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
    ) -> Result<<Self::Content<B> as Content>::Ready, Suspended>;
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

mod private {
    pub trait Sealed {}
    impl Sealed for super::Inline {}
    impl Sealed for super::Stack {}
    #[cfg(feature = "alloc")]
    impl Sealed for super::Heap {}
    impl<const N: usize> Sealed for super::InlineUpTo<N> {}
}

impl Placement for Inline {
    type Content<B: Body> = Embedded<B>;

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
