#[cps_core::coroutine]
struct Struct;

struct Other;

#[cps_core::coroutine]
impl Other {
    async fn method(&self) {}
}

#[cps_core::coroutine]
trait Trait {}

#[cps_core::coroutine]
mod module {}

fn main() {
    #[cps_core::coroutine]
    let closure = async || 1;
}
