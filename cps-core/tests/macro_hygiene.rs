//! Names of the user's and names of the expansion do not meet, and the expansion causes no warning,
//! whatever the user's crate denies or forbids.
#![forbid(unsafe_code)]
#![deny(warnings, clippy::all, clippy::pedantic, rust_2018_idioms, future_incompatible, unused)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    clippy::unwrap_used,
    clippy::panic,
    clippy::shadow_unrelated,
    clippy::let_underscore_must_use,
    clippy::empty_loop,
    clippy::infinite_loop,
    clippy::future_not_send
)]
#![allow(missing_docs)]

use std::future::IntoFuture;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn run<F: IntoFuture>(coroutine: F) -> F::Output {
    let mut future = pin!(coroutine.into_future());
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

#[cps_core::coroutine]
async fn one() -> u32 {
    1
}

#[allow(clippy::used_underscore_binding, reason = "the names are what is tested")]
mod locals {
    use super::{one, run};

    #[cps_core::coroutine]
    async fn arguments(
        __cps_scope: u32,
        __cps_args: u32,
        __cps_arg0: u32,
        __cps_self: u32,
        value: u32,
    ) -> u32 {
        let __cps_slot = one().await;
        let __cps_callee = one().await + __cps_slot;
        let __cps_ready = Some(__cps_callee + one().await);
        let __suspended = one().await;
        let __result = __suspended + one().await;
        let __cps_value = '__call: {
            if __result == 2 {
                break '__call '__body: {
                    if one().await == 1 {
                        break '__body one().await;
                    }
                    0
                };
            }
            0
        };
        let __cps_parts = 1;
        let driver = one().await;
        let chain = (driver, __cps_parts);
        __cps_scope
            + __cps_args
            + __cps_arg0
            + __cps_self
            + value
            + __cps_ready.map_or(0, |x| x)
            + __cps_value
            + chain.0
            - chain.1
    }

    #[cps_core::coroutine]
    async fn patterns((a, __cps_arg1): (u32, u32), (__cps_arg0, b): (u32, u32)) -> [u32; 4] {
        let _ = one().await;
        [a, __cps_arg1, __cps_arg0, b]
    }

    #[test]
    fn may_be_named_like_ours() {
        assert_eq!(run(arguments(1, 2, 3, 4, 5)), 15 + 3 + 1);
        assert_eq!(run(patterns((1, 2), (3, 4))), [1, 2, 3, 4]);
    }
}

mod items {
    #![expect(dead_code, reason = "the names are what is tested")]
    use super::run;

    struct Some;
    struct None;
    struct Ok;
    struct Err;
    enum Option {}
    enum Result {}
    struct Coroutine;
    trait Body {}
    mod core {}
    mod std {}
    fn drop() {}
    fn wide() {}
    fn plain() {}
    fn parts() {}
    fn finish() {}

    trait Begin: Sized {
        fn begin(self) -> u32 {
            1
        }
        fn finish(self) -> u32 {
            1
        }
        fn chain(&self) -> u32 {
            1
        }
        fn enter(&mut self) -> u32 {
            1
        }
    }
    impl<T> Begin for T {}

    #[cps_core::coroutine]
    async fn calls(n: u32) -> u32 {
        let callee = super::one();
        super::one().begin() + 0_u8.chain() + callee.await + n.finish()
    }

    #[cps_core::coroutine]
    async fn tries(n: &str) -> ::std::result::Result<u32, ::std::num::ParseIntError> {
        let m: u32 = n.parse()?;
        ::std::result::Result::Ok(m + super::one().await)
    }

    #[test]
    fn may_shadow_the_prelude_and_have_our_methods() {
        assert_eq!(run(calls(1)), 4);
        assert!(matches!(run(tries("2")), ::std::result::Result::Ok(3)));
    }
}

mod expanded {
    use super::{one, run};

