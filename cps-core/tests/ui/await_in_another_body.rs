// A macro of the user's with the name of one whose awaits are rewritten must not bring a call into
// another body.
macro_rules! dbg {
    ($e:expr) => {
        async move { $e }
    };
}

macro_rules! format {
    ($e:expr) => {
        || $e
    };
}

#[cps_core::coroutine]
async fn coroutine() {}

#[cps_core::coroutine]
async fn in_async_block() {
    let _ = dbg!(coroutine().await);
}

#[cps_core::coroutine]
async fn in_closure() {
    let _ = format!(coroutine().await);
    let _ = || coroutine().await;
}

fn main() {}
