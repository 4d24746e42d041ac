//! Items of the user's by every name that the expansion uses, in all namespaces; and methods by the names of its
//! methods, on the user's types, by `Deref`, and by traits in scope.
#![forbid(unsafe_code)]
#![allow(
    dead_code,
    unused_macros,
    non_camel_case_types,
    non_upper_case_globals,
    clippy::module_inception,
    reason = "the names are what is tested"
)]

use crate::support::drive;
use crate::vandal::tick;

/// A type or module, a value, and a macro of each name.
///
/// (What is a local of the expansion can be no unit struct, constant or static of the user's: these are no hygienic
/// names, and no local can shadow them. That is an error then; a function it can shadow.)
macro_rules! items {
    (types $($type:ident)*; locals $($local:ident)*; modules $($module:ident)*; functions $($function:ident)*) => {
        $(
            struct $type;
            macro_rules! $type { ($t:tt) => { compile_error!("ours") }; }
        )*
        $(
            struct $local {}
            fn $local() {}
            macro_rules! $local { ($t:tt) => { compile_error!("ours") }; }
        )*
        $(
            mod $module {}
            macro_rules! $module { ($t:tt) => { compile_error!("ours") }; }
        )*
        $(
            fn $function() {}
        )*
    };
}

mod items {
    use super::tick;

    items! {
        types Slot Ready Some None Ok Err Result Option Location Future Send Site Wide Held Parts Plain Waits Yields
            WaitsAndYields FnOutput ForeignCall Coroutine Body DefaultPlacement Inline Handle Chain Enter Entered
            Await Resumed Suspended Callee Content __Site Context Poll Pin Output IntoFuture
            Generator AsyncGenerator;
        locals __cps_handle __cps_callee __cps_slot __cps_value __cps_waiting __cps_resumed __cps_ready __cps_next __cps_enter
            __cps_entered __cps_local __cps_arguments __cps_make __cps_args __cps_arg0;
        modules core std alloc cps_core __private option result panic marker future call chain;
        functions parts wide plain inlined coroutine generator async_generator caller drop r#loop
    }

    #[::cps_core::cps]
    async fn callee(n: u32) -> u32 {
        tick().await;
        n + 1
    }

    #[::cps_core::cps]
    async fn wide_body(n: u32) -> u32 {
        if n > 1 {
            return callee(n).await;
        }
        callee(n).on_heap().await
    }

    #[::cps_core::cps]
    pub(super) async fn plain_body(n: ::std::option::Option<u32>) -> ::std::option::Option<u32> {
        let n = wide_body(n?).await;
        let block = ::cps_core::coroutine_block! { callee(n).await };
        ::std::option::Option::Some(block.await)
    }

    #[::cps_core::cps(yields = u32)]
    pub(super) fn items(n: u32) {
        ::cps_core::yield_(n).await;
        ::cps_core::yield_(n + 1).await;
    }
}

#[test]
fn items_by_the_expansions_names_are_not_found_by_it() {
    assert_eq!(drive(items::plain_body(Some(3))).0, Some(5));
    assert_eq!(drive(items::plain_body(Some(0))).0, Some(2));
    assert_eq!(drive(items::plain_body(None)).0, None);
    assert!(std::pin::pin!(items::items(4).into_root()).eq([4, 5]));
}

/// Generic parameters and constants by these names.
#[test]
fn parameters_by_the_expansions_names_are_the_users() {
    #[cps_core::cps]
    async fn generic<Slot, __Site: Clone, const COUNT: u32>(
        a: Slot,
        b: __Site,
    ) -> (Slot, __Site, u32) {
        tick().await;
        let c = b.clone();
        tick().await;
        (a, c, COUNT)
    }
    #[cps_core::cps]
    async fn calls() -> (u8, u16, u32) {
        generic::<u8, u16, 3>(1, 2).await
    }
    assert_eq!(drive(calls()).0, (1, 2, 3));
}

/// A trait in scope with every method that the expansion calls, for every type.
mod methods {
    use super::tick;

    pub(super) trait Methods: Sized {
        fn call<A, B>(self, _: A, _: B) -> u32 {
            77
        }
        fn finish<A>(self, _: A) -> u32 {
            77
        }
        fn handle<A>(self, _: A) -> u32 {
            77
        }
        fn args(self) -> u32 {
            77
        }
        fn local(self) -> u32 {
            77
        }
        fn chain(&self) -> u32 {
            77
        }
        fn __cps_into_inner(self) -> u32 {
            77
        }
        fn unstarted(&self) -> u32 {
            77
        }
    }
    impl<T> Methods for T {}

    #[cps_core::cps]
    async fn callee(n: u32) -> u32 {
        tick().await;
        n
    }

    #[cps_core::cps]
    pub(super) async fn caller(first: u32, kept: String) -> u32 {
        tick().await;
        let n = callee(first).await + callee(1).boxed().await;
        n + 0_u8.args() + 0_u8.finish(0) + takes(kept)
    }

    fn takes(kept: String) -> u32 {
        u32::try_from(kept.len()).unwrap()
    }
}

#[test]
fn traits_with_the_expansions_methods_do_not_take_part() {
    assert_eq!(drive(methods::caller(5, "abc".into())).0, 6 + 154 + 3);
}

/// Types of the user's with an inherent `__cps_call`.
mod inherent {
    use std::future::{Future, Ready, ready};
    use std::ops::Deref;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use cps_core::{Body, Coroutine, Unstarted};

    use super::tick;

    #[cps_core::cps]
    async fn real(n: u32) -> u32 {
        tick().await;
        n
    }

    /// Gives another coroutine than the one that it derefs to.
    struct Other<B: Body>(Coroutine<B>, Unstarted<B>);

    impl<B: Body> Other<B> {
        fn __cps_call(self) -> Unstarted<B> {
            drop(self.0);
            self.1
        }
    }

    struct Derefs(Ready<u32>);

    impl Deref for Derefs {
        type Target = Ready<u32>;
        fn deref(&self) -> &Ready<u32> {
            &self.0
        }
    }

    impl Future for Derefs {
        type Output = u32;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
            Pin::new(&mut self.0).poll(cx)
        }
    }

    #[cps_core::cps]
    pub(super) async fn caller() -> u32 {
        let other = Other(real(1), real(2).unstarted());
        let a = other.await;
        let b = Derefs(ready(10)).await;
        let mut boxed = Box::pin(real(20));
        let c = boxed.as_mut().await;
        let d = real(100).__cps_call().await;
        tick().await;
        a + b + c + d
    }
}

#[test]
fn an_inherent_method_of_the_users_may_give_another_callee_and_no_more() {
    assert_eq!(drive(inherent::caller()).0, 2 + 10 + 20 + 100);
}
