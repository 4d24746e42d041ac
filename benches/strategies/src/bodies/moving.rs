//! The chain that is moved before it starts. Unlike the programs of `memory`, it is timed.

/// Defines a chain of four callers that pass a payload down by value, and `unstarted`, which gives
/// it.
macro_rules! moving {
    ($(#[$attribute:meta])*) => {
        $(#[$attribute])*
        async fn moved0<const N: usize>(payload: [u8; N]) -> u64 {
            suspend().await;
            look(&payload)
        }

        $crate::bodies::moving! { @level [$(#[$attribute])*] moved1 moved0 }
        $crate::bodies::moving! { @level [$(#[$attribute])*] moved2 moved1 }
        $crate::bodies::moving! { @level [$(#[$attribute])*] moved3 moved2 }
        $crate::bodies::moving! { @level [$(#[$attribute])*] moved4 moved3 }

        /// `None` if there is no such payload.
        pub(crate) fn unstarted(bytes: u32) -> Option<Unstarted> {
            Some(match bytes {
                64 => Unstarted::of(|| moved4::<64>(payload())),
                256 => Unstarted::of(|| moved4::<256>(payload())),
                1024 => Unstarted::of(|| moved4::<1024>(payload())),
                4096 => Unstarted::of(|| moved4::<4096>(payload())),
                16_384 => Unstarted::of(|| moved4::<16_384>(payload())),
                65_536 => Unstarted::of(|| moved4::<65_536>(payload())),
                _ => return None,
            })
        }
    };
    (@level [$(#[$attribute:meta])*] $name:ident $next:ident) => {
        $(#[$attribute])*
        async fn $name<const N: usize>(payload: [u8; N]) -> u64 {
            $next::<N>(payload).await + opaque(1)
        }
    };
}

pub(crate) use moving;
