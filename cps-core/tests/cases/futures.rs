//! What a coroutine function returns is a future, wherever one is wanted.

use std::future::{Future, ready};
use std::pin::Pin;

#[cps_core::coroutine]
async fn f(n: i32) -> i32 {
    ready(()).await;
    n
}

#[cps_core::coroutine]
async fn by_ref(n: &i32) -> i32 {
    ready(()).await;
    *n
}

#[cps_core::coroutine]
async fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * Box::pin(factorial(n - 1)).await }
}

async fn handler<F: Fn(i32) -> R, R: Future<Output = i32>>(h: F) -> i32 {
    h(1).await
}

async fn callback(h: impl AsyncFn(&i32) -> i32) -> i32 {
    h(&2).await
}

trait Named {
    fn name(&self) -> impl Future<Output = i32> + Send;
    async fn other(&self) -> i32;
}

struct S;

impl Named for S {
    #[cps_core::coroutine]
    async fn name(&self) -> i32 {
        f(3).await
    }

    #[cps_core::coroutine]
    async fn other(&self) -> i32 {
        f(4).await
    }
}

fn opaque() -> impl Future<Output = i32> + Send {
    f(5)
}

#[test]
fn as_in_async_fn() {
    super::run(async {
        assert_eq!(handler(f).await, 1);
        assert_eq!(callback(by_ref).await, 2);
        assert_eq!(S.name().await + S.other().await, 7);
        assert_eq!(opaque().await, 5);
        assert_eq!(factorial(5).await, 120);
        let boxed: Pin<Box<dyn Future<Output = i32> + Send>> = Box::pin(f(7));
        assert_eq!(boxed.await, 7);
        assert_eq!(::futures::join!(f(1), f(2)), (1, 2));
    });
}

#[test]
#[cfg(not(miri))]
fn in_tokio() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        assert_eq!(tokio::spawn(f(6)).await.expect("no panic"), 6);
        assert_eq!(tokio::join!(f(1), f(2)), (1, 2));
        tokio::select! { n = f(8) => assert_eq!(n, 8) }
    });
}
