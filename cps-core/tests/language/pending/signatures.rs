//! Cases of `signatures` in which the attribute differs today: not compiled yet.

use super::*;

// A coercion in a returned closure.
both! {
    impl_fn_that_returns_a_box: async { body(1).await(2)(3) };
    #[rustfmt::co]
    async fn body(x: u32) -> impl Fn(u32) -> Box<dyn Fn(u32) -> u32> {
        pause().await;
        move |y| Box::new(move |z| x + y + z)
    }
}
