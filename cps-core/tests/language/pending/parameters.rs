//! Cases of `parameters` in which the attribute differs today: not compiled yet.

use super::*;

// `ref mut` in a parameter.
both! {
    by_mutable_reference: body(vec![1, 2], (1, 2));
    #[rustfmt::co]
    async fn body(ref mut v: Vec<u32>, (ref mut a, _): (u32, u32)) -> usize {
        v.push(echo(3).await);
        *a += 1;
        pause().await;
        v.len() + *a as usize
    }
}
