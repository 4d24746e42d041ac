//! Bodies in which the attribute loses a lint, or draws one: not compiled yet.

use std::future::ready;

both! {
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

    #[expect(clippy::question_mark)]
    #[rustfmt::co]
    async fn question_mark(n: Option<u32>) -> Option<u32> {
        let n = ready(n).await;
        if n.is_none() { return None; } n
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

    #[expect(clippy::toplevel_ref_arg)]
    #[rustfmt::co]
    async fn toplevel_ref_arg(ref n: u32) -> u32 {
        ready(*n).await
    }

    #[expect(clippy::unnecessary_cast)]
    #[rustfmt::co]
    async fn unnecessary_cast(n: u32) -> u32 {
        ready(n).await;
        n as u32
    }
}

/// These draw nothing plainly.
mod clean {
    use std::future::ready;

    both! {
        #[deny(clippy::pedantic)]
        #[rustfmt::co]
        async fn parameter_that_is_not_used(_unused: u32) {
            ready(()).await;
        }

        #[rustfmt::co]
        async fn awaited_unit() {
            let done = ready(()).await;
            ready(done).await
        }
    }
}
