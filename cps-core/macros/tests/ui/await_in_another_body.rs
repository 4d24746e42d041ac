// A closure is a body of its own, in which nothing is awaited.
#[cps_core::coroutine]
async fn coroutine() {}

#[cps_core::coroutine]
async fn in_closure() {
    let _ = || coroutine().await;
}

fn main() {}
