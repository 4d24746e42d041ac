//! The instructions, per architecture.
//!
//! Where `core` has no intrinsic, inline assembly is used. It is `nomem`, since a hint neither reads nor writes as
//! far as the program can tell: so the compiler need not spill registers.

/// The levels of the cache in which the memory is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Locality {
    /// In all levels of the cache: it is used at once.
    #[default]
    T0,
    /// In the second level and above.
    T1,
    /// In the third level and above.
    T2,
    /// It is used once: displace as little as possible.
    NonTemporal,
}

pub(super) use target::{read, write};

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod target {
    use super::Locality;
    use core::arch::asm;
    use core::arch::x86_64::{_MM_HINT_NTA, _MM_HINT_T0, _MM_HINT_T1, _MM_HINT_T2, _mm_prefetch};

    #[inline(always)]
    pub(in super::super) fn read(target: *const u8, locality: Locality) {
        let target = target.cast();
        // SAFETY: SSE is part of x86-64, and a hint is valid for any address.
        unsafe {
            match locality {
                Locality::T0 => _mm_prefetch::<_MM_HINT_T0>(target),
                Locality::T1 => _mm_prefetch::<_MM_HINT_T1>(target),
                Locality::T2 => _mm_prefetch::<_MM_HINT_T2>(target),
                Locality::NonTemporal => _mm_prefetch::<_MM_HINT_NTA>(target),
            }
        }
    }

    /// All x86-64 processors execute `prefetchw`, those that do not know it as no operation.
    #[inline(always)]
    pub(in super::super) fn write(target: *const u8, _: Locality) {
        // SAFETY: a hint is valid for any address and changes nothing.
        unsafe {
            asm!("prefetchw [{}]", in(reg) target.addr(), options(nomem, nostack, preserves_flags));
        }
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod target {
    use super::Locality;
    use core::arch::asm;

    macro_rules! prfm {
        ($operation:literal, $target:expr) => {
            // SAFETY: a hint is valid for any address and changes nothing.
            unsafe {
                asm!(
                    concat!("prfm ", $operation, ", [{}]"),
                    in(reg) $target.addr(),
                    options(nomem, nostack, preserves_flags)
                )
            }
        };
    }

    #[inline(always)]
    pub(in super::super) fn read(target: *const u8, locality: Locality) {
        match locality {
            Locality::T0 => prfm!("pldl1keep", target),
            Locality::T1 => prfm!("pldl2keep", target),
            Locality::T2 => prfm!("pldl3keep", target),
            Locality::NonTemporal => prfm!("pldl1strm", target),
        }
    }

    #[inline(always)]
    pub(in super::super) fn write(target: *const u8, locality: Locality) {
        match locality {
            Locality::T0 => prfm!("pstl1keep", target),
            Locality::T1 => prfm!("pstl2keep", target),
            Locality::T2 => prfm!("pstl3keep", target),
            Locality::NonTemporal => prfm!("pstl1strm", target),
        }
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod target {
    use super::Locality;

    #[inline(always)]
    pub(in super::super) fn read(_: *const u8, _: Locality) {}

    #[inline(always)]
    pub(in super::super) fn write(_: *const u8, _: Locality) {}
}
