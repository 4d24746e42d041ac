//! Yielding all items of another generator.

use core::fmt;

use crate::call::{Callee, Content, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait, MayYield};
use crate::frame::body::{Body, Site};
use crate::frame::passing::Passing;
use crate::generator::{AsyncGenerator, Generator};
use crate::placement::Placement;

/// Delegates to another generator of the same items: `yield_from(child).await` yields the child's items, and
/// evaluates to the child's return value.
///
/// It is a call. The child's frame is placed like a coroutine's ([`Placement`]), is linked to its caller's, and is
/// resumed directly: an item costs the same at any depth of delegation, where an iterator of iterators passes it
/// through every level.
///
/// An asynchronous generator may delegate to a synchronous one, not the other way round. As
/// [`yield_`](crate::yield_), this is for an `.await` in the body itself.
///
/// ```
/// use cps_core::{cps, yield_, yield_from};
///
/// struct Node {
///     value: u32,
///     children: [Option<Box<Node>>; 2],
/// }
///
/// /// Evaluates to the tree's height.
/// #[cps(yields = u32, elision = "stack")]
/// fn in_order(node: &Option<Box<Node>>) -> u32 {
///     let Some(node) = node else { return 0 };
///     let left = yield_from(in_order(&node.children[0])).await;
///     yield_(node.value).await;
///     let right = yield_from(in_order(&node.children[1])).await;
///     left.max(right) + 1
/// }
///
/// #[cps(yields = u32)]
/// fn with_height(tree: &Option<Box<Node>>) {
///     let height = yield_from(in_order(tree)).await;
///     yield_(height).await;
/// }
///
/// let node = |value, children| Some(Box::new(Node { value, children }));
/// let tree = node(2, [node(1, [None, None]), node(3, [None, None])]);
/// assert_eq!(with_height(&tree).into_iter().collect::<Vec<_>>(), [1, 2, 3, 2]);
/// ```
#[inline(always)]
pub fn yield_from<G: Delegate>(child: G) -> YieldFrom<G> {
    YieldFrom { child }
}

/// A generator: what can be delegated to.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a generator",
    label = "delegated to, but not a generator",
    note = "for an iterator, write a loop: `for item in iterator {{ yield_(item).await }}`"
)]
pub trait Delegate: private::Sealed {}

mod private {
    use super::{AsyncGenerator, Body, Generator};

    pub trait Sealed {}
    impl<T, B: Body, P> Sealed for Generator<T, B, P> {}
    impl<T, B: Body, P> Sealed for AsyncGenerator<T, B, P> {}
}

impl<T, B: Body, P> Delegate for Generator<T, B, P> {}
impl<T, B: Body, P> Delegate for AsyncGenerator<T, B, P> {}

/// The value of [`yield_from`]: it does nothing until it is awaited.
#[must_use = "nothing is yielded unless this is awaited: `yield_from(generator).await`"]
pub struct YieldFrom<G> {
    child: G,
}

impl<G: Delegate> YieldFrom<G> {
    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub fn __cps_call(self) -> Self {
        self
    }
}

impl<T, B: Body, P: Placement, K: MayYield<T>> Callee<K> for YieldFrom<Generator<T, B, P>> {
    type Content = P::Content<B>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<P::Content<B>>,
    ) -> Result<<P::Content<B> as Content>::Ready, Suspended> {
        // SAFETY: the running body calls this with its own slot (invariants D and F). Its chain heads a channel of
        // `T` (contract of `MayYield`), which the generator's body needs. `Handle::__cps_begin`, which owns `this`,
        // does not use it again.
        unsafe { begin::<B, P, S>(slot, chain, Passing::of(&raw mut (*this).child.body)) }
    }
}

impl<T, B, P, K> Callee<K> for YieldFrom<AsyncGenerator<T, B, P>>
where
    B: Body,
    P: Placement,
    K: MayYield<T> + MayWait,
{
    type Content = P::Content<B>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<P::Content<B>>,
    ) -> Result<<P::Content<B> as Content>::Ready, Suspended> {
        // SAFETY: the running body calls this with its own slot (invariants D and F). Its chain heads a channel of
        // `T` (contract of `MayYield`), which the generator's body needs. `Handle::__cps_begin`, which owns `this`,
        // does not use it again.
        unsafe { begin::<B, P, S>(slot, chain, Passing::of(&raw mut (*this).child.body)) }
    }
}

/// [`Placement::call`].
///
/// # Safety
/// As for that.
#[inline(always)]
unsafe fn begin<B: Body, P: Placement, S: Site>(
    slot: *mut SlotOf<P::Content<B>>,
    chain: Caller,
    body: Passing<B>,
) -> Result<<P::Content<B> as Content>::Ready, Suspended> {
    /// Not inlined. A generator is suspended and resumed many times for each start: if the start were part of the
    /// caller's resume function, each resume of the caller would save the registers that only the start needs.
    ///
    /// # Safety
    /// As for [`Placement::call`].
    #[inline(never)]
    unsafe fn call<B: Body, P: Placement, S: Site>(
        slot: *mut SlotOf<P::Content<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Option<<P::Content<B> as Content>::Ready> {
        // SAFETY: `begin`, the only caller, has the slot and the chain of the body that delegates (invariants D and
        // F).
        unsafe { P::call::<B, S>(slot, chain, body) }.ok()
    }

    // SAFETY: both calls of `Callee::call` above give the slot and the chain of the body that delegates
    // (invariants D and F). If there is no value the call has suspended, and the body awaits it at once
    // (invariant P).
    unsafe {
        match call::<B, P, S>(slot, chain, body) {
            Some(value) => Ok(value),
            None => Err(Suspended::now(chain)),
        }
    }
}

impl<G> fmt::Debug for YieldFrom<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YieldFrom(unstarted)")
    }
}
