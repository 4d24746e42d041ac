//! Coroutines that are awaited by code which knows them as futures only: they are called, in its chain.

mod support;

use std::future::{Future, IntoFuture, ready};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;

use cps_core::{Body, BoxCoroutine, Coroutine, LocalBoxCoroutine, backtrace::Backtrace, cps};
use support::gate::Gate;
use support::{YieldOnce, drive, poll};

/// The last part of a path, without generic arguments.
fn name(path: &str) -> String {
    let mut depth = 0;
    let mut outside = String::new();
    for c in path.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    outside.rsplit("::").next().unwrap_or_default().to_owned()
}

/// The functions of a chain, innermost first.
fn functions(backtrace: &Backtrace) -> Vec<String> {
    backtrace.frames().iter().map(|frame| name(frame.function())).collect()
}

/// Polls a coroutine once, and gives the functions of its chain.
fn suspended<B: Body>(coroutine: Coroutine<B>) -> Vec<String> {
    let mut root = Box::pin(coroutine);
    assert!(poll(&mut root).is_pending());
    functions(&root.backtrace())
}

/// As in plain code, with the attribute.
#[cps]
async fn retry<F, C, T, E>(mut attempt: F) -> Result<T, E>
where
    F: FnMut() -> C,
    C: IntoFuture<Output = Result<T, E>>,
{
    let mut left = 3;
    loop {
        match attempt().await {
            Err(_) if left > 0 => left -= 1,
            result => return result,
        }
    }
}

#[cps]
async fn retry_async<T, E>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let mut left = 3;
    loop {
        match attempt().await {
            Err(_) if left > 0 => left -= 1,
            result => return result,
        }
    }
}

#[cps]
async fn fetch(gate: Gate, failures: &Mutex<u32>) -> Result<u32, u32> {
    let mut failures = gate_failures(gate, failures).await;
    if *failures == 0 {
        return Ok(7);
    }
    *failures -= 1;
    Err(*failures)
}

#[cps]
async fn gate_failures<'a>(gate: Gate, failures: &'a Mutex<u32>) -> MutexGuard<'a, u32> {
    gate.await;
    failures.lock().unwrap()
}

#[test]
fn a_generic_caller_is_in_the_chain_of_what_it_calls() {
    let failures = Mutex::new(2);
    let gate = Gate::default();
    let fetch = || fetch(gate.clone(), &failures);
    let chain = ["gate_failures", "fetch", "retry"];
    assert_eq!(suspended(retry(fetch)), chain);
    assert_eq!(suspended(retry(|| fetch().unstarted())), chain);
    assert_eq!(suspended(retry(|| fetch().on_stack())), chain);
    assert_eq!(suspended(retry(|| fetch().boxed_local())), chain);
    let chain = ["gate_failures", "fetch", "retry_async"];
    assert_eq!(suspended(retry_async(fetch)), chain);
    assert_eq!(suspended(retry_async(|| fetch().boxed_local())), chain);
    // What is a future around it has a chain of its own.
    assert_eq!(suspended(retry(|| Box::pin(fetch()))), ["retry"]);
    assert_eq!(suspended(retry(|| async { fetch().await })), ["retry"]);
    assert_eq!(suspended(retry(|| fetch().into_root())), ["retry"]);
}

#[test]
fn a_wake_up_resumes_the_leaf_and_each_attempt_is_another_call() {
    let failures = Mutex::new(2);
    let gate = Gate::default();
    let mut root = Box::pin(retry(|| fetch(gate.clone(), &failures)));
    for attempt in 1..=3 {
        assert!(poll(&mut root).is_pending());
        assert!(poll(&mut root).is_pending());
        // Once in vain and once when it is open, and once by the attempt before.
        assert_eq!(gate.polls(), 3 * attempt - 1);
        gate.open(0);
        if attempt == 3 {
            assert_eq!(poll(&mut root), Poll::Ready(Ok(7)));
        }
    }
    assert!(root.backtrace().frames().is_empty());
}

#[test]
fn what_is_no_coroutine_is_awaited_as_ever() {
    fn boxed(n: u32) -> Pin<Box<dyn Future<Output = Result<u32, u32>> + Send>> {
        Box::pin(async move { Ok(n) })
    }

    assert_eq!(drive(retry(|| ready(Err::<u32, _>(1)))), (Err(1), 1));
    assert_eq!(drive(retry(|| boxed(2))), (Ok(2), 1));
    assert_eq!(
        drive(retry(|| async {
            YieldOnce::default().await;
            Ok::<_, u32>(3)
        })),
        (Ok(3), 2)
    );
    let mut results = vec![Ok(3), Err(4)];
    let mut next = async || results.pop().unwrap();
    assert_eq!(drive(retry_async(&mut next)), (Ok(3), 1));
}

