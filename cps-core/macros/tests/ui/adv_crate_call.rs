mod fake {
    pub use cps_core::*;
    pub mod __private {
        pub use cps_core::__private::*;
        pub trait ForeignCall: Sized {
            fn __cps_call(self) -> Self {
                self
            }
        }
        impl<T> ForeignCall for T {}
    }
}

#[cps_core::cps(crate = fake)]
async fn body() -> u32 {
    std::future::ready(()).await;
    1
}

fn main() {}
