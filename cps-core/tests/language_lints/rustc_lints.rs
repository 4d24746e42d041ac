//! Lints of rustc that are on by default.

use std::future::ready;

/// Not visible outside.
struct Private;

both! {
    #[expect(unused_mut)]
    #[rustfmt::co]
    async fn unused_mut() -> u32 {
        let mut x = ready(1).await;
        x + 1
    }

    #[expect(unused_mut)]
    #[rustfmt::co]
    async fn unused_mut_of_a_parameter(mut x: u32) -> u32 {
        ready(x).await
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_variable() {
        let x = 1;
        ready(()).await;
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_awaited_variable() {
        let x = ready(1).await;
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_parameter(x: u32) {
        ready(()).await
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_part_of_a_parameter((x, _): (u32, u32)) {}

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_in_a_pattern(n: Option<u32>) -> bool {
        match ready(n).await { Some(x) => true, None => false }
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_in_a_loop() {
        for i in 0..3 { ready(()).await }
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_in_a_closure() -> u32 {
        let f = |z: u32| 1;
        f(ready(2).await)
    }

    #[expect(unused_variables)]
    #[rustfmt::co]
    async fn unused_in_an_async_block() {
        async { let x = ready(1).await; }.await
    }

    #[expect(unused_assignments)]
    #[rustfmt::co]
    async fn unused_assignment() -> u32 {
        let mut x = 1;
        x = ready(2).await;
        x
    }

    #[expect(dropping_copy_types, unused_assignments)]
    #[rustfmt::co]
    async fn unused_assignment_at_the_end() {
        let mut x = ready(1).await;
        drop(x);
        x = 2;
    }

    #[expect(unreachable_code)]
    #[rustfmt::co]
    async fn unreachable_after_return() -> u32 {
        return ready(1).await;
        ready(2).await
    }

    #[expect(unreachable_code)]
    #[rustfmt::co]
    async fn unreachable_after_a_panic() {
        panic!();
        ready(()).await
    }

    #[expect(unreachable_code)]
    #[rustfmt::co]
    async fn unreachable_after_a_loop() {
        loop { ready(()).await } ready(()).await
    }

    #[expect(unreachable_code)]
    #[rustfmt::co]
    async fn unreachable_argument() -> u32 {
        ready(return ready(1).await).await
    }

    #[expect(unreachable_patterns)]
    #[rustfmt::co]
    async fn unreachable_pattern(n: u32) -> u32 {
        match ready(n).await { 1 => 1, _ => 2, 3 => 3 }
    }

    #[expect(clippy::unnecessary_operation, unused_must_use)]
    #[rustfmt::co]
    async fn unused_result() {
        Ok::<u32, u32>(ready(1).await);
    }

    #[expect(unused_must_use)]
    #[rustfmt::co]
    async fn unused_awaited_result() {
        ready(Ok::<u32, u32>(1)).await;
    }

    #[expect(unused_must_use)]
    #[rustfmt::co]
    async fn unused_future() {
        ready(1);
    }

    #[expect(clippy::no_effect, unused_must_use)]
    #[rustfmt::co]
    async fn unused_async_block() {
        async { ready(1).await };
    }

    #[expect(unused_must_use)]
    #[rustfmt::co]
    async fn unused_value_of_a_function() {
        #[must_use] fn f() -> u32 { 1 } f();
        ready(()).await
    }

    #[expect(clippy::no_effect, unused_must_use)]
    #[rustfmt::co]
    async fn unused_closure() {
        || 1;
        ready(()).await
    }

    #[expect(clippy::let_and_return, unused_parens)]
    #[rustfmt::co]
    async fn unused_parens() -> u32 {
        let x = (ready(1).await);
        x
    }

    #[expect(unused_parens)]
    #[rustfmt::co]
    async fn unused_parens_of_a_condition() {
        if (ready(true).await) {}
    }

    #[expect(clippy::double_parens, unused_parens)]
    #[rustfmt::co]
    async fn unused_parens_of_an_argument() -> u32 {
        ready((1)).await
    }

    #[expect(unused_imports)]
    #[rustfmt::co]
    async fn unused_import() {
        use std::fmt::Debug;
        ready(()).await
    }

    #[expect(clippy::never_loop, unused_labels)]
    #[rustfmt::co]
    async fn unused_label() {
        'a: loop { ready(()).await; break }
    }

    #[expect(unused_macros)]
    #[rustfmt::co]
    async fn unused_macro() {
        macro_rules! m { () => {} } ready(()).await
    }

    #[expect(clippy::undocumented_unsafe_blocks, unused_unsafe)]
    #[rustfmt::co]
    async fn unused_unsafe() -> u32 {
        unsafe { ready(1).await }
    }

    #[expect(unused_doc_comments)]
    #[rustfmt::co]
    async fn unused_doc_comment() {
        /** On a statement. */ ready(()).await;
    }

    #[expect(path_statements)]
    #[rustfmt::co]
    async fn path_statement(x: u32) {
        ready(()).await;
        x;
    }

    #[expect(redundant_semicolons)]
    #[rustfmt::co]
    async fn redundant_semicolons() {
        ready(()).await;;
    }

    #[expect(clippy::never_loop, while_true)]
    #[rustfmt::co]
    async fn while_true() {
        while true { ready(()).await; break }
    }

    #[expect(dead_code)]
    #[rustfmt::co]
    async fn dead_function_within() {
        fn f() {} ready(()).await
    }

    #[expect(dead_code)]
    #[rustfmt::co]
    async fn dead_variant_within() -> bool {
        enum E { A, B } matches!(ready(E::A).await, E::A)
    }

    #[expect(non_snake_case)]
    #[rustfmt::co]
    async fn nonSnakeCase() {
        ready(()).await
    }

    #[expect(non_snake_case)]
    #[rustfmt::co]
    async fn non_snake_case_parameter(X: u32) -> u32 {
        ready(X).await
    }

    #[expect(non_camel_case_types)]
    #[rustfmt::co]
    async fn non_camel_case_type() {
        struct s;
        let _ = ready(s).await;
    }

    #[expect(non_upper_case_globals)]
    #[rustfmt::co]
    async fn non_upper_case_const() -> u32 {
        const x: u32 = 1;
        ready(x).await
    }

    #[expect(non_shorthand_field_patterns)]
    #[rustfmt::co]
    async fn non_shorthand_field() -> u32 {
        struct S { x: u32 } let S { x: x } = ready(S { x: 1 }).await;
        x
    }

    #[expect(deprecated)]
    #[rustfmt::co]
    async fn deprecated_call() {
        #[deprecated] fn old() {} ready(()).await;
        old()
    }

    #[expect(dropping_references)]
    #[rustfmt::co]
    async fn dropped_reference(x: &String) {
        drop(ready(x).await)
    }

    #[expect(dropping_copy_types)]
    #[rustfmt::co]
    async fn dropped_copy() {
        drop(ready(1).await)
    }

    #[expect(forgetting_copy_types)]
    #[rustfmt::co]
    async fn forgotten_copy() {
        std::mem::forget(ready(1).await)
    }

    #[expect(let_underscore_lock)]
    #[rustfmt::co]
    async fn lock_in_an_underscore(m: &std::sync::Mutex<u32>) {
        let _ = m.lock();
        ready(()).await
    }

    #[expect(overflowing_literals)]
    #[rustfmt::co]
    async fn overflowing_literal() -> u8 {
        ready(300).await
    }

    #[expect(clippy::out_of_bounds_indexing)]
    #[rustfmt::co]
    async fn certain_panic() -> u32 {
        let a = [1, 2];
        let x = a[2];
        ready(x).await
    }

    #[expect(for_loops_over_fallibles)]
    #[rustfmt::co]
    async fn loop_over_an_option() {
        for _ in ready(Some(1)).await {}
    }

    #[expect(map_unit_fn, unused_must_use)]
    #[rustfmt::co]
    async fn map_of_unit(v: Vec<u32>) {
        fn f(v: &mut u32) { *v = 1 } let mut v = ready(v).await;
        v.iter_mut().map(f);
    }

    #[expect(type_alias_bounds)]
    #[rustfmt::co]
    async fn bounds_of_an_alias() {
        type A<T: Clone> = Vec<T>;
        let _: A<u32> = ready(vec![]).await;
    }

    #[expect(clippy::deref_addrof, clippy::undocumented_unsafe_blocks, static_mut_refs)]
    #[rustfmt::co]
    async fn reference_to_a_static_mut() -> u32 {
        static mut N: u32 = 1;
        ready(()).await;
        unsafe { *&N }
    }

    #[expect(unexpected_cfgs)]
    #[rustfmt::co]
    async fn unexpected_cfg() {
        #[cfg(nosuch)] ready(1).await;
        ready(()).await
    }

    #[expect(double_negations)]
    #[rustfmt::co]
    async fn double_negation() -> i32 {
        ready(--1).await
    }

    #[expect(clippy::undocumented_unsafe_blocks, invalid_value)]
    #[rustfmt::co]
    async fn invalid_value() -> &'static u32 {
        ready(()).await;
        unsafe { std::mem::zeroed() }
    }

    #[expect(useless_ptr_null_checks)]
    #[rustfmt::co]
    async fn null_check(x: &u32) -> bool {
        ready(()).await;
        (x as *const u32).is_null()
    }

    #[expect(unpredictable_function_pointer_comparisons)]
    #[rustfmt::co]
    async fn pointers(f: fn(), g: fn()) -> bool {
        ready(f).await == g
    }

    #[expect(mismatched_lifetime_syntaxes)]
    #[rustfmt::co]
    async fn mismatched_lifetimes(s: &str) -> std::borrow::Cow<str> {
        ready(()).await;
        s.into()
    }

    #[expect(non_contiguous_range_endpoints)]
    #[rustfmt::co]
    async fn gap(n: u8) -> u32 {
        match ready(n).await { 0..9 => 1, 10..=255 => 2, _ => 3 }
    }

    #[expect(unused_allocation)]
    #[rustfmt::co]
    async fn unused_allocation() -> usize {
        ready(()).await;
        Box::new([1]).len()
    }

    #[expect(unused_must_use)]
    #[rustfmt::co]
    async fn inside_a_macro() {
        let _ = vec![{ ready(Ok::<u32, u32>(1)).await; 1 }];
    }

    #[expect(unsafe_op_in_unsafe_fn)]
    #[rustfmt::co]
    async unsafe fn unsafe_operation(x: *const u32) -> u32 {
        ready(()).await;
        *x
    }

    #[expect(unused_assignments, unused_variables)]
    #[rustfmt::co]
    async fn unused_assignment_of_a_parameter(mut x: u32) {
        x = ready(1).await;
    }

    #[expect(dropping_copy_types, irrefutable_let_patterns)]
    #[rustfmt::co]
    async fn irrefutable_let() {
        if let x = ready(1).await { drop(Some(x)) }
    }

    #[expect(invalid_nan_comparisons)]
    #[rustfmt::co]
    async fn nan(x: f32) -> bool {
        ready(x).await == f32::NAN
    }

    #[expect(unused_parens)]
    #[rustfmt::co]
    async fn unused_parens_of_a_return(b: bool) -> u32 {
        if b { return (ready(1).await); }
        2
    }

    #[expect(unused_braces)]
    #[rustfmt::co]
    async fn unused_braces_of_an_argument() -> u32 {
        ready({ 1 }).await
    }
}
