//! Invocations in bodies: those of std's macros, of one's own, of local ones; hygiene.

both! {
    format_macros: body(1);
    #[rustfmt::co]
    async fn body(n: u32) -> String {
        use std::fmt::Write;
        let name = echo("x").await;
        let mut s = format!("{} {name:>3} {n:02} {0:?}", echo(name).await, n = echo(n).await);
        write!(s, " {}", echo(2).await).unwrap();
        writeln!(s, "{:width$}", echo(3).await, width = echo(4).await).unwrap();
        s + concat!("a", 1, true) + stringify!(a + b)
    }
}

both! {
    vec_macro: body();
    #[rustfmt::co]
    async fn body() -> Vec<Vec<u32>> {
        vec![vec![], vec![echo(1).await, 2], vec![echo(3).await; echo(2).await]]
    }
}

both! {
    assertions_that_hold: body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> u32 {
        assert!(echo(true).await);
        assert!(echo(n).await == 2, "text {}", echo(n).await);
        assert_eq!(echo(n).await, echo(2).await);
        assert_ne!(n, echo(3).await, "text");
        debug_assert!(n > echo(0).await);
        debug_assert_eq!(echo([1]).await, [1]);
        n
    }
}

bodies! {
    failing_assert_of_no_await -> () { pause().await; let x = 1; assert!(x == 2 || !(x > 0)) }
    failing_assert_with_a_text -> () { assert!(echo(false).await, "{} of {}", 1, echo(2).await) }
    failing_assert_eq -> () { assert_eq!(echo(1).await + 1, echo(3).await) }
    failing_assert_eq_with_a_text -> () { assert_eq!(1, echo(3).await, "at {}", echo("x").await) }
    failing_assert_ne -> () { assert_ne!(echo(1).await, 1); }
    failing_unreachable -> u32 { pause().await; unreachable!("here {}", echo(1).await) }
    failing_todo -> u32 { if echo(true).await { todo!() } 1 }
    failing_unimplemented -> u32 { pause().await; unimplemented!("for {}", 1) }
    failing_panic -> u32 {
        let x = echo(1).await;
        panic!("x is {x}")
    }
    failing_unwrap -> u32 { echo(None).await.unwrap() }
    failing_expect -> u32 {
        echo(Err::<u32, &str>("bad"))
            .await
            .expect("good")
    }
    place_macros -> (u32, u32, &'static str, &'static str) {
        pause().await;
        (line!(), column!(), file!(), module_path!().rsplit("::").nth(1).unwrap())
    }
    caller_location -> (u32, u32) {
        #[track_caller]
        fn place() -> (u32, u32) {
            let location = std::panic::Location::caller();
            (location.line(), location.column())
        }
        let first = place();
        let _ = echo(place()).await;
        (first.0, if place().0 > first.0 { place().1 } else { 0 })
    }
    compile_time_macros -> bool {
        pause().await;
        cfg!(debug_assertions) == cfg!(debug_assertions) && option_env!("NO_SUCH_NAME").is_none()
    }
    matches_with_awaits -> (bool, bool) {
        (
            matches!(echo(Some(1)).await, Some(n) if echo(n).await == 1),
            matches!(echo(3).await, 1 | 3..=5),
        )
    }
    pin_macro -> u32 {
        let f = std::pin::pin!(async { echo(1).await });
        f.await + std::pin::pin!(echo(std::future::ready(2)).await).await
    }
    dbg_free_chain -> usize {
        let v = vec!["a"; 2];
        v.iter().map(|s| format!("{s}{}", line!() > 0)).map(|s| s.len()).sum::<usize>() + echo(1).await
    }
    macro_with_each_delimiter -> u32 {
        macro_rules! one { () => { 1 } }
        pause().await;
        one!() + one![] + one! {} + { one! {} }
    }
    macro_as_a_statement -> u32 {
        macro_rules! bump { ($x:ident) => { $x += 1; } }
        let mut x = echo(1).await;
        bump!(x);
        bump! { x }
        x
    }
    macro_that_makes_a_let -> u32 {
        macro_rules! bind { ($x:ident = $e:expr) => { let $x = $e; } }
        bind!(x = echo(1).await);
        bind!(y = x + 1);
        x + y
    }
    hygiene -> u32 {
        macro_rules! with { ($e:expr) => {{ let x = 10; $e + x }} }
        let x = echo(1).await;
        with!(x) + with!(echo(x).await)
    }
    hygiene_of_labels -> u32 {
        macro_rules! again { ($e:expr) => { 'l: loop { if true { break 'l $e } } } }
        let mut n = 0;
        'l: loop {
            n += again!(1);
            pause().await;
            if n > 2 { break 'l n }
        }
    }
    macro_that_returns -> u32 {
        macro_rules! bail { ($n:expr) => { return $n } }
        if echo(true).await { bail!(echo(5).await) }
        1
    }
    macro_that_tries -> u32 {
        macro_rules! get { ($e:expr) => { match $e { Some(n) => n, None => return 9 } } }
        get!(Some(1)) + get!(echo(Some(2)).await) + get!(None::<u32>)
    }
    macro_with_a_block_of_awaits -> u32 {
        macro_rules! twice { ($b:block) => {{ let a = $b; let b = $b; a + b }} }
        twice!({ pause().await; echo(1).await })
    }
    macro_that_makes_items -> u32 {
        macro_rules! make { ($f:ident $n:literal) => { async fn $f() -> u32 { pause().await; $n } } }
        make!(one 1);
        make!(two 2);
        one().await + two().await
    }
    recursive_macro -> u32 {
        macro_rules! sum { () => { 0 }; ($e:expr $(, $rest:expr)*) => { $e + sum!($($rest),*) } }
        sum!(1, echo(2).await, 3)
    }
    macro_with_repetitions -> Vec<(&'static str, u32)> {
        macro_rules! pairs { ($($k:ident => $v:expr),* $(,)?) => { vec![$((stringify!($k), $v)),*] } }
        pairs! { a => 1, b => echo(2).await, }
    }
    macro_in_a_pattern_and_a_type -> u32 {
        macro_rules! some { ($p:pat) => { Some($p) } }
        macro_rules! pair { ($t:ty) => { ($t, $t) } }
        let p: pair!(u32) = (1, echo(2).await);
        match echo(Some(p)).await { some!((a, b)) => a + b, None => 0 }
    }
    macro_defined_by_a_macro -> u32 {
        macro_rules! define { ($name:ident $n:expr) => { macro_rules! $name { () => { $n } } } }
        define!(seven 7);
        define!(eight echo(8).await);
        seven!() + eight!()
    }
    shadowing_of_a_macro -> u32 {
        macro_rules! n { () => { 1 } }
        let a = n!();
        macro_rules! n { () => { 2 } }
        a + n!() + { macro_rules! n { () => { 3 } } pause().await; n!() } + n!()
    }
    await_within_a_macro_within_a_macro -> String {
        format!("{}", vec![format!("{:?}", vec![echo(1).await]), format!("{}", echo(2).await)].join("-"))
    }
    question_mark_in_a_macro -> Option<Vec<u32>> {
        Some(vec![echo(Some(1)).await?, Some(2)?, None?])
    }
    return_in_a_macro -> Vec<u32> {
        vec![1, if echo(true).await { return vec![echo(5).await] } else { 2 }]
    }
    break_in_a_macro -> u32 {
        loop { let _ = vec![1, echo(2).await, break 7]; }
    }
    async_block_in_a_macro -> u32 {
        macro_rules! run { ($e:expr) => { async { let x: u32 = $e; if x > 3 { return 3 } x }.await } }
        run!(echo(1).await) + run!(5)
    }
    closure_in_a_macro -> Vec<u32> {
        let n = echo(1).await;
        vec![1, 2].into_iter().map(|x| { if x == 1 { return 0 } x + n }).collect()
    }
}

