#[cps_core::coroutine]
async fn body() {
    let x = ;
}

#[cps_core::coroutine]
async fn arguments(x) {}

fn main() {
    cps_core::coroutine_block! { let x = };
}
