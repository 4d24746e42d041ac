// A callee of the user's own: the traits are not to be had.

struct Mine;

impl<K> cps_core::call::Callee<K> for Mine {}
impl cps_core::Body for Mine {}
impl cps_core::placement::Placement for Mine {}
unsafe impl cps_core::interleave::Start for Mine {}

impl Mine {
    fn __cps_call(self) -> Self {
        self
    }
}

#[cps_core::cps]
async fn body() {
    Mine.await;
}

fn main() {}
