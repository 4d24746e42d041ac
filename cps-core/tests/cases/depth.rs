//! Chains of calls in place compile as deep as those of `async fn` do, without `recursion_limit`.

use std::future::{IntoFuture, ready};

use super::run;

macro_rules! level {
    ($($name:ident $next:ident)*) => { $(
        #[cps_core::coroutine]
        async fn $name(x: u32) -> u32 {
            $next(x).await + 1
        }
    )* };
}

// The callee first: the check of the caller finds what is known of it.
#[cps_core::coroutine]
async fn f0(x: u32) -> u32 {
    ready(()).await;
    x
}
level!(f1 f0 f2 f1 f3 f2 f4 f3 f5 f4 f6 f5 f7 f6 f8 f7 f9 f8 f10 f9 f11 f10 f12 f11);

// The caller first.
level!(a b b c c d d e e f f g g h h i i j j k k l l m m n n o o p p q);

#[cps_core::coroutine]
async fn q(x: u32) -> u32 {
    ready(()).await;
    x
}

fn is_send<T: Send>(t: T) -> T {
    t
}

#[test]
fn a_chain_is_built_and_is_send() {
    assert_eq!(run(is_send(f12(1).into_future())), 13);
    assert_eq!(run(Box::pin(a(1).into_future())), 17);
}
