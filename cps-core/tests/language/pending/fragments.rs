//! Cases of `fragments` in which the attribute differs today: not compiled yet.

use super::*;

// Fragments lose their grouping.
fragments! {
    expr_in_a_comparison: body(); ($e:expr, $f:expr) => {
        #[rustfmt::co] async fn body() -> bool { pause().await; $e == $f }
    } (1 | 2, 3 & 7)
    lifetime_as_a_label: body(); ($l:lifetime) => {
        #[rustfmt::co] async fn body() -> u32 { $l: loop { pause().await; break $l 1 } }
    } ('outer)
    ty_in_a_cast: body(); ($t:ty) => {
        #[rustfmt::co] async fn body() -> bool { echo(300).await as $t < 100 }
    } (u8)
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
}
