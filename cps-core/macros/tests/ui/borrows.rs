#[cps_core::coroutine]
async fn borrow(x: &mut Vec<u32>) -> &mut u32 {
    &mut x[0]
}

#[cps_core::coroutine]
async fn unstarted_outlives_local() {
    let coroutine = {
        let mut local = vec![1];
        borrow(&mut local)
    };
    coroutine.await;
}

#[cps_core::coroutine]
async fn held_across_call() {
    let mut local = vec![1];
    let first = borrow(&mut local).await;
    let second = borrow(&mut local).await;
    *first += *second;
}

#[cps_core::coroutine]
async fn two_unstarted() {
    let mut local = vec![1];
    let first = borrow(&mut local);
    let second = borrow(&mut local);
    first.await;
    second.await;
}

#[cps_core::coroutine]
async fn returns_local() -> &'static u32 {
    let local = vec![1];
    &local[0]
}

#[cps_core::coroutine]
async fn returns_argument(mut x: Vec<u32>) -> Option<&'static mut u32> {
    x.first_mut()?;
    x.first_mut()
}

#[cps_core::coroutine]
async fn moved(x: Vec<u32>) -> Vec<u32> {
    let y = x;
    returns_argument(x).await;
    y
}

fn main() {}
