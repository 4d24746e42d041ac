#[cps_core::coroutine]
async fn function() -> ! {
    loop {}
}

fn main() {}
