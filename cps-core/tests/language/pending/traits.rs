//! Cases of `traits` in which the attribute differs today: not compiled yet.

use super::*;

// A coroutine is no future.
both! {
    implements_a_plain_trait: async { let s = S(3); s.name().await + s.other().await + s.third().await };
    trait Named {
        fn name(&self) -> impl std::future::Future<Output = u32> + Send;
        async fn other(&self) -> u32;
        fn third(&self) -> impl std::future::Future<Output = u32>;
    }
    struct S(u32);
    impl Named for S {
        #[rustfmt::co]
        async fn name(&self) -> u32 { std::future::ready(self.0).await }
        #[rustfmt::co]
        async fn other(&self) -> u32 { echo(self.0).await + 1 }
        #[rustfmt::co]
        async fn third(&self) -> u32 { echo(self.0).await + 2 }
    }
}