both! {
    names_of_std_shadowed_in_the_body: body(0), body(1);
    #[rustfmt::co]
    async fn body(x: u32) -> String {
        macro_rules! format { ($($t:tt)*) => { stringify!($($t)*).to_owned() } }
        macro_rules! matches { ($a:expr, $b:expr) => { $a + $b } }
        pause().await;
        if matches!(x, 1) == 1 { format!("{}", x) } else { format!(x).to_uppercase() }
    }
}

both! {
    qualified_macros: body();
    #[rustfmt::co]
    async fn body() -> String {
        std::assert_eq!(echo(1).await, 1);
        core::assert!(echo(true).await);
        ::std::format!("{:?}", std::vec![echo(1).await])
    }
}

/// For the case below: a macro with `$crate`.
#[allow(unused_macros)]
macro_rules! of_this_crate {
    ($e:expr) => {
        $crate::harness::prelude::seen($e) + 1
    };
}

both! {
    dollar_crate: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        of_this_crate!(echo(1).await)
    }
}

both! {
    macro_calls_itself_by_crate_path: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        macro_rules! each { ($($x:ident),*) => { 0 $(+ of_this_crate!($x))* } }
        let (a, b) = (echo(1).await, 2);
        each!(a, b)
    }
}

both! {
    self_as_a_token: async { Counter(1).get().await };
    macro_rules! field { ($s:ident . $f:tt) => { $s.$f }; }
    macro_rules! through { ($($t:tt)*) => { $($t)* }; }
    pub(super) struct Counter(u32);
    impl Counter {
        #[rustfmt::co]
        async fn get(&self) -> u32 {
            pause().await;
            field!(self.0) + through!(self.0 + { let Self(n) = self; *n }) + through!(self).0
        }
    }
}

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

bodies! {
    failing_assert -> () { assert!(echo(false).await); }
    failing_assert_with_operators -> () { assert!(echo(1).await + 1 == 3 && echo(true).await) }
    failing_debug_assert -> () { debug_assert!(!echo(true).await) }
}
