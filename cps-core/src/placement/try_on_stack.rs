//! Calls with the callee's frame on the frame stack that report when there is no memory.

use core::fmt;
use core::marker::PhantomData;

use crate::call::{Callee, Content, Memory, OfChain, Returned, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::frame::body::{Body, Site};
use crate::frame::passing::Passing;
use crate::placement::on_stack;
use crate::stack::options::Exhausted;

/// A coroutine that is called with its frame on the frame stack, if there is memory for that. Made
/// by [`Coroutine::try_on_stack`](crate::Coroutine::try_on_stack), and only good for an `.await` in a coroutine.
#[must_use = "a coroutine does nothing until it is awaited"]
pub struct TryOnStack<B: Body> {
    body: B,
}

impl<B: Body> TryOnStack<B> {
    pub(crate) fn new(body: B) -> Self {
        TryOnStack { body }
    }

    /// For the expansion of `#[cps]`: see `call/mod.rs`.
    #[doc(hidden)]
    #[inline(always)]
    pub fn __cps_call(self) -> Self {
        self
    }
}

impl<B: Body, K: MayWait> Callee<K> for TryOnStack<B> {
    type Content = Tried<B>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<S: Site>(
        this: *mut Self,
        chain: Caller,
        _: *mut SlotOf<Tried<B>>,
    ) -> Result<<Tried<B> as Content>::Value, Suspended> {
        // SAFETY: the running body calls this (invariant D), and `Handle::__cps_begin`, which owns `this`, does not
        // use it again. Without a value the call has suspended, and the body awaits it at once (invariant P).
        unsafe {
            let body = Passing::of(&raw mut (*this).body);
            match on_stack::try_call::<B, S>(chain, body) {
                Ok(Some(value)) => Ok(Ok(value)),
                Ok(None) => Err(Suspended::now(chain)),
                Err((reason, body)) => {
                    let body = body.into_body();
                    Ok(Err(StackExhausted { body, reason }))
                }
            }
        }
    }
}

impl<B: Body> fmt::Debug for TryOnStack<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TryOnStack(unstarted)")
    }
}

/// The slot's content: nothing, as for [`on_stack::Stacked`].
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Tried<B>(PhantomData<B>);

impl<B: Body> Memory for Tried<B> {
    type Running = ();
    type Returned = ();
    type Owner = B;
    type Inner = ();
}

impl<B: Body> Content for Tried<B> {
    type Awaited = Returned;
    type Value = Result<B::Output, StackExhausted<B>>;
    type Ready = Self::Value;

    #[inline(always)]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: Self::Value) -> Self::Value {
        ready
    }

    #[inline(always)]
    unsafe fn finish(_: *mut SlotOf<Self>, returned: Returned) -> Self::Value {
        // SAFETY: `Suspended` was polled again, so the callee, which has a frame, has returned (invariant L). Calls
        // that began later have ended (invariant C), so it is the topmost.
        Ok(unsafe { on_stack::finish::<B>(returned.chain()) })
    }
}

/// There is no memory for a coroutine's frame on the frame stack; the coroutine, unstarted.
pub struct StackExhausted<B: Body> {
    body: B,
    reason: Exhausted,
}

impl<B: Body> StackExhausted<B> {
    pub(crate) fn into_body(self) -> B {
        self.body
    }
}

impl<B: Body> fmt::Debug for StackExhausted<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StackExhausted").field(&self.reason).finish()
    }
}

impl<B: Body> fmt::Display for StackExhausted<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<B: Body> core::error::Error for StackExhausted<B> {}
