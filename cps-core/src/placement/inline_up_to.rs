//! Calls whose frame is part of the caller's frame if it is small enough.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::call::{Content, Embedded, Memory, OfChain, Returned, SlotOf, Suspended};
use crate::chain::caller::Caller;
use crate::frame::body::{Body, Site};
use crate::frame::passing::Passing;
use crate::placement::on_stack::{self, Stacked};
use crate::placement::{InlineUpTo, Placement, Stack};

/// The slot's content: a frame, if it takes no more than `N` bytes.
#[derive(Debug)]
pub struct Room<B, const N: usize>(PhantomData<B>);

/// Memory of `N` bytes.
#[repr(C, align(8))]
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Bytes<const N: usize>([MaybeUninit<u8>; N]);

impl<B: Body, const N: usize> Room<B, N> {
    /// Whether the frame is in the room.
    const FITS: bool = size_of::<SlotOf<Embedded<B>>>() <= size_of::<Bytes<N>>()
        && align_of::<SlotOf<Embedded<B>>>() <= align_of::<Bytes<N>>();
}

impl<const N: usize> Placement for InlineUpTo<N> {
    type Content<B: Body> = Room<B, N>;
    type Waiting<B: Body> = Suspended;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut SlotOf<Room<B, N>>,
        chain: Caller,
        body: Passing<B>,
    ) -> Result<B::Output, Suspended> {
        // SAFETY: the running body calls this with its own slot (invariants D and F), which holds the frame if that
        // fits.
        unsafe {
            if Room::<B, N>::FITS {
                let slot = slot.cast::<SlotOf<Embedded<B>>>();
                match Embedded::call::<S>(slot, chain, body) {
                    Ok(ready) => Ok(Embedded::ready(slot, ready)),
                    Err(suspended) => Err(suspended),
                }
            } else {
                Stack::call::<B, S>(slot.cast::<SlotOf<Stacked<B>>>(), chain, body)
            }
        }
    }
}

impl<B: Body, const N: usize> Memory for Room<B, N> {
    type Running = Bytes<N>;
    type Returned = ();
    type Owner = B;
    type Inner = ();
}

impl<B: Body, const N: usize> Content for Room<B, N> {
    type Awaited = Returned;
    type Value = B::Output;
    type Ready = B::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn ready(_: *mut SlotOf<Self>, ready: B::Output) -> B::Output {
        ready
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish(slot: *mut SlotOf<Self>, returned: Returned) -> B::Output {
        // SAFETY: `call` made the same choice, so the callee is where this looks. It has returned, since
        // `Suspended` was polled again (invariant L).
        unsafe {
            if Self::FITS {
                Embedded::<B>::finish(slot.cast::<SlotOf<Embedded<B>>>(), returned)
            } else {
                on_stack::finish::<B>(returned.chain())
            }
        }
    }
}
