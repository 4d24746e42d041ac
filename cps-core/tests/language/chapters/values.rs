//! What a coroutine function returns is a value, and a future, wherever one is wanted.

pub(crate) use std::future::{Future, IntoFuture};
pub(crate) use std::pin::{Pin, pin};

both! {
    in_option_and_vec: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut slot = Some(echo(1));
        let all = vec![echo(2), echo(3)];
        let mut sum = slot.take().unwrap().await;
        for f in all { sum += f.await }
        sum
    }
}

both! {
    from_a_closure_of_a_map: body();
    #[rustfmt::co]
    async fn body() -> Vec<u32> {
        let mut out = vec![];
        for f in [1, 2, 3].into_iter().map(echo) { out.push(f.await) }
        for f in (0..2).map(|n| async move { echo(n).await }) { out.push(f.await) }
        out
    }
}

both! {
    swapped_before_the_start: body();
    #[rustfmt::co]
    async fn body() -> (u32, u32) {
        let (mut a, mut b) = (echo(1), echo(2));
        std::mem::swap(&mut a, &mut b);
        (a.await, b.await)
    }
}

both! {
    forgotten: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        std::mem::forget(echo(1));
        let kept = std::mem::ManuallyDrop::new(echo(2));
        pause().await;
        std::mem::ManuallyDrop::into_inner(kept).await
    }
}

both! {
    into_future_is_explicit: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let f = echo(1).into_future();
        let g = IntoFuture::into_future(echo(2));
        f.await + g.await
    }
}

both! {
    a_chain: f0(1);
    macro_rules! chain {
        ($($name:ident $next:ident)*) => { $(
            #[rustfmt::co]
            async fn $name(n: u32) -> u32 { $next(n).await + 1 }
        )* };
    }
    chain!(f0 f1 f1 f2 f2 f3 f3 f4 f4 f5 f5 f6 f6 echo);
}

both! {
    a_deep_recursion: body(60);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        if n == 0 { pause().await; return 0 }
        Box::pin(async move { body(n - 1).await }).await + 1
    }
}

both! {
    in_a_static_table: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        type Boxed = Pin<Box<dyn Future<Output = u32>>>;
        static TABLE: [(&str, fn(u32) -> Boxed); 2] = [
            ("one", |n| Box::pin(async move { echo(n).await })),
            ("two", |n| Box::pin(async move { echo(n + 1).await })),
        ];
        let mut sum = 0;
        for (name, f) in &TABLE { sum += f(name.len() as u32).await }
        sum
    }
}

#[cfg(any())]
#[path = "../pending/values.rs"]
mod pending;