/// How far down the host stack this is.
#[inline(never)]
fn stack_address() -> usize {
    std::hint::black_box(&0u8) as *const u8 as usize
}

#[cps]
async fn leaf() -> usize {
    YieldOnce::default().await;
    stack_address()
}

/// A level that knows no more of its callee than that it is a future.
#[cps]
async fn level<F: Future<Output = usize>>(callee: F) -> usize {
    callee.await
}

#[test]
fn a_resume_takes_the_same_host_stack_at_any_depth() {
    fn resumed_at(coroutine: impl Future<Output = usize>) -> usize {
        let mut coroutine = Box::pin(coroutine);
        assert!(poll(&mut coroutine).is_pending());
        match poll(&mut coroutine) {
            Poll::Ready(address) => address,
            Poll::Pending => panic!("it yields once"),
        }
    }
    fn nest(depth: u32) -> LocalBoxCoroutine<'static, usize> {
        (0..depth).fold(leaf().boxed_local(), |inner, _| level(inner).boxed_local())
    }

    assert_eq!(resumed_at(nest(1)), resumed_at(nest(3)));
    if cfg!(miri) {
        return;
    }
    assert_eq!(resumed_at(nest(1)), resumed_at(nest(5000)));
    let deep = level(level(level(level(level(level(level(level(leaf()))))))));
    assert_eq!(resumed_at(level(leaf())), resumed_at(deep));
}

#[test]
fn each_frame_is_shown_with_the_place_of_its_call() {
    #[cps]
    async fn waits(gate: Gate) -> u32 {
        gate.await
    }
    #[cps]
    async fn generic<F: Future<Output = u32>>(first: F, second: impl Future<Output = u32>) -> u32 {
        let first = first.await;
        first + second.await
    }

    let (gates, line) = ([Gate::default(), Gate::default()], line!() - 4);
    let second = waits(gates[1].clone()).boxed_local();
    let mut root = Box::pin(generic(waits(gates[0].clone()), second));
    for (gate, line) in gates.iter().zip([line, line + 1]) {
        assert!(poll(&mut root).is_pending());
        let backtrace = root.backtrace();
        assert_eq!(functions(&backtrace), ["waits", "generic"]);
        assert_eq!(backtrace.frames()[1].location().map(|at| at.line()), Some(line));
        gate.open(1);
    }
    assert_eq!(poll(&mut root), Poll::Ready(2));
}

#[test]
fn a_boxed_coroutine_that_has_begun_goes_on_as_a_chain_of_its_own() {
    let gate = Gate::default();
    #[cps]
    async fn waits(gate: Gate) -> u32 {
        gate.clone().await + gate.await
    }
    let mut begun = waits(gate.clone()).boxed_local();
    assert!(
        Pin::new(&mut begun)
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
            .is_pending()
    );
    let mut root = Box::pin(level_of(begun));
    assert!(poll(&mut root).is_pending());
    assert_eq!(root.backtrace().frames().len(), 1);
    gate.open(1);
    assert!(poll(&mut root).is_pending());
    gate.open(2);
    assert_eq!(poll(&mut root), Poll::Ready(3));
}

#[cps]
async fn level_of(callee: impl Future<Output = u32>) -> u32 {
    callee.await
}

/// A trait that says of its methods what plain code says.
trait Store {
    fn get(&self, key: u32) -> impl Future<Output = u32> + Send;
    async fn size(&self) -> u32;
}

struct Remote(Gate);

impl Store for Remote {
    #[cps]
    async fn get(&self, key: u32) -> u32 {
        self.0.clone().await + key
    }

    #[cps]
    async fn size(&self) -> u32 {
        self.0.clone().await
    }
}

#[cps]
async fn first_and_size<S: Store>(store: &S) -> u32 {
    store.get(0).await + store.size().await
}

#[test]
fn methods_of_a_trait_that_returns_futures_are_called() {
    let gate = Gate::default();
    let store = Remote(gate.clone());
    let mut root = Box::pin(first_and_size(&store));
    for callee in ["get", "size"] {
        assert!(poll(&mut root).is_pending());
        assert_eq!(functions(&root.backtrace()), [callee, "first_and_size"]);
        gate.open(1);
    }
    assert_eq!(poll(&mut root), Poll::Ready(2));
}

