// A method of the user's in the place of ours gives something else: no callee.

struct Mine;

impl Mine {
    fn __cps_call(self) -> u32 {
        1
    }
}

struct Borrowed;

impl Borrowed {
    fn __cps_call(&self) -> cps_core::Unstarted<Body> {
        unimplemented!()
    }
}

struct Body;

trait Everything: Sized {
    fn __cps_call(self) -> cps_core::prefetch::Prefetch {
        cps_core::prefetch::Prefetch::skipped()
    }
}

impl<T> Everything for T {}

#[cps_core::cps]
async fn body() {
    Mine.await;
    Borrowed.await;
    std::future::ready(()).await;
}

fn main() {}
