use std::future::{Future, IntoFuture};
use std::rc::Rc;

fn spawn<F: Future + Send + 'static>(_: F) {}

#[cps_core::coroutine]
async fn pause() {}

#[cps_core::coroutine]
async fn held() {
    let rc = Rc::new(1);
    pause().await;
    drop(rc);
}

#[cps_core::coroutine]
async fn argument(_: Rc<u32>) {}

#[cps_core::coroutine]
async fn caller() {
    held().await;
}

fn main() {
    spawn(held().into_future());
    spawn(argument(Rc::new(1)).into_future());
    spawn(caller().into_future());
    let captured = Rc::new(1);
    spawn(cps_core::coroutine_block! { pause().await; drop(captured) }.into_future());
}
