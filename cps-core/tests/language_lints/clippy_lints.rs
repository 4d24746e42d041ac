//! Lints of Clippy that are on by default.

use std::future::ready;

fn f(n: i32) -> String {
    n.to_string()
}

both! {
    #[expect(clippy::let_unit_value)]
    #[rustfmt::co]
    async fn let_unit_value() {
        fn f() {} let x = f();
        ready(x).await
    }

    #[expect(clippy::let_and_return)]
    #[rustfmt::co]
    async fn let_and_return() -> u32 {
        ready(()).await;
        let x = u32::MAX.count_ones();
        x
    }

    #[expect(clippy::clone_on_copy)]
    #[rustfmt::co]
    async fn clone_on_copy(x: u32) -> u32 {
        ready(x.clone()).await
    }

    #[expect(clippy::needless_borrow)]
    #[rustfmt::co]
    async fn needless_borrow(x: &String) -> usize {
        fn f(s: &str) -> usize { s.len() } ready(()).await;
        f(&x)
    }

    #[expect(clippy::single_match, dropping_copy_types)]
    #[rustfmt::co]
    async fn single_match(n: Option<u32>) {
        match ready(n).await { Some(x) => drop(Some(x)), _ => {} }
    }

    #[expect(clippy::match_like_matches_macro)]
    #[rustfmt::co]
    async fn match_like_matches(n: u32) -> bool {
        match ready(n).await { 1 | 2 => true, _ => false }
    }

    #[expect(clippy::collapsible_if, dropping_copy_types)]
    #[rustfmt::co]
    async fn collapsible_if(a: bool, b: bool) {
        if ready(a).await { if ready(b).await { drop(Some(1)) } }
    }

    #[expect(dropping_copy_types)]
    #[rustfmt::co]
    async fn collapsible_else_if(a: bool, b: bool) {
        if a { drop(Some(1)) } else { if ready(b).await { drop(Some(2)) } }
    }

    #[expect(clippy::redundant_closure)]
    #[rustfmt::co]
    async fn redundant_closure(v: Vec<i32>) -> Vec<String> {
        ready(v).await.into_iter().map(|n| f(n)).collect()
    }

    #[expect(clippy::needless_range_loop)]
    #[rustfmt::co]
    async fn needless_range_loop(v: &[u32]) -> u32 {
        let mut s = 0;
        for i in 0..v.len() { s += ready(v[i]).await } s
    }

    #[expect(clippy::manual_map)]
    #[rustfmt::co]
    async fn manual_map(n: Option<u32>) -> Option<u32> {
        match ready(n).await { Some(n) => Some(n + 1), None => None }
    }

    #[expect(clippy::needless_bool)]
    #[rustfmt::co]
    async fn needless_bool(b: u32) -> bool {
        if ready(b).await == 1 { true } else { false }
    }

    #[expect(clippy::assign_op_pattern)]
    #[rustfmt::co]
    async fn assign_op_pattern(mut n: u32) -> u32 {
        n = n + ready(1).await;
        n
    }

    #[expect(clippy::too_many_arguments)]
    #[rustfmt::co]
    async fn too_many_arguments(_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8) {}

    #[expect(clippy::type_complexity)]
    #[rustfmt::co]
    async fn type_complexity(_: Vec<Option<Result<Box<dyn Fn(u32) -> Vec<Option<String>>>, Vec<(u8, Option<u16>)>>>>) {}

    #[expect(clippy::eq_op)]
    #[rustfmt::co]
    async fn eq_op(n: u32) -> bool {
        ready(()).await;
        n == n
    }

    #[expect(clippy::no_effect, unused_must_use)]
    #[rustfmt::co]
    async fn no_effect(n: u32) {
        ready(()).await;
        -5;
        let _ = n;
    }

    #[expect(clippy::unnecessary_operation)]
    #[rustfmt::co]
    async fn unnecessary_operation() {
        [f(1)];
        ready(()).await
    }

    #[expect(clippy::useless_format)]
    #[rustfmt::co]
    async fn useless_format() -> String {
        ready(()).await;
        format!("a")
    }

    #[expect(clippy::single_char_add_str)]
    #[rustfmt::co]
    async fn single_char_push(mut s: String) -> String {
        ready(()).await;
        s.push_str("a");
        s
    }

    #[expect(clippy::explicit_counter_loop)]
    #[rustfmt::co]
    async fn explicit_counter(v: Vec<u32>) -> u32 {
        let mut i = 0;
        let mut s = 0;
        for n in &v { s += n * i; i += 1; ready(()).await } s
    }

    #[expect(clippy::while_let_loop)]
    #[rustfmt::co]
    async fn while_let_loop(mut v: Vec<u32>) {
        loop { match v.pop() { Some(n) => drop(ready(Some(n)).await), None => break } }
    }

    #[expect(clippy::never_loop)]
    #[rustfmt::co]
    async fn never_loop() -> u32 {
        loop { let n = ready(1).await; break n; }
    }

    #[expect(clippy::redundant_pattern_matching)]
    #[rustfmt::co]
    async fn redundant_pattern_matching(n: Option<u32>) -> u32 {
        if let Some(_) = ready(n).await { 1 } else { 2 }
    }

    #[expect(clippy::await_holding_lock)]
    #[rustfmt::co]
    async fn await_holding_lock(m: &std::sync::Mutex<u32>) -> u32 {
        let guard = m.lock().unwrap();
        ready(()).await;
        *guard
    }

    #[expect(clippy::await_holding_refcell_ref)]
    #[rustfmt::co]
    async fn await_holding_refcell_ref(c: &std::cell::RefCell<u32>) -> u32 {
        let guard = c.borrow();
        ready(()).await;
        *guard
    }

    #[expect(clippy::let_underscore_future)]
    #[rustfmt::co]
    async fn let_underscore_future() {
        let _ = ready(1);
    }

    #[expect(clippy::redundant_field_names)]
    #[rustfmt::co]
    async fn redundant_field_names() -> usize {
        struct S { n: usize } let n = ready(1).await;
        S { n: n }.n
    }

    #[expect(clippy::unit_arg)]
    #[rustfmt::co]
    async fn unit_arg() {
        fn g(_: ()) {} fn h(_: u32) {} ready(()).await;
        g(h(1))
    }

    #[expect(clippy::redundant_async_block)]
    #[rustfmt::co]
    async fn redundant_async_block() -> u32 {
        let f = ready(1);
        async { f.await }.await
    }

    #[expect(clippy::manual_async_fn)]
    #[rustfmt::co]
    async fn manual_async_fn() -> u32 {
        fn g() -> impl std::future::Future<Output = u32> { async { 1 } } g().await
    }

    #[expect(clippy::unnecessary_mut_passed)]
    #[rustfmt::co]
    async fn unnecessary_mut() {
        fn g(_: &u32) {} let mut n = ready(1).await;
        n += 1;
        g(&mut n)
    }

    #[expect(clippy::op_ref)]
    #[rustfmt::co]
    async fn op_ref(a: String, b: String) -> bool {
        ready(()).await;
        &a == &b
    }

    #[expect(clippy::neg_multiply)]
    #[rustfmt::co]
    async fn neg_multiply(n: i32) -> i32 {
        ready(n).await * -1
    }

    #[expect(clippy::nonminimal_bool)]
    #[rustfmt::co]
    async fn nonminimal_bool(a: bool, b: bool) -> bool {
        ready(()).await;
        !(a == b)
    }

    #[expect(clippy::if_same_then_else)]
    #[rustfmt::co]
    async fn if_same_then_else(a: bool) -> u32 {
        if ready(a).await { 1 } else { 1 }
    }

    #[expect(clippy::match_single_binding)]
    #[rustfmt::co]
    async fn match_single_binding() -> u32 {
        match ready(1).await { n => n + 1 }
    }

    #[expect(clippy::match_ref_pats)]
    #[rustfmt::co]
    async fn match_ref_pats(n: &Option<u32>) -> u32 {
        ready(()).await;
        match n { &Some(n) => n, &None => 0 }
    }

    #[expect(clippy::into_iter_on_ref)]
    #[rustfmt::co]
    async fn into_iter_on_ref(v: &Vec<u32>) -> u32 {
        ready(()).await;
        let v: &Vec<u32> = v;
        v.into_iter().sum()
    }

    #[expect(clippy::manual_unwrap_or_default)]
    #[rustfmt::co]
    async fn manual_unwrap_or_default(n: Option<u32>) -> u32 {
        match ready(n).await { Some(n) => n, None => 0 }
    }

    #[expect(clippy::useless_conversion)]
    #[rustfmt::co]
    async fn useless_conversion(n: u32) -> u32 {
        u32::from(ready(n).await)
    }

    #[expect(clippy::map_clone)]
    #[rustfmt::co]
    async fn map_clone(v: &[u32]) -> Vec<u32> {
        ready(()).await;
        v.iter().map(|n| *n).collect()
    }

    #[expect(clippy::println_empty_string)]
    #[rustfmt::co]
    async fn println_empty_string() {
        println!("");
        ready(()).await
    }

    #[expect(clippy::print_literal)]
    #[rustfmt::co]
    async fn print_literal() {
        println!("{}", "a");
        ready(()).await
    }

    #[expect(clippy::needless_borrows_for_generic_args)]
    #[rustfmt::co]
    async fn needless_generic_borrow() {
        fn g<T: AsRef<str>>(_: T) {} ready(()).await;
        g(&String::new())
    }

    #[expect(clippy::borrow_deref_ref)]
    #[rustfmt::co]
    async fn borrow_deref_ref(s: &str) -> usize {
        ready(()).await;
        let s = &*s;
        s.len()
    }

    #[expect(clippy::explicit_auto_deref)]
    #[rustfmt::co]
    async fn explicit_auto_deref(s: &String) -> usize {
        fn g(s: &str) -> usize { s.len() } ready(()).await;
        g(&**s)
    }

    #[expect(clippy::redundant_static_lifetimes)]
    #[rustfmt::co]
    async fn redundant_static() -> u32 {
        const S: &'static str = "a";
        ready(()).await;
        S.len() as u32
    }

    #[expect(clippy::match_overlapping_arm, overlapping_range_endpoints)]
    #[rustfmt::co]
    async fn match_overlapping_arm(n: u32) -> u32 {
        match ready(n).await { 0..=5 => 1, 5..=9 => 2, _ => 3 }
    }

    #[expect(clippy::unnecessary_operation, unused_must_use)]
    #[rustfmt::co]
    async fn unused_operator() {
        ready(1).await + 1;
    }

    #[expect(clippy::let_and_return, non_snake_case)]
    #[rustfmt::co]
    async fn non_snake_case_variable() -> u32 {
        let X = ready(1).await;
        X
    }

    #[expect(clippy::len_zero)]
    #[rustfmt::co]
    async fn len_zero(v: Vec<u32>) -> bool {
        ready(v).await.len() == 0
    }

    #[expect(clippy::bool_comparison)]
    #[rustfmt::co]
    async fn bool_comparison(b: bool) -> u32 {
        if ready(b).await == true { 1 } else { 2 }
    }

    #[expect(clippy::identity_op)]
    #[rustfmt::co]
    async fn identity_op(n: u32) -> u32 {
        ready(n).await + 0
    }

    #[expect(clippy::to_string_in_format_args)]
    #[rustfmt::co]
    async fn to_string_in_format(n: u32) -> String {
        format!("a{}", ready(n).await.to_string())
    }

    #[expect(clippy::let_underscore_future)]
    #[rustfmt::co]
    async fn let_underscore_call() {
        #[rustfmt::co]
        async fn callee() {}
        let _ = callee();
    }

    #[expect(clippy::toplevel_ref_arg)]
    #[rustfmt::co]
    async fn toplevel_ref_in_a_let() -> u32 {
        let ref n = ready(1).await;
        *n
    }

    #[expect(clippy::needless_late_init)]
    #[rustfmt::co]
    async fn needless_late_init() -> u32 {
        let n;
        n = ready(1).await;
        n
    }

    #[expect(clippy::absurd_extreme_comparisons)]
    #[rustfmt::co]
    async fn absurd_comparison(n: u32) -> bool {
        ready(n).await <= 0
    }

    #[expect(clippy::expect_fun_call)]
    #[rustfmt::co]
    async fn expect_fun_call(n: Option<u32>) -> u32 {
        ready(n).await.expect(&format!("{}", 1))
    }

    #[expect(clippy::precedence)]
    #[rustfmt::co]
    async fn precedence() -> u32 {
        ready(1).await << 2 + 1
    }

    #[expect(clippy::needless_return)]
    #[rustfmt::co]
    async fn needless_return() -> u32 {
        ready(()).await;
        return 1;
    }

    #[expect(clippy::needless_return)]
    #[rustfmt::co]
    async fn needless_return_in_a_branch(b: bool) -> u32 {
        if ready(b).await { return 1; } else { return 2; }
    }

    #[expect(clippy::question_mark)]
    #[rustfmt::co]
    async fn question_mark(n: Option<u32>) -> Option<u32> {
        let n = ready(n).await;
        if n.is_none() { return None; } n
    }

    #[expect(clippy::needless_question_mark)]
    #[rustfmt::co]
    async fn needless_question_mark(n: Option<u32>) -> Option<u32> {
        Some(ready(n).await?)
    }

    #[expect(clippy::needless_question_mark)]
    #[rustfmt::co]
    async fn needless_question_mark_of_a_name(n: Option<u32>) -> Option<u32> {
        ready(()).await;
        Some(n?)
    }
}
