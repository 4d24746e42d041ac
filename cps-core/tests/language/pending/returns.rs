//! Cases of `returns` in which the attribute differs today: not compiled yet.

use super::*;

// A function that returns `!`.
both! {
    returns_never: async {
        let mut f = std::pin::pin!(std::future::IntoFuture::into_future(body()));
        std::future::poll_fn(|cx| std::task::Poll::Ready(f.as_mut().poll(cx).is_pending())).await
    };
    #[rustfmt::co]
    async fn body() -> ! {
        let _local = note("local");
        loop {
            std::future::pending::<()>().await
        }
    }
}

// A function that returns `!`.
both! {
    calls_what_returns_never: body(true), body(false);
    #[rustfmt::co]
    async fn never(text: &str) -> ! {
        pause().await;
        panic!("{text}")
    }
    #[rustfmt::co]
    async fn body(b: bool) -> u32 {
        if b { never("stop").await }
        match b { true => 1, false => never("no").await }
    }
}
