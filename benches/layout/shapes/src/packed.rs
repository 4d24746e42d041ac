//! Blocks in sequence, as `lab memory` has them, each a coroutine of its own.

use cps_core::coroutine_block;

use crate::work::{look, payload, suspend};

#[cps_core::coroutine]
pub(crate) async fn blocks2<const N: usize>() -> u64 {
    let mut sum = 0;
    coroutine_block!(async {
        let payload = payload::<N>();
        suspend().await;
        sum += look(&payload);
        suspend().await;
        sum += look(&payload);
    })
    .await;
    coroutine_block!(async {
        let payload = payload::<N>();
        suspend().await;
        sum += look(&payload);
        suspend().await;
        sum += look(&payload);
    })
    .await;
    sum
}
