//! How far the stack of the thread has been used.

use crate::driver::CALL_BUDGET;
#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(miri)
))]
use core::arch::asm;

/// Up to where calls may nest on the host stack in a poll: an address, a multiple of 8.
#[derive(Clone, Copy)]
pub(crate) struct Limit(usize);

impl Limit {
    /// That of the poll that is under way.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        const { assert!(CALL_BUDGET % 8 == 0) };
        Limit(stack_address().wrapping_sub(CALL_BUDGET))
    }

    #[inline(always)]
    pub(crate) fn address(self) -> usize {
        self.0
    }
}

/// Roughly where the host stack ends now, a multiple of 8. All supported targets grow it downwards.
///
/// From the register, where that is known: on x86-64 its unit is 8 bytes, on AArch64 16. (A local whose
/// address is taken would do, and does elsewhere, but it keeps the compiler from making a jump of
/// the call that ends a resume function.)
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
        #[repr(align(8))]
        struct Here(#[expect(dead_code, reason = "only its place matters")] u8);
        let here = core::mem::MaybeUninit::<Here>::uninit();
        (&raw const here).addr()
    }
}
