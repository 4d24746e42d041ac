//! The frame of a boxed coroutine without its body's type, and a call of it.

use alloc::alloc::dealloc;
use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::Location;
use core::task::Poll;

use crate::call::{Callee, Content, Memory, Returned, SlotOf, Suspended};
use crate::chain::caller::{Caller, MayWait};
use crate::chain::header::Header;
use crate::coroutine::boxed_frame::{ErasedVTable, OwnMemory};
use crate::frame::body::{Body, Site};
use crate::placement::on_heap;

/// The owner of an unstarted frame in an allocation. This is the callee of a call.
#[derive(Debug)]
pub struct ErasedFrame<T, S: ?Sized> {
    pub(super) frame: *const Header,
    _output: PhantomData<fn() -> T>,
    _body: PhantomData<Box<S>>,
}

// SAFETY: it owns the frame, whose body is `Send` if `S` is (`Coroutine::boxed`).
unsafe impl<T, S: ?Sized + Send> Send for ErasedFrame<T, S> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T, S: ?Sized> Sync for ErasedFrame<T, S> {}

impl<T, S: ?Sized> ErasedFrame<T, S> {
    /// `B` must fulfil the bounds that `S` stands for.
    pub(super) fn new<B: Body<Output = T>>(body: B) -> Self {
        let memory = on_heap::allocate::<OwnMemory<B>>();
        // SAFETY: `allocate` gave memory for just this type, and nobody else has it.
        unsafe { memory.write(OwnMemory::new(body)) };
        ErasedFrame { frame: memory.cast_const().cast(), _output: PhantomData, _body: PhantomData }
    }

    fn vtable(&self) -> &'static ErasedVTable {
        // SAFETY: the frame is live as long as `self`. Its vtable is one of `Erased` (invariant V), a static
        // `ErasedVTable` whose first field is what the header points to.
        unsafe { &*(*self.frame).vtable.get().cast::<ErasedVTable>() }
    }

    /// Notes where the frame is called.
    ///
    /// # Safety
    /// The frame has not ended.
    #[inline(always)]
    pub(super) unsafe fn called_at(&self, call: Option<&'static Location<'static>>) {
        // SAFETY: the frame lies in an `OwnMemory` (`new`), in which the vtable says where the call is; the frame
        // has not ended, so the memory is live.
        unsafe {
            self.frame
                .cast_mut()
                .byte_add(self.vtable().call)
                .cast::<Option<&'static Location<'static>>>()
                .write(call)
        }
    }

    /// Starts the frame on the host stack, in its first call; `true` if it has returned.
    ///
    /// # Safety
    /// - The frame is unstarted.
    /// - `chain` is that of the body that runs, or of a root that is polled (invariant D).
    /// - If this unwinds, the frame's memory is freed, and `self` is not used again.
    #[inline(always)]
    pub(super) unsafe fn start(&self, chain: Caller) -> bool {
        // SAFETY: `call`, `start` and `start_called` have an unstarted frame and the chain of a body that runs, or
        // of a root that is polled (invariant D). The frame's memory is an allocation (invariant F), and the vtable
        // is its own (invariant V).
        unsafe { (self.vtable().start)(self.frame.cast_mut(), chain) }
    }

    /// Moves the result out and frees the memory.
    ///
    /// # Safety
    /// - The frame has returned, and its result was not taken.
    /// - `self` is not used again.
    #[inline(always)]
    pub(super) unsafe fn finish(&self) -> T {
        let ErasedVTable { result, layout, .. } = self.vtable();
        // SAFETY: the caller has seen the frame return, and `self` owns it. The result lies there, with the type
        // `T` that `new` demands, and the memory was allocated with the vtable's layout.
        unsafe {
            let value = self.frame.byte_add(*result).cast::<T>().read();
            dealloc(self.frame.cast_mut().cast(), *layout);
            value
        }
    }

    /// Starts the frame as the root of a chain, and leaves it in `place`.
    ///
    /// # Safety
    /// - The chain has no frames, and its driver is in a poll.
    /// - `place` is valid for writes.
    #[inline(always)]
    pub(crate) unsafe fn start_root(self, place: *mut Boxed<T, S>, chain: Caller) -> Poll<()> {
        let root = ManuallyDrop::new(self);
        // SAFETY: the frame is unstarted, since this value owns it. `interleave`, which calls this, has entered the
        // driver (invariant D), and gives it `place` for its frame.
        unsafe {
            root.called_at(None);
            let returned = root.start(chain);
            place.write(Boxed(root));
            if returned { Poll::Ready(()) } else { Poll::Pending }
        }
    }
}

impl<T, S: ?Sized, K: MayWait> Callee<K> for ErasedFrame<T, S> {
    type Content = Boxed<T, S>;
    type Waiting = Suspended;

    #[inline(always)]
    unsafe fn call<C: Site>(
        this: *mut Self,
        chain: Caller,
        slot: *mut SlotOf<Boxed<T, S>>,
    ) -> Result<T, Suspended> {
        // SAFETY: `Handle::__cps_begin`, which owns `this`, does not use it again.
        let callee = ManuallyDrop::new(unsafe { this.read() });
        // SAFETY: the frame is unstarted. The chain is running, since its body calls this.
        unsafe {
            callee.called_at(C::AT);
            if !(*chain.driver).may_nest_call() {
                (*chain.driver).defer(callee.frame, chain.frame);
            } else if callee.start(chain) {
                return Ok(callee.finish());
            }
            slot.cast::<Boxed<T, S>>().write(Boxed(callee));
            Err(Suspended::now(chain))
        }
    }
}

impl<T, S: ?Sized> Drop for ErasedFrame<T, S> {
    fn drop(&mut self) {
        // SAFETY: whoever starts the frame forgets this value (`call`, `start_root`, `ErasedCoroutine`), so the
        // frame is unstarted, in no chain, and has the vtable of that (invariant V).
        unsafe { (self.vtable().frame.drop)(self.frame.cast_mut()) }
    }
}

/// The slot's content for a boxed callee: a pointer to its frame.
#[derive(Debug)]
pub struct Boxed<T, S: ?Sized>(ManuallyDrop<ErasedFrame<T, S>>);

impl<T, S: ?Sized> Boxed<T, S> {
    /// Moves the result out and frees the frame.
    ///
    /// # Safety
    /// The frame has returned and its result was not taken.
    #[inline(always)]
    pub(crate) unsafe fn take_result(place: *mut Self) -> T {
        // SAFETY: the caller has seen the chain end, or the await of this call, and calls this once: the frame has
        // returned, and its result is there.
        unsafe { (*place).0.finish() }
    }
}

impl<T, S: ?Sized> Memory for Boxed<T, S> {
    type Running = Self;
    type Returned = ();
    type Owner = ErasedFrame<T, S>;
    type Inner = ();
}

impl<T, S: ?Sized> Content for Boxed<T, S> {
    type Awaited = Returned;
    type Value = T;
    type Ready = T;

    #[inline(always)]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: T) -> T {
        ready
    }

    #[inline(always)]
    unsafe fn finish(slot: *mut SlotOf<Self>, _: Returned) -> T {
        // SAFETY: `Suspended` was polled again, so the callee has returned (invariant L); `call` left its frame in
        // the slot.
        unsafe { Self::take_result(slot.cast::<Self>()) }
    }
}
