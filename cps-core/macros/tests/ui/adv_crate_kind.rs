mod fake {
    pub use cps_core::*;
    pub mod __private {
        pub use cps_core::__private::*;
        pub type Waits = cps_core::__private::WaitsAndYields<u32>;
    }
}

#[cps_core::cps(crate = fake)]
async fn body() -> u32 {
    std::future::ready(()).await;
    1
}

fn main() {}
