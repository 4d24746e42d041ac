//! Calls with the callee's frame on the chain's frame stack.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::task::Poll;

use crate::call::{self, Content, Memory, OfChain, Returned, SlotOf};
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};
use crate::frame::body::{Body, Site};
use crate::frame::deferred::{Unstarted, Waiting, start_deferred};
use crate::frame::passing::Passing;
use crate::frame::{Frame, SuspendedAt, describe_called};
use crate::placement::{Placement, Stack};
use crate::stack::options::Exhausted;

/// The slot's content for a callee with a frame on the frame stack: nothing, since the frame of a
/// call that ends is the topmost.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Stacked<B>(PhantomData<B>);

/// The vtable of an unstarted frame on the frame stack. A started one has that of a frame in its
/// caller's memory: the frame's own memory is popped by the call, or dropped with the stack.
struct OnStack<B, S>(PhantomData<(B, S)>);

impl<B: Body, S: Site> OnStack<B, S> {
    const UNSTARTED: &'static VTable = &VTable {
        resume: start_deferred::<B, Self>,
        drop: drop_unstarted::<B>,
        describe: describe_called::<B, S>,
        drop_branches: None,
    };
}

impl<B: Body, S: Site> Unstarted<B> for OnStack<B, S> {
    fn started() -> *const VTable {
        SuspendedAt::<B, S>::VTABLE
    }

    unsafe fn take(frame: *mut Header, driver: *const Driver) -> B {
        // SAFETY: by contract the frame is unstarted; its body was pushed after it, and nothing
        // since, for nothing has run.
        unsafe {
            let waiting = Waiting::<B>::of(frame);
            let body = Waiting::take(waiting);
            (*driver).stack.pop(waiting);
            body
        }
    }
}

impl Placement for Stack {
    type Content<B: Body> = Stacked<B>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        _: *mut SlotOf<Stacked<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> (Option<B::Output>, call::Suspended) {
        let driver = chain.driver;
        // SAFETY: the chain is running, since its body calls this; its driver outlives the call. The
        // memory is the frame's until it is popped, which is when the frame has ended: here or in
        // `finish`. If the callee panics so does the chain, and the stack is dropped whole.
        unsafe {
            if (*driver).may_nest_call() {
                if let Some(frame) = (*driver).stack.push::<Frame<B>>() {
                    match Frame::call::<S>(frame, body, chain) {
                        Poll::Ready(value) => {
                            (*driver).stack.pop_within(frame);
                            return call::Suspended::returned(value);
                        }
                        Poll::Pending => return call::Suspended::now(chain),
                    }
                }
            }
            // Told apart here: LLVM does not thread the test of the result through where all paths meet.
            match call_slowly::<B, S>(chain, body) {
                Some(value) => call::Suspended::returned(value),
                None => call::Suspended::now(chain),
            }
        }
    }
}

/// [`Stack::call`] where the current chunk is full or the host stack's budget is used up.
///
/// # Safety
/// As for [`Placement::call`].
#[cold]
#[inline(never)]
unsafe fn call_slowly<B: Body, S: Site>(chain: Caller, body: Passing<B>) -> Option<B::Output> {
    // SAFETY: passed on.
    match unsafe { try_call::<B, S>(chain, body) } {
        Ok(value) => value,
        Err((exhausted, _body)) => panic!("{exhausted}"),
    }
}

/// Calls `body` with its frame on the frame stack, in a further chunk if need be.
///
/// The callee's value if it has returned already; `None` if it is suspended or deferred. If there
/// is no memory: why, and the body.
///
/// # Safety
/// As for [`Placement::call`].
pub(crate) unsafe fn try_call<B: Body, S: Site>(
    chain: Caller,
    body: Passing<B>,
) -> Result<Option<B::Output>, (Exhausted, Passing<B>)> {
    let driver = chain.driver;
    // SAFETY: as in `Stack::call`.
    unsafe {
        let stack = &(*driver).stack;
        let frame = match stack.push_slow(Layout::new::<Frame<B>>()) {
            Ok(memory) => memory.cast::<Frame<B>>(),
            Err(exhausted) => return Err((exhausted, body)),
        };
        if !(*driver).may_nest_call() {
            let waiting = match stack.push_slow(Layout::new::<Waiting<B>>()) {
                Ok(memory) => memory.cast(),
                Err(exhausted) => {
                    stack.pop(frame);
                    return Err((exhausted, body));
                }
            };
            Waiting::begin(waiting, body, frame, chain, OnStack::<B, S>::UNSTARTED);
            return Ok(None);
        }
        match Frame::call::<S>(frame, body, chain) {
            Poll::Ready(value) => {
                (*driver).stack.pop(frame);
                Ok(Some(value))
            }
            Poll::Pending => Ok(None),
        }
    }
}

/// Takes the result of the callee, which has just returned.
///
/// # Safety
/// The topmost frame is a `B`'s, and it has returned.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn finish<B: Body>(chain: Caller) -> B::Output {
    // SAFETY: by contract.
    unsafe {
        let driver = chain.driver;
        let frame = (*driver).stack.topmost::<Frame<B>>();
        let value = Frame::take_result(frame);
        (*driver).stack.pop(frame);
        value
    }
}

impl<B: Body> Memory for Stacked<B> {
    type Running = ();
    type Returned = ();
    type Owner = B;
    type Inner = ();
}

impl<B: Body> Content for Stacked<B> {
    type Awaited = Returned;
    type Value = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, returned: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned. Calls that began later
        // have ended, so its frame is the topmost.
        unsafe { finish::<B>(returned.chain()) }
    }
}

unsafe fn drop_unstarted<B: Body>(frame: *mut Header) {
    // SAFETY: this vtable is set on unstarted frames only; contract of `VTable::drop`.
    unsafe { Waiting::drop_body(Waiting::<B>::of(frame)) }
}
