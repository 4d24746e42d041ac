//! Yielding one item.

use core::fmt;
use core::marker::PhantomData;
use core::task::Poll;

use crate::call::{Callee, Content, Memory, Returned, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayYield};
use crate::frame::body::Site;
use crate::generator::channel::Channel;

/// Yields an item: `yield_(item).await` in the body of a generator hands the item to the consumer, and goes on when
/// the consumer asks for the next one.
///
/// It is for an `.await` in the body itself. In a closure or an `async` block within, it does not
/// compile: these are not run by the generator.
///
/// # Cancellation
/// The iterator or stream may be dropped meanwhile; then the body ends here, as at any other `.await`.
///
/// ```
/// use cps_core::{cps, yield_};
///
/// #[cps(yields = u32)]
/// fn countdown(from: u32) {
///     for n in (1..=from).rev() {
///         yield_(n).await;
///     }
/// }
///
/// assert!(countdown(3).into_iter().eq([3, 2, 1]));
/// ```
#[inline(always)]
pub fn yield_<T>(item: T) -> Yield<T> {
    Yield { item }
}

/// The value of [`yield_`]: it does nothing until it is awaited.
#[must_use = "nothing is yielded unless this is awaited: `yield_(item).await`"]
pub struct Yield<T> {
    item: T,
}

/// The slot's content: nothing, since the item is in the channel.
#[derive(Debug)]
pub struct Yielded<T>(PhantomData<fn(T)>);

impl<T> Yield<T> {
    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub fn __cps_call(self) -> Self {
        self
    }
}

impl<T, K: MayYield<T>> Callee<K> for Yield<T> {
    type Content = Yielded<T>;
    /// Waits until the item is taken, since the chain is resumed for the next item only.
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        _: *mut SlotOf<Yielded<T>>,
    ) -> Result<(), Suspended> {
        // SAFETY: the running body calls this (invariant D), and its chain heads a channel of `T` (contract of
        // `MayYield`). An item that filled the slot suspended the chain, and the poll that ended with it emptied
        // the slot. `Handle::__cps_begin`, which owns `this`, does not use it again. If the item fills the slot there is
        // a step, and the body awaits this at once (invariant P).
        unsafe {
            match Channel::put(chain.driver, (&raw const (*this).item).read()) {
                Poll::Ready(()) => Ok(()),
                Poll::Pending => Err(Suspended::now(chain)),
            }
        }
    }
}

impl<T> Memory for Yielded<T> {
    type Running = ();
    type Returned = ();
    type Owner = ();
    type Inner = ();
}

impl<T> Content for Yielded<T> {
    type Awaited = Returned;
    type Value = ();
    type Ready = ();

    #[inline(always)]
    unsafe fn ready(_: *mut SlotOf<Self>, (): ()) {}

    #[inline(always)]
    unsafe fn finish(_: *mut SlotOf<Self>, _: Returned) {}
}

impl<T> fmt::Debug for Yield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Yield")
    }
}
