mod fake {
    pub use cps_core::*;
    pub mod __private {
        pub use cps_core::__private::*;
        pub struct Wide<T>(T);
        impl<T> Wide<T> {
            pub fn new(value: T) -> Self {
                Wide(value)
            }
        }
    }
}

#[cps_core::cps(crate = fake)]
async fn body() -> u32 {
    std::future::ready(()).await;
    1
}

fn main() {}
