//! The prelude beside those of others: no name is ambiguous.
#![cfg(not(miri))]
#![allow(missing_docs)]

use std::time::Duration;

/// With the preludes only.
mod preludes {
    use cps_core::prelude::*;
    use futures::prelude::*;

    #[cps]
    async fn square(n: u32) -> u32 {
        n * n
    }

    #[cps(yields = u32)]
    fn numbers(n: u32) {
        for i in 1..=n {
            yield_(i).await;
        }
    }

    #[cps(yields = u32)]
    fn twice(n: u32) {
        yield_from(numbers(n)).await;
        yield_from(numbers(n)).await;
    }

    #[cps]
    pub(super) async fn everyday() -> u32 {
        let boxed: BoxCoroutine<'_, u32> = square(2).boxed();
        let joined = join((boxed, square(3).map(|n| n + 1))).await;
        let tried = try_join([future::ok::<_, ()>(1), future::ok(2)]).await;
        let raced = race([square(1), square(1)]).await;
        let mut selected = std::pin::pin!(select(vec![square(4)]));
        let selected = selected.as_mut().next().await.map_or(0, |(_, n)| n);
        let (in_time, _) = (timeout(future::pending::<()>(), square(5)).await, ());
        let scoped = scope(|s| coroutine_block! { s.spawn(square(6)).await }).await;
        let local = local_scope(|s| coroutine_block! { s.spawn(square(7)).await }).await;
        joined.0
            + joined.1
            + tried.map_or(0, |[a, b]| a + b)
            + raced
            + selected
            + in_time.unwrap_or(0)
            + scoped
            + local
            + twice(2).into_iter().sum::<u32>()
    }
}

#[test]
fn the_preludes_go_together() {
    let sum = 4 + 10 + 3 + 1 + 16 + 25 + 36 + 49 + 6;
    assert_eq!(futures::executor::block_on(preludes::everyday()), sum);
}

mod at_the_top {
    use super::Duration;
    use cps_core::prelude::*;
    use futures::prelude::*;
    use tokio::*;

    #[cps]
    async fn wait(n: u64) -> u64 {
        time::sleep(Duration::from_millis(n)).await;
        n
    }

    #[cps]
    pub(super) async fn both_kinds() -> u64 {
        let (a, b) = join((wait(1), wait(2))).await;
        let (c, d) = join!(wait(3), wait(4));
        let e = select! { e = wait(5) => e, () = future::pending() => 0 };
        a + b + c + d + e
    }
}

#[tokio::test]
async fn functions_and_macros_of_a_name_are_apart() {
    assert_eq!(at_the_top::both_kinds().await, 15);
}
