//! How far the stack of the thread has been used.

#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(miri)
))]
use core::arch::asm;
use core::cell::Cell;

/// How far calls may nest on the host stack, in bytes below [`RETURN_BUDGET`], before they are deferred to the driver's
/// loop. A multiple of 4096, which one instruction adds on either architecture.
///
/// Bytes and not levels, so that large and small bodies are treated alike: a recursion whose starts take 200 bytes each
/// nests 160 deep before it is deferred. In an unoptimised build a start takes a kilobyte or two, and a thread with a
/// stack of 256 KiB still has room left.
const CALL_BUDGET: u32 = 32 * 1024;

/// How far returns may nest on the host stack, likewise, before they go through the driver's loop.
///
/// A return that calls the caller's resume function has an indirect branch of its own, which a predictor learns; a
/// return through the loop shares the loop's. In optimised builds that call is a jump in most resume functions, and
/// takes no stack. Where it is a call, the processor's return stack holds a few dozen addresses, and mispredicts every
/// `ret` beyond them. (`docs/results` has the figures. A resume function takes 24 to 64 bytes.)
const RETURN_BUDGET: u32 = 1024;

/// How far the host stack may be used in a poll: the low half of an address, on targets of 64 bits, since
/// all of a poll's stack lies within 2 GiB.
///
/// It includes the budget of returns, and the instruction that reads the stack's end for a call adds that of calls: so
/// either question is one comparison.
#[derive(Clone, Copy)]
pub(crate) struct Limit(u32);

impl Limit {
    /// The limit before the chain is polled.
    pub(crate) const NONE: Limit = Limit(0);

    /// The low half of the address.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// The limit of a poll that starts here.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Limit((stack_address() as u32).wrapping_sub(RETURN_BUDGET))
    }

    /// Whether a caller may be resumed on the host stack.
    #[cfg(not(feature = "tail-call"))]
    #[inline(always)]
    pub(crate) fn may_nest_return(limit: &Cell<Self>) -> bool {
        let left = (stack_address() as u32).wrapping_sub(limit.get().0);
        left as i32 >= 0
    }

    /// Whether a callee may be started on the host stack.
    #[inline(always)]
    pub(crate) fn may_nest_call(limit: &Cell<Self>) -> bool {
        // The limit is read after the stack's end, so that it is an operand of the comparison.
        let here = call_address();
        here.wrapping_sub(limit.get().0) as i32 >= 0
    }
}

/// The low half of [`stack_address`], and [`CALL_BUDGET`].
///
/// Not `pure`: if a body that calls several times read the register once, it would keep the value in another one, which
/// each start would have to save.
#[inline(always)]
fn call_address() -> u32 {
    const { assert!(CALL_BUDGET % 4096 == 0) };
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
    {
        let here: u32;
        // SAFETY: the instruction computes with a register, and touches neither memory nor flags.
        unsafe {
            asm!(
                "lea {:e}, [rsp + {}]",
                out(reg) here,
                const CALL_BUDGET,
                options(nomem, nostack, preserves_flags),
            );
        }
        here
    }
    #[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(miri)))]
    {
        let here: usize;
        // SAFETY: the instruction computes with a register, and touches neither memory nor flags.
        unsafe {
            asm!(
                "add {}, sp, #{}, lsl #12",
                out(reg) here,
                const CALL_BUDGET >> 12,
                options(nomem, nostack, preserves_flags),
            );
        }
        here as u32
    }
    #[cfg(any(
        miri,
        not(target_pointer_width = "64"),
        not(any(target_arch = "x86_64", target_arch = "aarch64"))
    ))]
    {
        (stack_address() as u32).wrapping_add(CALL_BUDGET)
    }
}

/// Roughly where the host stack ends now. All supported targets grow it downwards.
///
/// By the register, where this crate knows it. Elsewhere by the address of a local, which keeps the compiler from
/// turning the call at the end of a resume function into a jump.
#[inline(always)]
pub(crate) fn stack_address() -> usize {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
    {
        let here: usize;
        // SAFETY: the instruction reads a register, and touches neither memory nor flags.
        unsafe {
            asm!("mov {}, rsp", out(reg) here, options(pure, nomem, nostack, preserves_flags));
        }
        here
    }
    #[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(miri)))]
    {
        let here: usize;
        // SAFETY: the instruction reads a register, and touches neither memory nor flags.
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
