//! Cases of `values` in which the attribute differs today: not compiled yet.

use super::*;

// A coroutine is no future.
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

// A coroutine is no future.
both! {
    awaited_by_reference: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut f = Box::pin(echo(1));
        (&mut f).await
    }
}

// A coroutine is no future.
both! {
    boxed: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let boxed: Pin<Box<dyn Future<Output = u32>>> = Box::pin(echo(1));
        boxed.await
    }
}

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
both! {
    pinned_in_place: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut f = pin!(echo(1));
        f.as_mut().await + pin!(echo(2)).await
    }
}

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
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

// A coroutine is no future.
both! {
    returned_as_an_opaque_future: opaque(1);
    fn opaque(n: u32) -> impl Future<Output = u32> {
        echo(n)
    }
}

// A coroutine is no future.
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

// A coroutine is no future.
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
