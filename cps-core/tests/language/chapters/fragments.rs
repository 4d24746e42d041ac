//! Coroutines made by macros: fragments of every kind in their text, whose grouping matters.

fragments! {
    expr_awaited: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u32 { $e.await + 1 }
    } (echo(1))
    expr_that_is_an_if: body(true); ($e:expr) => {
        #[rustfmt::co] async fn body(b: bool) -> u32 { let b = $e; echo(b).await }
    } (if echo(true).await { 1 } else { 2 })
    expr_in_a_tail: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u32 { pause().await; $e }
    } (1 + 2)
    expr_in_a_return: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> bool { pause().await; return $e }
    } (1 < 2 && 3 > 2)
    expr_in_a_range: async { body().await.count() }; ($e:expr) => {
        #[rustfmt::co] async fn body() -> std::ops::Range<u32> { pause().await; 0..$e }
    } (1 + 2)
    expr_in_an_argument: body(); ($e:expr, $f:expr) => {
        #[rustfmt::co] async fn body() -> u32 { echo($e).await + $f }
    } (1 + 2, 3 * 4)
    expr_question_mark: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> Option<u32> { pause().await; Some($e? + 1) }
    } (*&Some(1))
    ty_in_a_body: body(); ($t:ty) => {
        #[rustfmt::co] async fn body() -> usize { let f: Box<$t> = Box::new(|| 1); echo(f()).await }
    } (dyn Fn() -> usize + 'static)
    ty_in_return_position: body(); ($t:ty) => {
        #[rustfmt::co] async fn body() -> $t { pause().await; "1".parse().unwrap() }
    } (u64)
    ty_with_a_path: body(); ($t:ty) => {
        #[rustfmt::co] async fn body() -> u32 { pause().await; <$t>::from(1_u8) + <$t as Default>::default() }
    } (u32)
    ty_impl_in_arguments: body([1, 2].into_iter()); ($t:ty) => {
        #[rustfmt::co] async fn body(x: $t) -> u32 { pause().await; x.sum() }
    } (impl Iterator<Item = u32>)
    ty_impl_in_return: async { body(3).await.sum::<u32>() }; ($t:ty) => {
        #[rustfmt::co] async fn body(n: u32) -> $t { pause().await; 0..n }
    } (impl Iterator<Item = u32>)
    ty_function_pointer: async { body(|n| n).await(3) }; ($t:ty) => {
        #[rustfmt::co] async fn body(f: $t) -> $t { pause().await; f }
    } (fn(u32) -> u32)
    ident_everywhere: async { name(1).await }; ($f:ident $x:ident $t:ident) => {
        #[rustfmt::co] async fn $f($x: $t) -> $t { let $x = $x + 1; echo($x).await }
    } (name arg u32)
    pat_param_in_parameters: body(Some(1)); ($p:pat_param, $e:ident) => {
        #[rustfmt::co] async fn body($p: Option<u32>) -> Option<u32> { echo($e).await }
    } (x @ _, x)
    pat_in_a_match: body(Some(2)); ($p:pat) => {
        #[rustfmt::co] async fn body(n: Option<u32>) -> u32 { match echo(n).await { $p => 1, _ => 2 } }
    } (Some(1 | 2) | None)
    pat_behind_a_reference: body(&2); ($p:pat) => {
        #[rustfmt::co] async fn body(n: &u32) -> u32 { pause().await; match n { &$p => 1, _ => 2 } }
    } (1 | 2)
    path_in_calls_and_types: body(); ($p:path, $f:path) => {
        #[rustfmt::co] async fn body() -> $p { pause().await; $f(echo(1).await) }
    } (std::option::Option<u32>, Some)
    stmt_in_a_body: body(); ($s:stmt) => {
        #[rustfmt::co] async fn body() -> u32 { $s; echo(2).await }
    } (let _x = echo(1).await)
    block_as_the_body: body(1); ($b:block) => {
        #[rustfmt::co] async fn body(n: u32) -> u32 $b
    } ({ pause().await; 5 })
    block_in_a_body: body(); ($b:block) => {
        #[rustfmt::co] async fn body() -> u32 { let a = $b; if a == 1 $b else { 2 } }
    } ({ echo(1).await })
    item_as_a_coroutine: body(1); ($($i:item)*) => { $(#[rustfmt::co] $i)* } (
        async fn body(n: u32) -> u32 { echo(n).await + 1 }
        /// Documented.
        #[inline]
        pub(super) async fn other(n: &u32) -> u32 { echo(*n).await * 2 }
    )
    item_in_a_body: body(); ($i:item) => {
        #[rustfmt::co] async fn body() -> u32 { $i echo(inner()).await }
    } (fn inner() -> u32 { 3 })
    meta_on_a_coroutine: body(1); ($(#[$m:meta])*) => {
        $(#[$m])* #[rustfmt::co] $(#[$m])* async fn body(n: u32) -> u32 { echo(n).await }
    } (#[inline] #[cfg(all())] #[doc = "text"])
    meta_in_a_body: body(); ($m:meta) => {
        #[rustfmt::co] async fn body() -> u32 { #[$m] let x = 1; echo(1).await }
    } (cfg(any()))
    tt_everywhere: body(2); ($n:ident $($t:tt)*) => {
        #[rustfmt::co] async fn body($n: u32) -> u32 { $($t)* }
    } (n let m = n * echo(2).await; m + 1)
    tt_of_one_token_tree: body(2); ($t:tt $op:tt) => {
        #[rustfmt::co] async fn body(n: u32) -> u32 { echo(n).await $op $t }
    } ((1 + 2) *)
    lifetime_in_signatures: async { let s = String::from("a"); body(&s).await.len() }; ($l:lifetime) => {
        #[rustfmt::co] async fn body<$l>(s: &$l str) -> &$l str { let t: &$l str = s; pause().await; t }
    } ('long)
    vis_before_a_coroutine: body(); ($v:vis, $w:vis,) => {
        #[rustfmt::co] $v async fn body() -> u32 { other().await }
        #[rustfmt::co] $w async fn other() -> u32 { echo(1).await }
    } (pub(super),,)
    literals: body(); ($a:literal $b:literal $c:literal) => {
        #[rustfmt::co] async fn body() -> String { format!($c, $a, -echo($b).await, 5 - $b) }
    } (-1 2 "{} {} {}")
    literal_in_a_pattern: body(-1); ($a:literal) => {
        #[rustfmt::co] async fn body(n: i32) -> u32 { match echo(n).await { $a => 1, _ => 2 } }
    } (-1)
    signature_of_tokens: body(1, "x"); ($name:ident($($arg:ident: $t:ty),*) -> $r:ty $b:block) => {
        #[rustfmt::co] async fn $name($($arg: $t),*) -> $r $b
    } (body(n: u32, s: &'static str) -> String { format!("{s}{}", echo(n).await) })
    generics_of_tokens: body::<u8>(1); ($($g:ident: $b:path),*) => {
        #[rustfmt::co] async fn body<$($g: $b),*>(x: T) -> (T,) where $($g: $b),* { (echo(x).await,) }
    } (T: Copy)
    method_by_a_macro: async { S(5).get().await }; ($field:tt) => {
        pub(super) struct S(u32);
        impl S { #[rustfmt::co] async fn get(&self) -> u32 { echo(self.$field).await * self.$field } }
    } (0)
}

fragments! {
    expr_in_a_comparison: body(); ($e:expr, $f:expr) => {
        #[rustfmt::co] async fn body() -> bool { pause().await; $e == $f }
    } (1 | 2, 3 & 7)
    lifetime_as_a_label: body(); ($l:lifetime) => {
        #[rustfmt::co] async fn body() -> u32 { $l: loop { pause().await; break $l 1 } }
    } ('outer)
    ty_behind_a_reference: body(&5); ($t:ty) => {
        #[rustfmt::co] async fn body(x: &$t) -> String { pause().await; format!("{x:?}") }
    } (dyn std::fmt::Debug + Send)
    expr_struct_in_a_condition: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u32 { pause().await; if $e == (S { n: 1 }) { 1 } else { 2 } }
        #[derive(PartialEq)] struct S { n: u32 }
    } (S { n: 1 })
    expr_with_a_method: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> i32 { pause().await; $e.pow(2) }
    } (1_i32 + 2)
    expr_borrowed: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> i32 { let x: &i32 = &$e; pause().await; *x }
    } (1 + 2)
    expr_in_a_callee_position: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u32 { pause().await; $e(1) }
    } (|n: u32| n + 1)
    expr_index: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u32 { pause().await; $e[0] }
    } (&mut [1, 2])
    expr_in_a_const_generic: body([0; 3]); ($e:expr) => {
        #[rustfmt::co] async fn body(a: [u32; 2 * $e - 3]) -> [u32; $e] { pause().await; a }
    } (1 + 2)
    expr_cast: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u8 { pause().await; $e as u8 }
    } (200 + 100_u32)
    expr_in_a_closure: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> i32 { let f = || 10 * $e; pause().await; f() }
    } (1 + 2)
    expr_in_a_foreign_macro: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> String { pause().await; format!("{}", 10 * $e) }
    } (1 + 2)
    expr_in_a_guard: body(3); ($e:expr) => {
        #[rustfmt::co] async fn body(n: u32) -> u32 { match n { m if !$e => m, _ => 7 } }
    } (1 == 2)
    expr_in_a_product: body(10); ($w:expr) => {
        #[rustfmt::co] async fn body(h: i32) -> i32 { h * $w }
    } (1 + 2)
    expr_in_a_product_with_an_await: body(10); ($w:expr) => {
        #[rustfmt::co] async fn body(h: i32) -> i32 { echo(h).await * $w }
    } (1 + 2)
    expr_in_an_assertion: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() { pause().await; assert!(10 * $e == 1) }
    } (1 + 2)
    expr_2021_in_a_product: body(10); ($w:expr_2021) => {
        #[rustfmt::co] async fn body(h: i32) -> i32 { echo(h).await * $w }
    } (1 + 2)
    expr_inverted: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u8 { pause().await; !$e }
    } (1 | 2)
    expr_negated: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> i32 { pause().await; -$e }
    } (1 + 2)
    expr_negative_with_a_method: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> i32 { pause().await; $e.abs() }
    } (-5_i32)
    expr_nested_twice: body(2); ($e:expr) => {
        macro_rules! inner { ($f:expr) => {
            #[rustfmt::co] async fn body(n: i32) -> i32 { echo(n).await * $f * $e }
        } }
        inner!(3 - 1);
    } (1 + 2)
    expr_with_an_await: body(); ($e:expr) => {
        #[rustfmt::co] async fn body() -> u32 { $e * 2 }
    } (echo(1).await + 2)
    literal_negative_with_a_method: body(); ($a:literal) => {
        #[rustfmt::co] async fn body() -> i32 { pause().await; $a.pow(2) - $a }
    } (-2_i32)
    method_with_self_from_outside: async { S(5).get().await }; ($self:ident $e:expr) => {
        pub(super) struct S(u32);
        impl S { #[rustfmt::co] async fn get(&$self) -> u32 { pause().await; 2 * $e } }
    } (self self.0 + 1)
    pat_in_parameters: body((1, [2, 3])); ($p:pat, $e:expr) => {
        #[rustfmt::co] async fn body($p: (u32, [u32; 2])) -> u32 { pause().await; 2 * $e }
    } ((a, [b, _]), a + b)
    several_coroutines: async { a().await + b().await + c().await }; ($($n:ident $v:expr),*) => {
        $(#[rustfmt::co] async fn $n() -> u32 { 10 * echo($v).await * $v })*
    } (a 1 + 1, b 2, c a().await + 1)
    ty_in_a_cast: body(); ($t:ty) => {
        #[rustfmt::co] async fn body() -> bool { echo(300).await as $t < 100 }
    } (u8)
}
