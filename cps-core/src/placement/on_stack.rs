//! Calls with the callee's frame on the chain's frame stack.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr;
use core::task::Poll;

use crate::call::{self, Content, Memory, OfChain, Returned, SlotOf};
use crate::chain::caller::Caller;
use crate::chain::driver::Driver;
use crate::chain::header::{Header, VTable};
use crate::frame::body::{Body, Site};
use crate::frame::deferred::{StartDeferred, Unstarted, Waiting};
use crate::frame::outlined::Outlined;
use crate::frame::passing::Passing;
use crate::frame::{Frame, describe_called};
use crate::placement::{Placement, Stack};
use crate::stack::options::Exhausted;

/// The slot's content for a callee with a frame on the frame stack: nothing, since the frame of a
/// call that ends is the topmost.
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Stacked<B>(PhantomData<B>);

/// The vtables of `B`'s frames on the frame stack, called at `S`. The call pops a frame's memory, or it is dropped with
/// the stack.
struct OnStack<B, S>(PhantomData<(B, S)>);

impl<B: Body, S: Site> OnStack<B, S> {
    const UNSTARTED: &'static VTable = &VTable {
        resume: <B::Future as StartDeferred<B>>::start_deferred::<Self>,
        drop: drop_unstarted::<B>,
        describe: describe_called::<B, S>,
        drop_branches: None,
    };
    const STARTED: &'static VTable = &VTable {
        resume: <B::Future as Outlined<B>>::resume,
        drop: <B::Future as Outlined<B>>::drop_suspended,
        describe: describe_called::<B, S>,
        drop_branches: None,
    };
}

impl<B: Body, S: Site> Unstarted<B> for OnStack<B, S> {
    fn started() -> *const VTable {
        Self::STARTED
    }

    unsafe fn take(frame: *mut Header, driver: *const Driver) -> B {
        // SAFETY: `start_deferred` calls this once, for an unstarted frame, by its vtable (invariant V). Its body
        // was pushed after it, and nothing since, for nothing has run.
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
    type Waiting<B: Body> = call::Suspended;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        _: *mut SlotOf<Stacked<B>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<B::Output, call::Suspended> {
        let driver = chain.driver;
        // SAFETY: the running body calls this (invariant D), so the driver outlives the call.
        let own = unsafe { &*driver };
        if own.may_nest_call() {
            if let Some(frame) = own.stack.push::<Frame<B>>() {
                // SAFETY: the memory is the frame's until it is popped, which is when the frame has ended (invariant
                // F): here or in `finish`. If the callee panics so does the chain, and the stack is dropped whole.
                match unsafe { Frame::call_as(frame, body, chain, OnStack::<B, S>::STARTED) } {
                    Poll::Ready(given) => {
                        // SAFETY: the call of this frame has just given it. The frame was pushed above, and all calls
                        // that began later have ended (invariant C).
                        let value = unsafe {
                            let value = Frame::take_given(frame, given);
                            own.stack.pop_within(frame);
                            value
                        };
                        return Ok(value);
                    }
                    // SAFETY: the callee has suspended, and the body awaits it at once (invariant P).
                    Poll::Pending => return unsafe { Err(call::Suspended::now(chain)) },
                }
            }
        }
        // The two cases are told apart here, since LLVM does not thread the test of the result through a point where
        // all paths meet. SAFETY: the running body calls this (invariant D), and awaits it at once if there is no
        // value (invariant P).
        match unsafe { call_slowly::<B, S>(chain, body) } {
            Some(value) => Ok(value),
            // SAFETY: the callee has suspended, or was deferred.
            None => unsafe { Err(call::Suspended::now(chain)) },
        }
    }
}

/// [`Stack::call`] where the current chunk is full or the host stack's budget is used up. (Not where the body is: there
/// LLVM would lay out the usual path with a jump more.)
///
/// # Safety
/// As for [`Placement::call`].
#[cold]
#[inline(never)]
unsafe fn call_slowly<B: Body, S: Site>(chain: Caller, body: Passing<B>) -> Option<B::Output> {
    // SAFETY: the running body calls this (invariant D), so the driver outlives the call.
    let pushed = Pushed::new(unsafe { &*chain.driver }, const { &Layouts::of::<B>() });
    // SAFETY: `Stack::call`, the only caller, has the running body (invariant D), which awaits the call at once
    // (invariant P). The memory is that of the body.
    unsafe { <B::Future as OutlinedOnStack<B>>::call_pushed::<S>(pushed, chain, body) }
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
    // SAFETY: the running body calls this (invariant D), so the driver outlives the call.
    match Pushed::try_new(unsafe { &*chain.driver }, const { &Layouts::of::<B>() }) {
        // SAFETY: the caller upholds the rest for this call. The memory is that of the body.
        Ok(pushed) => unsafe {
            Ok(<B::Future as OutlinedOnStack<B>>::call_pushed::<S>(pushed, chain, body))
        },
        Err(exhausted) => Err((exhausted, body)),
    }
}

/// What is compiled where the body is. (`Self` is the body's future: see `frame/outlined.rs`.)
trait OutlinedOnStack<B: Body> {
    /// Calls `body` in memory that was pushed for it. Its value, or `None`, as for [`try_call`].
    ///
    /// # Safety
    /// As for [`Placement::call`]; the memory was pushed just now, and for this body.
    unsafe fn call_pushed<S: Site>(
        pushed: Pushed,
        chain: Caller,
        body: Passing<B>,
    ) -> Option<B::Output>;
}

impl<B: Body> OutlinedOnStack<B> for B::Future {
    unsafe fn call_pushed<S: Site>(
        pushed: Pushed,
        chain: Caller,
        body: Passing<B>,
    ) -> Option<B::Output> {
        let frame = pushed.frame.cast::<Frame<B>>();
        if !pushed.waiting.is_null() {
            let waiting = pushed.waiting.cast();
            // SAFETY: both pieces of memory are kept until they are popped, the body's first (invariant F): by `take`,
            // when the body is started, and by `finish`.
            unsafe { Waiting::begin(waiting, body, frame, chain, OnStack::<B, S>::UNSTARTED) };
            return None;
        }
        // SAFETY: the memory is the frame's until it is popped, which is when the frame has ended (invariant F): here
        // or in `finish`. If the callee panics so does the chain, and the stack is dropped whole.
        match unsafe { Frame::call_as(frame, body, chain, OnStack::<B, S>::STARTED) } {
            Poll::Ready(given) => {
                // SAFETY: the call of this frame has just given it. The frame was pushed last, and all calls that began
                // later have ended (invariant C).
                unsafe {
                    let value = Frame::take_given(frame, given);
                    (*chain.driver).stack.pop(frame);
                    Some(value)
                }
            }
            Poll::Pending => None,
        }
    }
}

/// What a call may need on the frame stack.
#[derive(Clone, Copy)]
struct Layouts {
    frame: Layout,
    /// Of its body, if the call is deferred.
    waiting: Layout,
}

impl Layouts {
    const fn of<B: Body>() -> Self {
        Layouts { frame: Layout::new::<Frame<B>>(), waiting: Layout::new::<Waiting<B>>() }
    }
}

/// Memory on the frame stack for one call.
struct Pushed {
    frame: *mut u8,
    /// Where the body waits if the call is deferred, else null.
    waiting: *mut u8,
}

/// (Neither is compiled for each body.)
impl Pushed {
    /// Memory for a call that begins now, or, if the host stack's budget is used up, for one that is deferred.
    #[inline(never)]
    fn try_new(own: &Driver, layouts: &Layouts) -> Result<Self, Exhausted> {
        Self::find(own, layouts)
    }

