//! Macros of the user's in bodies: by std's names, by ours, and such as look for the expansion. What is in a macro's
//! tokens is the user's text, and means what it does in an `async fn`.
#![forbid(unsafe_code)]

use crate::support::{Log, drive};
use crate::vandal::tick;

/// The same text with the attribute and without, each as `run()`.
macro_rules! both {
    (@ [$($attribute:tt)*] $($body:tt)*) => {
        $($attribute)*
        async fn callee(n: u32) -> u32 {
            tick().await;
            n + 1
        }

        $($attribute)*
        pub(super) async fn run() -> Vec<String> $($body)*
    };
    ($($text:tt)*) => {
        mod direct {
            #[allow(unused_imports)]
            use super::*;
            both!(@ [#[cps_core::cps]] $($text)*);
        }
        mod plain {
            #[allow(unused_imports)]
            use super::*;
            both!(@ [] $($text)*);
        }
    };
}

/// Both give the same, which is this.
macro_rules! same {
    ($expected:expr) => {
        let expected: Vec<String> = $expected.iter().map(|text| text.to_string()).collect();
        ::std::assert_eq!(drive(plain::run()).0, expected);
        ::std::assert_eq!(drive(direct::run()).0, expected);
        ::std::assert_eq!(drive(direct::run().boxed()).0, expected);
    };
}

mod named_as_stds {
    use super::*;

    macro_rules! dbg { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! assert { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! assert_eq { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! format { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! println { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! panic { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! matches { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }
    macro_rules! join { ($($t:tt)*) => { stringify!($($t)*).to_string() }; }

    both!({
        vec![
            dbg!(callee(1).await),
            assert!(callee(1).await == 2),
            assert_eq!(callee(1).await, 2),
            format!("{}", callee(1).await),
            println!("{}", callee(1).await),
            panic!("{}", callee(1).await),
            matches!(callee(1).await, 2),
            join!(callee(1).await),
            callee(3).await.to_string(),
        ]
    });

    #[test]
    fn a_macro_named_as_one_of_stds_is_given_the_users_text() {
        same!([
            "callee(1).await",
            "callee(1).await == 2",
            "callee(1).await, 2",
            "\"{}\", callee(1).await",
            "\"{}\", callee(1).await",
            "\"{}\", callee(1).await",
            "callee(1).await, 2",
            "callee(1).await",
            "4",
        ]);
    }
}

mod of_std {
    use super::*;

    both!({
        assert!(callee(1).await == 2, "{}", callee(1).await);
        assert_eq!(callee(1).await, 2, "{}", callee(1).await);
        let text = format!("{} {n}", callee(1).await, n = callee(callee(2).await).await);
        let list = vec![callee(1).await; callee(2).await as usize];
        if matches!(callee(1).await, n if n == callee(1).await) {
            return vec![text, format!("{list:?}"), dbg!(callee(9).await).to_string()];
        }
        unreachable!("{}", callee(1).await)
    });

    #[test]
    fn awaits_in_stds_macros_mean_what_they_do_in_an_async_fn() {
        same!(["2 4", "[2, 2, 2]", "10"]);
    }
}

mod that_await_several_times {
    use super::*;

    macro_rules! twice {
        ($e:expr) => {
            $e.await + $e.await
        };
    }
    macro_rules! in_another_body {
        ($($e:tt)*) => {
            { let block = async move { $($e)* }; tick().await; block.await }
        };
    }
    macro_rules! never {
        ($($t:tt)*) => {
            0
        };
    }
    macro_rules! dropped {
        ($e:expr) => {{
            drop($e);
            tick().await;
            1
        }};
    }

    both!({
        let a = twice!(callee(1));
        let b = in_another_body!(callee(1).await + twice!(callee(2)));
        let c = never!(callee(1).await);
        let d = dropped!(callee(1));
        let e = in_another_body!(in_another_body!(callee(3).await));
        vec![[a, b, c, d, e].map(|n| n.to_string()).join(" ")]
    });

    #[test]
    fn a_macro_may_await_what_it_is_given_any_number_of_times_and_anywhere() {
        same!(["4 8 0 1 4"]);
    }
}

/// It looks for what the expansion was once: matched by nothing, so that it falls back.
mod that_match_the_expansion {
    use super::*;

    macro_rules! steal {
        (match $($rest:tt)*) => {
            100
        };
        (($($inner:tt)*) . __cps_call $($rest:tt)*) => {
            200
        };
        ($e:expr) => {
            $e
        };
    }
    macro_rules! statements {
        ($($statement:stmt;)*) => { $($statement)* };
    }
    macro_rules! block {
        ($block:block) => {
            $block
        };
    }

    both!({
        let a = steal!(callee(1).await);
        let b = steal!(match 1 {
            _ => callee(1).await,
        });
        statements! { let c = callee(a).await; let d = callee(c).await; }
        let e = block!({ callee(d).await });
        vec![format!("{a} {b} {e}")]
    });

    #[test]
    fn no_macro_is_given_the_expansion() {
        same!(["2 100 5"]);
    }
}

/// Attributes, and functions, that come from a macro with the user's names.
mod that_make_functions {
    use super::*;

    macro_rules! function {
        ($handle:ident, $callee:ident, $slot:ident, $($body:tt)*) => {
            #[cps_core::cps]
            async fn made($handle: u32, $callee: u32, $slot: u32) -> u32 { $($body)* }
        };
    }
    #[cps_core::cps]
    async fn add(a: u32, b: u32) -> u32 {
        tick().await;
        a + b
    }
    function! { __cps_handle, __cps_callee, __cps_slot,
        let __cps_waiting = add(__cps_handle, __cps_callee).await;
        let __cps_resumed = add(__cps_waiting, __cps_slot).await;
        let (__cps_value, __cps_next) = (__cps_resumed, __cps_handle);
        let __cps_entered = add(__cps_value, __cps_next).await;
        let __cps_local = 1;
        let __cps_parts = __cps_entered;
        let __cps_args = '__body: {
            let __cps_sum = '__cps_call: {
                if __cps_parts > 0 { break '__cps_call add(__cps_parts, __cps_local).await; }
                0
            };
            if __cps_sum > 0 { break '__body __cps_sum; }
            0
        };
        return __cps_args;
    }

    #[test]
    fn names_that_are_the_expansions_may_come_from_a_macro() {
        ::std::assert_eq!(drive(made(1, 2, 3)).0, 1 + 2 + 3 + 1 + 1);
    }
}

#[test]
fn a_coroutine_that_a_macro_begins_and_drops_is_dropped_once() {
    macro_rules! begun {
        ($e:expr) => {{
            let mut begun = std::pin::pin!($e);
            std::future::poll_fn(|cx| {
                assert!(std::future::Future::poll(begun.as_mut(), cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }};
    }
    #[cps_core::cps]
    async fn callee(log: Log) {
        let _note = log.note("callee");
        tick().await;
    }
    #[cps_core::cps]
    async fn caller(log: Log) {
        begun!(callee(log.clone()));
        callee(log.clone()).await;
        begun!(callee(log.clone()).boxed());
        tick().await;
    }
    let log = Log::default();
    drive(caller(log.clone()));
    log.assert_each_dropped_once();
    assert_eq!(log.drops().len(), 3);
}
