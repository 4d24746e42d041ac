use std::cell::Cell;
use std::future::{Future, ready};
use std::rc::Rc;

use cps_core::{local_scope, scope};

fn send<T: Send>(_: T) {}

macro_rules! unseen {
    ($e:expr) => {
        $e.await
    };
}

#[cps_core::cps]
async fn across_an_unseen_await() {
    let rc = Rc::new(1);
    unseen!(ready(()));
    drop(rc);
}

#[cps_core::cps]
async fn takes<T>(value: T) -> T {
    value
}

#[cps_core::cps]
async fn in_a_callee(boxed: bool) {
    if boxed {
        takes(Rc::new(1)).boxed_local().await;
    }
    takes(&Cell::new(1)).on_stack().await;
}

#[cps_core::cps(yields = Rc<u32>)]
fn items() {
    let rc = Rc::new(1);
    cps_core::yield_(rc.clone()).await;
    drop(rc);
}

#[cps_core::cps(send)]
async fn declared(value: Rc<u32>) {
    ready(()).await;
    drop(value);
}

fn polymorphic<T>(value: T) -> impl Future<Output = T> + Send {
    takes(value)
}

fn main() {
    send(across_an_unseen_await());
    send(in_a_callee(true));
    send(takes(Rc::new(1)));
    send(takes(Rc::new(1)).into_root());
    send(takes(Rc::new(1)).unstarted());
    send(takes(Rc::new(1)).boxed_local());
    let _ = takes(Rc::new(1)).boxed();
    send(items().into_root());
    send(local_scope(|s| async move {
        s.spawn(takes(1));
    }));
    let _ = scope(|s| async move {
        s.spawn(takes(Rc::new(1)));
    });
    let _ = (declared(Rc::new(1)), polymorphic(1));
}