    /// [`Pushed::try_new`] that panics if there is no memory.
    #[inline(never)]
    fn new(own: &Driver, layouts: &Layouts) -> Self {
        match Self::find(own, layouts) {
            Ok(pushed) => pushed,
            Err(exhausted) => panic!("{exhausted}"),
        }
    }

    #[inline(always)]
    fn find(own: &Driver, layouts: &Layouts) -> Result<Self, Exhausted> {
        let frame = own.stack.push_slow(layouts.frame)?;
        if own.may_nest_call() {
            return Ok(Pushed { frame, waiting: ptr::null_mut() });
        }
        match own.stack.push_slow(layouts.waiting) {
            Ok(waiting) => Ok(Pushed { frame, waiting }),
            Err(exhausted) => {
                // SAFETY: it was pushed above, and nothing since.
                unsafe { own.stack.pop(frame) };
                Err(exhausted)
            }
        }
    }
}

/// Takes the result of the callee, which has just returned.
///
/// # Safety
/// - The topmost frame of the chain's stack is a `B`'s.
/// - It has returned, and its result was not taken.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn finish<B: Body>(chain: Caller) -> B::Output {
    // SAFETY: `Suspended` was polled again, so the callee has returned (invariant L). Calls that began later have
    // ended (invariant C), so its frame is the topmost.
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
    type Ready = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: B::Output) -> B::Output {
        ready
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(_: *mut SlotOf<Self>, returned: Returned) -> B::Output {
        // SAFETY: `Suspended` was polled again, so the callee has returned (invariant L). Calls that began later
        // have ended (invariant C), so its frame is the topmost.
        unsafe { finish::<B>(returned.chain()) }
    }
}

unsafe fn drop_unstarted<B: Body>(frame: *mut Header) {
    // SAFETY: this vtable is set on unstarted frames only (invariant V), and `drop_chain` has taken the frame out
    // of the chain.
    unsafe { Waiting::drop_body(Waiting::<B>::of(frame)) }
}
