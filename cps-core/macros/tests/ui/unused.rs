#![deny(unused_must_use)]

#[cps_core::coroutine]
async fn function() -> Result<(), ()> {
    Ok(())
}

#[cps_core::coroutine]
async fn caller() {
    function();
    function().on_heap();
    function().await;
    cps_core::coroutine_block! { 1 };
}

fn main() {}
