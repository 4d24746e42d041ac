unsafe fn dangerous() -> u32 {
    1
}

#[cps_core::coroutine]
async fn coroutine(x: u32) -> u32 {
    x
}

#[cps_core::coroutine]
async unsafe fn dangerous_coroutine() {}

#[cps_core::coroutine]
async fn caller() -> u32 {
    dangerous_coroutine().await;
    if coroutine(1).await == 1 {
        return dangerous();
    }
    coroutine(dangerous()).await
}

fn main() {}
