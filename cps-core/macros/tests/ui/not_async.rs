#[cps_core::coroutine]
fn function() -> u32 {
    1
}

trait Trait {
    #[cps_core::coroutine]
    fn method(&self);
}

fn main() {}
