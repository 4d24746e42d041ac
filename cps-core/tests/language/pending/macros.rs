//! Cases of `macros` in which the attribute differs today: not compiled yet.

use super::*;

// A macro that is named as one of the standard library.
both! {
    names_of_std_shadowed: body(0), body(1);
    macro_rules! todo { () => { return Err("not implemented") } }
    macro_rules! vec { ($($e:expr),*) => { [$($e),*].len() } }
    macro_rules! assert { ($e:expr) => { if !$e { return Err("asserted") } } }
    #[rustfmt::co]
    async fn body(x: usize) -> Result<usize, &'static str> {
        if x == 0 {
            todo!()
        }
        assert!(echo(x).await == 1);
        Ok(vec![1, echo(2).await, 3])
    }
}

// `self` in macros.
both! {
    self_in_a_local_macro: async { let mut c = Counter(1); c.bump().await };
    pub(super) struct Counter(u32);
    impl Counter {
        #[rustfmt::co]
        async fn bump(&mut self) -> u32 {
            macro_rules! n { () => { self.0 } }
            n!() += echo(1).await;
            n!()
        }
    }
}

// `self` in macros.
both! {
    self_in_foreign_macros: async { Counter(1).get().await };
    macro_rules! choose {
        ($x:pat = $e:expr => $b:block) => { match $e { $x => $b } };
    }
    pub(super) struct Counter(u32);
    impl Counter {
        #[rustfmt::co]
        async fn get(&mut self) -> u32 {
            choose! {
                x = echo(self.0).await => {
                    let map: fn(u32) -> u32 = |n| n + 1;
                    self.0 += 1;
                    fn unit() {}
                    unit();
                    map(x) + self.0
                }
            }
        }
    }
}

// The text of the expansion is in the message.
bodies! {
    failing_assert -> () { assert!(echo(false).await); }
    failing_assert_with_operators -> () { assert!(echo(1).await + 1 == 3 && echo(true).await) }
    failing_debug_assert -> () { debug_assert!(!echo(true).await) }
}
