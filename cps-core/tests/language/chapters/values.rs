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

both! {
    a_trait_over_functions: body();
    trait Handler<A> {
        fn call(self, a: A) -> Pin<Box<dyn Future<Output = u32>>>;
    }
    impl<F, R, A> Handler<A> for F
    where
        F: FnOnce(A) -> R,
        R: Future<Output = u32> + 'static,
    {
        fn call(self, a: A) -> Pin<Box<dyn Future<Output = u32>>> {
            Box::pin(self(a))
        }
    }
    #[rustfmt::co]
    async fn handler(n: u32) -> u32 {
        echo(n).await + 1
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        handler.call(1).await
    }
}

both! {
    awaited_by_reference: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut f = Box::pin(echo(1));
        (&mut f).await
    }
}

both! {
    boxed: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let boxed: Pin<Box<dyn Future<Output = u32>>> = Box::pin(echo(1));
        boxed.await
    }
}

both! {
    boxed_and_send: body();
    #[rustfmt::co]
    async fn send(n: u32) -> u32 {
        std::future::ready(n).await
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        let all: Vec<Pin<Box<dyn Future<Output = u32> + Send>>> = vec![Box::pin(send(1)), Box::pin(send(2))];
        let mut sum = 0;
        for f in all {
            sum += f.await;
        }
        sum
    }
}

both! {
    either_of_two_types: body(true), body(false);
    #[rustfmt::co]
    async fn one(n: u32) -> u32 { echo(n).await }
    #[rustfmt::co]
    async fn two(n: u32) -> u32 { one(n).await + one(n).await }
    #[rustfmt::co]
    async fn body(b: bool) -> u32 {
        let f: Pin<Box<dyn Future<Output = u32>>> = if b { Box::pin(one(1)) } else { Box::pin(two(2)) };
        f.await
    }
}

both! {
    functions_as_async_fns: body();
    async fn call(f: impl AsyncFn(&u32) -> u32) -> u32 {
        f(&1).await + f(&2).await
    }
    #[rustfmt::co]
    async fn by_ref(n: &u32) -> u32 {
        pause().await;
        *n
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        call(by_ref).await
    }
}

both! {
    functions_as_handlers: body();
    async fn call<F: Fn(u32) -> R, R: Future<Output = u32>>(f: F) -> u32 {
        f(1).await + f(2).await
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        call(echo).await + call(|n| echo(n + 1)).await
    }
}

both! {
    mutual_recursion: even(5);
    #[rustfmt::co]
    async fn even(n: u32) -> bool {
        if n == 0 { return true }
        Box::pin(odd(n - 1)).await
    }
    #[rustfmt::co]
    async fn odd(n: u32) -> bool {
        pause().await;
        if n == 0 { return false }
        Box::pin(even(n - 1)).await
    }
}

both! {
    passed_to_a_generic: body();
    async fn run<F: Future>(f: F) -> F::Output {
        f.await
    }
    #[rustfmt::co]
    async fn run_too<F: Future>(f: F) -> F::Output {
        f.await
    }
    #[rustfmt::co]
    async fn body() -> u32 {
        run(echo(1)).await + run_too(echo(2)).await
    }
}

both! {
    pinned_in_place: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut f = pin!(echo(1));
        f.as_mut().await + pin!(echo(2)).await
    }
}

both! {
    polled_by_hand: body();
    #[rustfmt::co]
    async fn body() -> (u32, u32) {
        let mut f = pin!(echo(1));
        let mut polls = 0;
        let n = std::future::poll_fn(|cx| {
            polls += 1;
            f.as_mut().poll(cx)
        })
        .await;
        (n, polls)
    }
}

both! {
    ready_and_pending_mixed: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        std::future::ready(echo(1).await).await + std::future::ready(2).await + pinned(pin!(echo(3))).await
    }
    #[rustfmt::co]
    async fn pinned(f: Pin<&mut impl Future<Output = u32>>) -> u32 {
        f.await
    }
}

both! {
    recursion_by_box_pin: body(4);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        pause().await;
        n + Box::pin(body(n - 1)).await
    }
}

both! {
    recursion_in_a_function_that_boxes: tree(3);
    fn tree(n: u32) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(body(n))
    }
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        if n == 0 { pause().await; return 1 }
        tree(n - 1).await + tree(n - 1).await
    }
}

both! {
    returned_as_an_opaque_future: opaque(1);
    fn opaque(n: u32) -> impl Future<Output = u32> {
        echo(n)
    }
}

both! {
    started_then_awaited: body();
    #[rustfmt::co]
    async fn body() -> usize {
        let n = note("borrowed");
        let mut f = Box::pin(look(&n));
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(f.as_mut().poll(cx))).await;
        did(format_args!("pending: {}", first.is_pending()));
        pause().await;
        match first {
            std::task::Poll::Ready(n) => n,
            std::task::Poll::Pending => f.await,
        }
    }
}

both! {
    started_then_dropped: body();
    #[rustfmt::co]
    async fn held(n: Note) -> usize {
        let _local = note("local");
        look(&n).await
    }
    #[rustfmt::co]
    async fn body() -> bool {
        let mut f = Box::pin(held(note("argument")));
        let pending = std::future::poll_fn(|cx| std::task::Poll::Ready(f.as_mut().poll(cx).is_pending())).await;
        drop(f);
        did("dropped");
        pause().await;
        pending
    }
}
