#[cps_core::coroutine]
async fn direct(n: u32) -> u32 {
    if n == 0 { 0 } else { direct(n - 1).await + 1 }
}

#[cps_core::coroutine]
async fn even(n: u32) -> bool {
    n == 0 || odd(n - 1).await
}

#[cps_core::coroutine]
async fn odd(n: u32) -> bool {
    n != 0 && even(n - 1).await
}

#[cps_core::coroutine]
async fn nested(n: u32) -> u32 {
    if n == 0 { 0 } else { nested(n - 1).nested().await + 1 }
}

fn main() {}
