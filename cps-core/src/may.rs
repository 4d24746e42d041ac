//! Calls whose frame is part of the caller's frame if it is small enough.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::body::{Body, Site};
use crate::call::{Embedded, Finish, Resumed, Returned, Slot, Suspended};
use crate::chain::Chain;
use crate::frame::Frame;
use crate::placement::{May, Placement, Stack};
use crate::stacked::{self, Stacked};

/// The slot's content: room for a frame of up to `N` bytes.
#[repr(C, align(8))]
#[expect(missing_debug_implementations, reason = "memory, not a value")]
pub struct Room<B: Body, const N: usize> {
    _bytes: [MaybeUninit<u8>; N],
    _frame: PhantomData<*mut Frame<B>>,
}

// SAFETY: it stands for the frame, which is `Send` if the body is (contract of `Body`).
unsafe impl<B: Body + Send, const N: usize> Send for Room<B, N> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<B: Body, const N: usize> Sync for Room<B, N> {}

impl<B: Body, const N: usize> Room<B, N> {
    /// Whether the frame is in the room.
    const FITS: bool =
        size_of::<Frame<B>>() <= size_of::<Self>() && align_of::<Frame<B>>() <= align_of::<Self>();
}

impl<const N: usize> Placement for May<N> {
    type Content<B: Body> = Room<B, N>;

    #[inline(always)]
    unsafe fn call<B: Body, S: Site>(
        slot: *mut Slot<Room<B, N>>,
        chain: Chain,
        body: B,
    ) -> (Option<B::Output>, Suspended) {
        // SAFETY: passed on; a slot in which the frame fits is as good as one of the frame's type.
        unsafe {
            if Room::<B, N>::FITS {
                Slot::<Embedded<B>>::call::<S>(slot.cast(), chain, body)
            } else {
                Stack::call::<B, S>(slot.cast::<Slot<Stacked<B>>>(), chain, body)
            }
        }
    }
}

impl<B: Body, const N: usize> Finish for Room<B, N> {
    type Awaited = Returned;
    type Value = B::Output;

    #[inline(always)]
    unsafe fn finish(slot: *mut Slot<Self>, returned: Returned) -> B::Output {
        // SAFETY: passed on; `call` decided likewise.
        unsafe {
            if Self::FITS {
                Embedded::<B>::finish(slot.cast(), returned)
            } else {
                stacked::finish::<B>(returned.chain())
            }
        }
    }
}
