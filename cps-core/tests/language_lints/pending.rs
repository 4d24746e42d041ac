//! Bodies in which the attribute loses a lint: not compiled yet.

use std::future::ready;

both! {
    // The lint compares the text with what it has become: only a value that is no `.await` is seen.
    #[expect(clippy::needless_return)]
    #[rustfmt::co]
    async fn needless_return() -> u32 {
        return ready(1).await;
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