    macro_rules! function {
        ($name:ident, $arg:ident: $ty:ty, $out:ty, $body:expr) => {
            #[cps_core::coroutine]
            async fn $name($arg: $ty) -> $out {
                let local = one().await;
                $body + local
            }
        };
    }

    function!(from_macro, local: u32, u32, local + one().await);

    struct Owner(u32);

    macro_rules! method {
        ($name:ident, $self:ident, $body:expr) => {
            impl Owner {
                #[cps_core::coroutine]
                async fn $name(&mut $self) -> u32 {
                    $self.0 += one().await;
                    $body
                }
            }
        };
    }

    method!(method, self, self.0 + one().await);

    macro_rules! item {
        ($item:item) => {
            #[cps_core::coroutine]
            $item
        };
    }

    item! {
        async fn whole_item(x: u32) -> u32 {
            x + one().await
        }
    }

    #[test]
    fn functions_may_come_from_macros() {
        assert_eq!(run(from_macro(5)), 7);
        assert_eq!(run(Owner(1).method()), 3);
        assert_eq!(run(whole_item(2)), 3);
    }
}

/// For lints about what is public.
pub mod public {
    /// Documented.
    pub trait Service {
        /// Documented.
        #[cps_core::coroutine]
        async fn call(&self, x: &str) -> u32;

        /// Documented.
        #[cps_core::coroutine]
        async fn call_twice(&self) -> u32 {
            self.call("x").await + self.call("x").await
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub struct One;

    impl Service for One {
        #[cps_core::coroutine]
        async fn call(&self, _: &str) -> u32 {
            super::one().await
        }
    }

    /// Documented.
    #[must_use]
    #[cps_core::coroutine]
    pub async fn must_use() -> u32 {
        1
    }

    /// Documented.
    #[cps_core::coroutine]
    #[must_use]
    pub async fn must_use_too() -> u32 {
        1
    }

    /// Documented.
    ///
    /// # Errors
    /// Never.
    #[cps_core::coroutine]
    pub async fn returns_result(x: Option<&str>) -> Result<(), std::fmt::Error> {
        let Some(x) = x else { return Ok(()) };
        if x.is_empty() {
            return Err(std::fmt::Error);
        }
        super::unit().await;
        Ok(())
    }

    /// Documented.
    #[cps_core::coroutine]
    pub async fn endless() -> std::convert::Infallible {
        loop {
            super::unit().await;
        }
    }

    /// Documented.
    #[cps_core::coroutine]
    pub async fn panics() {
        unimplemented!()
    }
}

#[cps_core::coroutine]
async fn unit() {}

#[cps_core::coroutine]
async fn empty_return(x: bool) {
    if x {
        return;
    }
    unit().await;
}

#[test]
fn nothing_warns() {
    use public::Service;
    run(empty_return(true));
    run(unit());
    assert_eq!(run(public::One.call_twice()), 2);
    assert_eq!(run(public::must_use()) + run(public::must_use_too()), 2);
    assert!(run(public::returns_result(None)).is_ok());
    drop((public::endless(), public::panics()));
    assert_eq!(run(cps_core::coroutine_block! { one().await }), 1);
}

// Bodies that are one expression: the braces are the function's, not a block of their own.

#[cps_core::coroutine]
async fn only_if(n: u64) -> u64 {
    if n == 0 { 0 } else { only_if(n - 1).on_heap().await + 1 }
}

#[cps_core::coroutine]
async fn only_name(n: u64) -> u64 {
    n
}

#[cps_core::coroutine]
async fn only_loop(n: u64) -> u64 {
    loop {
        if n > 1 {
            break n;
        }
    }
}

#[test]
fn bodies_of_one_expression_cause_no_warning() {
    assert_eq!(run(only_if(3)), 3);
    assert_eq!(run(only_name(3)), 3);
    assert_eq!(run(only_loop(3)), 3);
    let n = 3;
    assert_eq!(run(cps_core::coroutine_block! { only_name(n).await }), 3);
}
