use std::future::{Future, IntoFuture};

fn spawn<F: Future + Send + 'static>(_: F) {}

#[cps_core::coroutine]
async fn borrows(_: &u32) {}

fn main() {
    let local = 1;
    spawn(borrows(&local).into_future());
    spawn(cps_core::coroutine_block! { borrows(&local).await }.into_future());
    let reference = &local;
    spawn(cps_core::coroutine_block! { borrows(reference).await }.into_future());
}
