mod fake {
    pub use cps_core::*;
    pub mod __private {
        pub use cps_core::__private::*;
        pub unsafe fn wide<A, F, K>(parts: Parts<A, F, K>) -> FnBody<A, F, Plain, K> {
            FnBody { make: parts.1, args: parts.0 }
        }
    }
}

#[cps_core::cps(crate = fake)]
async fn body() -> u32 {
    std::future::ready(()).await;
    1
}

fn main() {}
