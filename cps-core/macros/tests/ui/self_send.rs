// In its own body a coroutine is `Send` if it says so.
use cps_core::cps;

fn spawn<F: Future + Send + 'static>(_: F) {}

#[cps]
async fn spawns_itself(n: u32) {
    if n > 0 {
        spawn(spawns_itself(n - 1));
    }
}

#[cps]
async fn boxes_itself(n: u32) {
    if n > 0 {
        boxes_itself(n - 1).boxed().await;
    }
}

#[cps]
async fn spawns_other(n: u32) {
    spawn(other(n));
}

#[cps]
async fn other(n: u32) {
    if n > 0 {
        spawn(spawns_other(n - 1));
    }
}

// These are in order.
#[cps(send)]
async fn says_so(n: u32) {
    if n > 0 {
        spawn(says_so(n - 1));
        says_so(n - 1).boxed().await;
        spawn(said_by_the_other(n - 1));
    }
}

#[cps]
async fn said_by_the_other(n: u32) {
    if n > 0 {
        spawn(says_so(n - 1));
    }
}

trait Store {
    #[cps]
    async fn get(&self) -> u32;
    #[cps(send)]
    async fn get_send(&self) -> u32;
}

fn spawned<S: Store + Sync + 'static>(store: &'static S) {
    spawn(store.get_send());
    spawn(store.get());
}

#[cps(send)]
async fn is_not() {
    let local = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(local);
}

fn main() {}
