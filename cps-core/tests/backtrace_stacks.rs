//! Backtraces from within, on a thread with several host stacks.
#![cfg(all(feature = "backtrace", not(miri)))]
#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use corosensei::{Coroutine, CoroutineResult, Yielder};
use cps_core::backtrace;

type Stack = Coroutine<(), (), String>;

#[cps_core::coroutine]
async fn halted(yielder: &Yielder<(), ()>) -> String {
    poll_fn(|_| {
        yielder.suspend(());
        Poll::Ready(())
    })
    .await;
    backtrace().to_string()
}

#[cps_core::coroutine]
async fn caller(yielder: &Yielder<(), ()>) -> String {
    halted(yielder).await
}

/// A stack whose poll is halted in the middle, and goes on when it is resumed again.
fn stack() -> Stack {
    Coroutine::new(|yielder: &Yielder<(), ()>, ()| {
        let mut root = pin!(caller(yielder).into_future());
        match root.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(text) => text,
            Poll::Pending => panic!("it is halted, and not suspended"),
        }
    })
}

fn halt(stack: &mut Stack) {
    assert!(matches!(stack.resume(()), CoroutineResult::Yield(())));
}

fn end(mut stack: Stack) -> String {
    match stack.resume(()) {
        CoroutineResult::Return(text) => text,
        CoroutineResult::Yield(()) => panic!("halted twice"),
    }
}

/// How many chains are listed.
fn chains(text: &str) -> usize {
    text.matches("::caller").count()
}

#[test]
fn polls_that_end_in_the_order_of_their_starts_leave_the_list() {
    let (mut first, mut second) = (stack(), stack());
    halt(&mut first);
    halt(&mut second);
    assert_eq!(chains(&end(first)), 2);
    assert_eq!(chains(&backtrace().to_string()), 1);
    assert_eq!(chains(&end(second)), 1);
    assert_eq!(backtrace().to_string(), "");
}

#[test]
fn polls_that_end_in_any_order_leave_the_list() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut stacks = [0; 3].map(|_| Some(stack()));
        stacks.iter_mut().flatten().for_each(halt);
        for (ended, index) in order.into_iter().enumerate() {
            let text = end(stacks[index].take().expect("each once"));
            assert!(text.contains("::halted"), "{text}");
            assert_eq!(chains(&text), 3 - ended, "{order:?}: {text}");
        }
        assert_eq!(backtrace().to_string(), "", "{order:?}");
    }
}

/// The stack is dropped, and its poll unwinds by that.
#[test]
fn a_poll_that_is_dropped_with_its_stack_leaves_the_list() {
    let (mut first, mut second) = (stack(), stack());
    halt(&mut first);
    halt(&mut second);
    drop(first);
    assert_eq!(chains(&end(second)), 1);
    assert_eq!(backtrace().to_string(), "");
}

/// Its memory is leaked with it, so it stays listed.
#[test]
fn a_poll_whose_stack_is_forgotten_stays_readable() {
    std::thread::spawn(|| {
        let mut first = stack();
        halt(&mut first);
        std::mem::forget(first);
        let mut second = stack();
        halt(&mut second);
        assert_eq!(chains(&end(second)), 2);
        assert_eq!(chains(&backtrace().to_string()), 1);
    })
    .join()
    .expect("no panic");
}
