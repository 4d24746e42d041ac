//! How far the stack of the thread has been used.

use crate::driver::CALL_BUDGET;
#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(miri)
))]
use core::arch::asm;

/// Up to where calls may nest on the host stack in a poll: the low half of an address, on targets of 64
/// bits, since all of a poll's stack lies within 2 GiB.
#[derive(Clone, Copy)]
pub(crate) struct Limit(u32);

impl Limit {
    /// Before the chain is polled.
    pub(crate) const NONE: Limit = Limit(0);

    /// That of the poll that is under way.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Limit((stack_address() as u32).wrapping_sub(CALL_BUDGET))
    }

    /// How many bytes of the host stack are left for calls.
    #[inline(always)]
    pub(crate) fn left(self) -> i32 {
        (stack_address() as u32).wrapping_sub(self.0) as i32
    }
}

/// Roughly where the host stack ends now. All supported targets grow it downwards.
///
/// From the register, where that is known. (A local whose address is taken would do, and does elsewhere,
/// but it keeps the compiler from making a jump of the call that ends a resume function.)
#[inline(always)]
pub(crate) fn stack_address() -> usize {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
    {
        let here: usize;
        // SAFETY: reads a register.
        unsafe {
            asm!("mov {}, rsp", out(reg) here, options(pure, nomem, nostack, preserves_flags));
        }
        here
    }
    #[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(miri)))]
    {
        let here: usize;
        // SAFETY: reads a register.
        unsafe {
            asm!("mov {}, sp", out(reg) here, options(pure, nomem, nostack, preserves_flags));
        }
        here
    }
    #[cfg(any(
        miri,
        not(target_pointer_width = "64"),
        not(any(target_arch = "x86_64", target_arch = "aarch64"))
    ))]
    {
        let here = core::mem::MaybeUninit::<u8>::uninit();
        (&raw const here).addr()
    }
}
