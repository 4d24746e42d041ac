//! Bodies in which the attribute loses a lint, or draws one: not compiled yet.

use std::future::ready;

both! {
    #[expect(unused_assignments, unused_variables)]
    #[rustfmt::co]
    async fn unused_assignment_of_a_parameter(mut x: u32) {
        x = ready(1).await;
    }

    #[expect(clippy::unnecessary_operation, unused_must_use)]
    #[rustfmt::co]
    async fn unused_operator() {
        ready(1).await + 1;
    }

    #[expect(clippy::needless_return, unused_parens)]
    #[rustfmt::co]
    async fn unused_parens_of_a_return() -> u32 {
        return (ready(1).await);
    }

    #[expect(unused_braces)]
    #[rustfmt::co]
    async fn unused_braces_of_an_argument() -> u32 {
        ready({ 1 }).await
    }

    #[expect(clippy::let_and_return, non_snake_case)]
    #[rustfmt::co]
    async fn non_snake_case_variable() -> u32 {
        let X = ready(1).await;
        X
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

    #[expect(clippy::needless_return)]
    #[rustfmt::co]
    async fn needless_return() -> u32 {
        return ready(1).await;
    }

    #[expect(clippy::needless_return)]
    #[rustfmt::co]
    async fn needless_return_at_the_end() -> u32 {
        ready(()).await;
        return 1;
    }

    #[expect(clippy::needless_return)]
    #[rustfmt::co]
    async fn needless_return_in_a_branch(b: bool) -> u32 {
        if ready(b).await { return 1; } else { return 2; }
    }

    #[expect(clippy::len_zero)]
    #[rustfmt::co]
    async fn len_zero(v: Vec<u32>) -> bool {
        ready(v).await.len() == 0
    }

    #[expect(clippy::question_mark)]
    #[rustfmt::co]
    async fn question_mark(n: Option<u32>) -> Option<u32> {
        let n = ready(n).await;
        if n.is_none() { return None; } n
    }

    #[expect(clippy::bool_comparison)]
    #[rustfmt::co]
    async fn bool_comparison(b: bool) -> u32 {
        if ready(b).await == true { 1 } else { 2 }
    }

    #[expect(clippy::ptr_arg)]
    #[rustfmt::co]
    async fn ptr_arg(v: &Vec<u32>) -> usize {
        ready(()).await;
        v.len()
    }

    #[expect(clippy::needless_lifetimes)]
    #[rustfmt::co]
    async fn needless_lifetimes<'a>(s: &'a str) -> &'a str {
        ready(()).await;
        s
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
    async fn toplevel_ref_arg(ref n: u32) -> u32 {
        ready(*n).await
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

    #[expect(clippy::unnecessary_cast)]
    #[rustfmt::co]
    async fn unnecessary_cast(n: u32) -> u32 {
        ready(n).await;
        n as u32
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
}

/// These draw nothing plainly.
mod clean {
    use std::future::ready;

    both! {
        #[rustfmt::co]
        async fn parameter_that_is_not_used(_unused: u32) {
            ready(()).await
        }

        #[rustfmt::co]
        async fn awaited_unit() {
            let done = ready(()).await;
            ready(done).await
        }
    }
}
