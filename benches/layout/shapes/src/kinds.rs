//! What the shapes of `lab memory` leave out: loops, branches, arguments of several kinds, results larger than bodies.

use crate::work::{opaque, run, suspend};

/// Twenty strings: it has a destructor.
pub(crate) struct Big(pub(crate) [String; 20]);

impl Big {
    fn new() -> Self {
        Self([const { String::new() }; 20])
    }
}

macro_rules! kinds {
    ($(#[$attribute:meta])*) => {
        use super::{Big, opaque, run, suspend};

        $(#[$attribute])*
        async fn taken(big: Big) -> usize {
            suspend().await;
            big.0[0].len()
        }

        $(#[$attribute])*
        async fn then_kept(big: Big, text: String) -> usize {
            let length = taken(big).await;
            suspend().await;
            length + text.len()
        }

        $(#[$attribute])*
        async fn looped(big: Big, rounds: u32) -> usize {
            let mut total = 0;
            for round in 0..rounds {
                total += taken(Big::new()).await + round as usize;
            }
            total + then_kept(big, String::new()).await
        }

        $(#[$attribute])*
        async fn branched(big: Big, first: bool) -> usize {
            if first {
                let length = taken(big).await;
                suspend().await;
                length
            } else {
                let other = Big::new();
                suspend().await;
                drop(big);
                taken(other).await
            }
        }

        $(#[$attribute])*
        async fn mixed(byte: u8, word: u64, text: String, halves: [u16; 3]) -> usize {
            suspend().await;
            let pair = (byte, word);
            suspend().await;
            let length = taken(Big::new()).await;
            length + text.len() + usize::from(halves[0]) + usize::from(pair.0)
        }

        $(#[$attribute])*
        async fn large_result(seed: u8) -> [u8; 200] {
            suspend().await;
            [opaque(seed); 200]
        }

        $(#[$attribute])*
        async fn of_large_result() -> u8 {
            let all = large_result(1).await;
            suspend().await;
            all[0]
        }

        $(#[$attribute])*
        async fn ready(number: u64) -> u64 {
            number + 1
        }

        $(#[$attribute])*
        async fn of_ready(number: u64) -> u64 {
            let once = ready(number).await;
            let twice = ready(once).await;
            once + twice
        }

        pub(crate) fn sizes() -> Vec<(&'static str, usize)> {
            use crate::work::size;
            assert_eq!(run(of_ready(1)), 5);
            vec![
                size(taken(Big::new())),
                size(then_kept(Big::new(), String::new())),
                size(looped(Big::new(), 2)),
                size(branched(Big::new(), true)),
                size(mixed(1, 2, String::new(), [1; 3])),
                size(large_result(1)),
                size(of_large_result()),
                size(ready(1)),
                size(of_ready(1)),
            ]
        }
    };
}

pub(crate) mod plain {
    kinds! {}
}

pub(crate) mod direct {
    kinds! { #[cps_core::coroutine] }
}
