//! Chains of calls in place compile deeper than those of `async fn` do, without `recursion_limit`.

use std::future::{IntoFuture, ready};
use std::time::Duration;

use tokio::sync::Mutex;

use super::run;

macro_rules! level {
    ([$($options:tt)*] $name:ident $next:ident) => {
        #[cps_core::coroutine $($options)*]
        async fn $name(x: u32) -> u32 {
            $next(x).await + 1
        }
    };
    ($($name:ident $next:ident)*) => { $( level!([] $name $next); )* };
}

/// The innermost function: its futures are of many types themselves.
macro_rules! leaf {
    ($name:ident) => {
        #[cps_core::coroutine]
        async fn $name(x: u32) -> u32 {
            let mutex = Mutex::new(x);
            let guard = mutex.lock().await;
            let value = tokio::time::timeout(Duration::from_secs(3600), ready(*guard)).await;
            value.unwrap()
        }
    };
}

/// 32 functions and the innermost, each before what it calls.
mod caller_first {
    use super::*;

    level!(f0 f1 f1 f2 f2 f3 f3 f4 f4 f5 f5 f6 f6 f7 f7 f8 f8 f9 f9 f10 f10 f11 f11 f12 f12 f13 f13 f14 f14 f15 f15 f16);
    level!(f16 f17 f17 f18 f18 f19 f19 f20 f20 f21 f21 f22 f22 f23 f23 f24 f24 f25 f25 f26 f26 f27 f27 f28 f28 f29);
    level!(f29 f30 f30 f31 f31 end);
    leaf!(end);

    #[test]
    fn thirty_two_levels_are_built() {
        run_in_tokio(f0(1).into_future(), 33);
    }
}

/// The same, each after what it calls.
mod callee_first {
    use super::*;

    leaf!(end);
    level!(f31 end f30 f31 f29 f30 f28 f29 f27 f28 f26 f27 f25 f26 f24 f25 f23 f24 f22 f23 f21 f22 f20 f21 f19 f20);
    level!(f18 f19 f17 f18 f16 f17 f15 f16 f14 f15 f13 f14 f12 f13 f11 f12 f10 f11 f9 f10 f8 f9 f7 f8 f6 f7 f5 f6);
    level!(f4 f5 f3 f4 f2 f3 f1 f2 f0 f1);

    #[test]
    fn thirty_two_levels_are_built() {
        run_in_tokio(f0(1).into_future(), 33);
    }
}

/// As deep as the proof that all of it is `Send` goes with such an innermost function.
mod spawned {
    use super::*;

    level!(f0 f1 f1 f2 f2 f3 f3 f4 f4 f5 f5 f6 f6 f7 f7 f8 f8 f9 f9 f10 f10 f11 f11 f12 f12 f13 f13 f14 f14 f15 f15 f16);
    level!(f16 f17 f17 end);
    leaf!(end);

    #[tokio::test]
    async fn eighteen_levels_are_send() {
        assert_eq!(tokio::spawn(f0(1)).await.unwrap(), 19);
    }
}

/// One function that says that it is `Send` cuts the proof in two.
mod spawned_deeper {
    use super::*;

    level!(f0 f1 f1 f2 f2 f3 f3 f4 f4 f5 f5 f6 f6 f7 f7 f8 f8 f9 f9 f10 f10 f11 f11 f12 f12 f13 f13 f14 f14 f15 f15 f16);
    level!([(send)] f16 f17);
    level!(f17 f18 f18 f19 f19 f20 f20 f21 f21 f22 f22 f23 f23 f24 f24 f25 f25 f26 f26 f27 f27 f28 f28 f29 f29 f30);
    level!(f30 f31 f31 end);
    leaf!(end);

    #[tokio::test]
    async fn thirty_two_levels_are_send() {
        assert_eq!(tokio::spawn(f0(1)).await.unwrap(), 33);
    }
}

fn run_in_tokio(f: impl Future<Output = u32>, value: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    assert_eq!(run(f), value);
}
