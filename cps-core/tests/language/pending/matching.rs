//! Cases of `matching` in which the attribute differs today: not compiled yet.

use super::*;

// A guard that is reached several times.
both! {
    guard_is_reached_several_times: body(1, 3), body(2, 4), body(3, 4);
    fn even(n: u32) -> bool {
        did("even");
        n % 2 == 0
    }
    #[rustfmt::co]
    async fn body(kind: u32, n: u32) -> u32 {
        pause().await;
        match kind {
            1 | 2 if even(n) => 1,
            _ => 2,
        }
    }
}