/// Callbacks that borrow what they are given.
mod borrowing {
    use super::*;

    #[cps]
    async fn each<T>(items: &[T], visit: impl AsyncFn(&T)) {
        for item in items {
            visit(item).await;
        }
    }

    #[cps]
    async fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl AsyncFn(&T) -> K) {
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && key(&items[at - 1]).await > key(&items[at]).await {
                items.swap(at - 1, at);
                at -= 1;
            }
        }
    }

    #[cps]
    async fn retry_on<S, T>(state: &mut S, attempt: impl AsyncFn(&mut S) -> Option<T>) -> T {
        loop {
            if let Some(value) = attempt(state).await {
                return value;
            }
        }
    }

    #[cps]
    async fn length(text: &String) -> usize {
        YieldOnce::default().await;
        text.len()
    }

    #[cps]
    async fn print(text: &String) {
        let length = length(text).await;
        assert_eq!(length, text.len());
    }

    #[cps]
    async fn countdown(n: &mut u32) -> Option<&'static str> {
        YieldOnce::default().await;
        *n -= 1;
        (*n == 0).then_some("lift-off")
    }

    fn texts() -> Vec<String> {
        ["ccc", "a", "dddd", "bb"].map(String::from).into()
    }

    #[test]
    fn functions_and_closures_serve_alike() {
        let sorted = ["a", "bb", "ccc", "dddd"];
        let mut items = texts();
        drive(sort_by_key(&mut items, length));
        assert_eq!(items, sorted);
        let mut items = texts();
        drive(sort_by_key(&mut items, async |text: &String| length(text).await));
        assert_eq!(items, sorted);
        assert_eq!(drive(each(&items, print)).1, 5);
        let count = Mutex::new(0);
        drive(each(&items, async |text| *count.lock().unwrap() += text.len()));
        assert_eq!(count.into_inner().unwrap(), 10);
        let mut n = 4;
        assert_eq!(drive(retry_on(&mut n, countdown)), ("lift-off", 5));
        assert_eq!(n, 0);
    }

    #[test]
    fn functions_are_called() {
        let items = texts();
        assert_eq!(suspended(each(&items, print)), ["length", "print", "each"]);
        assert_eq!(suspended(sort_by_key(&mut texts(), length)), ["length", "sort_by_key"]);
        assert_eq!(suspended(retry_on(&mut 3, countdown)), ["countdown", "retry_on"]);
    }

    enum Tree {
        Leaf(u32),
        Fork(Vec<Tree>),
    }

    /// A recursion, whose callee is placed by its definition.
    #[cps(elision = "stack")]
    async fn walk<V: AsyncFnMut(&u32) -> bool>(tree: &Tree, visit: &mut V) -> bool {
        match tree {
            Tree::Leaf(value) => visit(value).await,
            Tree::Fork(trees) => {
                for tree in trees {
                    if !walk(tree, visit).await {
                        return false;
                    }
                }
                true
            }
        }
    }

    #[cps]
    async fn is_small(value: &u32) -> bool {
        YieldOnce::default().await;
        *value < 3
    }

    #[test]
    fn a_visitor_of_a_tree() {
        let fork = |trees| Tree::Fork(trees);
        let tree =
            fork(vec![Tree::Leaf(1), fork(vec![Tree::Leaf(2), Tree::Leaf(3)]), Tree::Leaf(4)]);
        assert_eq!(drive(walk(&tree, &mut is_small)), (false, 4));
        assert_eq!(suspended(walk(&tree, &mut is_small).inline()), ["is_small", "walk", "walk"]);
        let mut sum = 0;
        let mut add = async |value: &u32| {
            sum += value;
            true
        };
        assert!(drive(walk(&tree, &mut add)).0);
        assert_eq!(sum, 10);
    }
}

#[test]
fn generic_callers_can_be_sent_if_what_they_call_can() {
    fn sent<F: Future + Send>(future: F) -> F::Output {
        drive(future).0
    }
    #[cps]
    async fn pause(n: u32) -> Result<u32, ()> {
        YieldOnce::default().await;
        Ok(n)
    }
    fn boxed<'a>(n: u32) -> BoxCoroutine<'a, Result<u32, ()>> {
        pause(n).boxed()
    }
    assert_eq!(sent(retry(|| pause(1))), Ok(1));
    assert_eq!(sent(retry(|| boxed(2))), Ok(2));
    assert_eq!(sent(level(async { 3 })), 3);
}
