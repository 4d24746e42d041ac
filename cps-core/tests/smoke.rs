use cps_core::{BoxCoroutine, coroutine, coroutine_block};
use std::cell::RefCell;
use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

struct Yield(bool);
impl Future for Yield {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            Poll::Ready(())
        } else {
            self.0 = true;
            Poll::Pending
        }
    }
}
struct Note(Rc<RefCell<Vec<&'static str>>>, &'static str);
impl Drop for Note {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1)
    }
}

fn drive<F: IntoFuture>(f: F) -> (F::Output, usize) {
    let mut f = pin!(f.into_future());
    let mut cx = Context::from_waker(Waker::noop());
    let mut n = 0;
    loop {
        n += 1;
        if let Poll::Ready(v) = f.as_mut().poll(&mut cx) {
            return (v, n);
        }
    }
}

#[cps_core::coroutine]
async fn leaf(k: u32, s: &str) -> String {
    for _ in 0..k {
        Yield(false).await;
    }
    format!("{s}{k}")
}
#[cps_core::coroutine]
async fn mid(k: u32, s: &str) -> Result<String, std::num::ParseIntError> {
    let t = String::from("x");
    let a = leaf(k, &t).await;
    let b = leaf(k + 1, s).await;
    let _n: u32 = "12".parse()?;
    Ok(format!("{a}-{b}"))
}
#[cps_core::coroutine]
async fn rec(n: u32) -> u32 {
    if n == 0 {
        Yield(false).await;
        0
    } else {
        rec(n - 1).on_heap().await + 1
    }
}
#[cps_core::coroutine]
async fn recb(n: u32) -> u32 {
    if n == 0 {
        Yield(false).await;
        0
    } else {
        let b: BoxCoroutine<'_, u32> = recb_box(n - 1);
        b.await + 1
    }
}
fn recb_box<'a>(n: u32) -> BoxCoroutine<'a, u32> {
    recb(n).boxed()
}

#[test]
fn works() {
    assert_eq!(drive(mid(2, "q")).0.unwrap(), "x2-q3");
    assert_eq!(drive(rec(100)), (100, 2));
    assert_eq!(drive(recb(100)), (100, 2));
    assert_eq!(drive(recb_box(100)), (100, 2));
    let v = String::from("cap");
    assert_eq!(drive(coroutine_block! { leaf(1, &v).await }).0, "cap1");
}

#[cps_core::coroutine]
async fn dropper(log: Rc<RefCell<Vec<&'static str>>>, n: u32) {
    let _a = Note(log.clone(), "a");
    if n > 0 {
        dropper(log.clone(), n - 1).on_heap().await;
    } else {
        Yield(false).await;
        panic!("boom");
    }
    let _b = Note(log, "b");
}
#[test]
fn cancel_and_panic() {
    let log = Rc::new(RefCell::new(vec![]));
    {
        let mut f = pin!(dropper(log.clone(), 3).into_future());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(f.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(log.borrow().len(), 4);
    log.borrow_mut().clear();
    {
        let mut f = pin!(dropper(log.clone(), 3).into_future());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(f.as_mut().poll(&mut cx).is_pending());
        let e = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = f.as_mut().poll(&mut cx);
        }));
        assert!(e.is_err());
    }
    assert_eq!(log.borrow().len(), 4);
    assert_eq!(Rc::strong_count(&log), 1);
}
fn is_send<T: Send>(_: T) {}
#[test]
fn send() {
    is_send(rec(3).into_future());
    is_send(recb_box(3));
    is_send(mid(1, ""));
}
