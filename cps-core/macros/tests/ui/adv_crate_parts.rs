mod fake {
    pub use cps_core::*;
    pub mod __private {
        pub use cps_core::__private::*;
        pub fn parts<K, A, F, Fut>(_: A, make: F) -> Parts<(), F, K>
        where
            F: FnOnce(std::future::Ready<Entered>) -> Fut,
        {
            cps_core::__private::parts((), make)
        }
        pub struct Entered;
        impl Entered {
            pub fn local(&self) {}
            pub fn handle(&self, (): &()) {}
            pub fn args(&self) {}
        }
    }
}

#[cps_core::cps(crate = fake)]
async fn body() -> u32 {
    std::future::ready(()).await;
    1
}

fn main() {}
