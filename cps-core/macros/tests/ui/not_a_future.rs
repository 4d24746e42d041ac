#[cps_core::coroutine]
async fn number() {
    5.await;
}

#[cps_core::coroutine]
async fn argument<T>(x: T, y: &mut T) {
    x.await;
    y.await;
}

#[cps_core::coroutine]
async fn unpinned<F: Future>(f: &mut F, g: Box<F>) {
    f.await;
    g.await;
}

#[cps_core::coroutine]
async fn reference() {
    let coroutine = number();
    (&coroutine).await;
}

fn main() {}
