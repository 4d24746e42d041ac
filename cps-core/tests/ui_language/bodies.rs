// Expressions where they may not stand, and names. See language_rejects.rs.

//# in order
#[co]
async fn f(n: u32) -> u32 {
    let g = |m: u32| m + 1;
    'a: loop {
        break 'a g(std::future::ready(n).await);
    }
}

//# await in a closure
#[co]
async fn f() -> u32 {
    let g = || std::future::ready(1).await;
    g()
}

//# await in a nested function
#[co]
async fn f() -> u32 {
    fn g() -> u32 {
        std::future::ready(1).await
    }
    g()
}

//# await in a const
#[co]
async fn f() -> u32 {
    const N: u32 = std::future::ready(1).await;
    N
}

//# await in the length of an array
#[co]
async fn f() -> [u32; 1] {
    [1; std::future::ready(1).await]
}

//# await on what is no future
#[co]
async fn f() -> u32 {
    1.await
}

//# break with a value from a while loop
#[co]
async fn f() -> u32 {
    while std::future::ready(true).await {
        break 1;
    }
    2
}

//# break out of an async block
#[co]
async fn f() {
    loop {
        async { break }.await;
    }
}

//# break to a label of the outer function
#[co]
async fn f() {
    'a: loop {
        let g = || break 'a;
        g();
    }
}

//# a label that is not there
#[co]
async fn f() {
    loop {
        break 'nosuch;
    }
}

//# an unlabelled break in a labelled block
#[co]
async fn f() {
    'a: {
        break;
    }
}

//# an unknown name
#[co]
async fn f() -> u32 {
    std::future::ready(nosuch).await
}

//# a name of the expansion
#[co]
async fn f() {
    let _ = __args;
}

//# a name of another scope
#[co]
async fn f() -> u32 {
    {
        let x = std::future::ready(1).await;
    }
    x
}

//# an unknown method
#[co]
async fn f() {
    std::future::ready(1).await.nosuch();
}

//# an unknown field
#[co]
async fn f(p: (u32, u32)) -> u32 {
    std::future::ready(p).await.2
}

//# a nested function uses a variable
#[co]
async fn f(n: u32) -> u32 {
    fn g() -> u32 {
        n
    }
    g()
}

//# self in a free function
#[co]
async fn f() -> u32 {
    self.0
}

//# an unsafe call outside of an unsafe block
unsafe fn g() {}
#[co]
async fn f() {
    std::future::ready(()).await;
    g();
}

//# a pointer is read outside of an unsafe block
#[co]
async fn f(p: *const u32) -> u32 {
    *p
}

//# an unsafe coroutine is called outside of an unsafe block
#[co]
async unsafe fn g() {}
#[co]
async fn f() {
    g().await;
}

//# a match that is not exhaustive
#[co]
async fn f(n: Option<u32>) -> u32 {
    match std::future::ready(n).await {
        Some(n) => n,
    }
}

//# a refutable pattern in a let
#[co]
async fn f(n: Option<u32>) -> u32 {
    let Some(n) = std::future::ready(n).await;
    n
}

//# a let else that does not diverge
#[co]
async fn f(n: Option<u32>) -> u32 {
    let Some(n) = n else { std::future::ready(()).await };
    n
}

//# an assignment to a value
#[co]
async fn f() {
    1 = std::future::ready(2).await;
}

//# a macro that is not there
#[co]
async fn f() {
    nosuch!(std::future::ready(1).await);
}

//# a macro's variable is not visible
#[co]
async fn f() -> u32 {
    macro_rules! m {
        () => {
            let x = 1;
        };
    }
    m!();
    std::future::ready(x).await
}

//# yield is no expression
#[co]
async fn f() {
    yield 1;
}

//# an unclosed format
#[co]
async fn f() -> String {
    format!("{} {}", std::future::ready(1).await)
}

//# two bindings of a name in a pattern
#[co]
async fn f(n: (u32, u32)) -> u32 {
    let (a, a) = std::future::ready(n).await;
    a
}

//# an or-pattern that binds different names
#[co]
async fn f(n: Result<u32, u32>) -> u32 {
    match std::future::ready(n).await {
        Ok(a) | Err(b) => 1,
    }
}

//# break outside of a loop
#[co]
async fn f() {
    std::future::ready(()).await;
    break;
}

//# continue outside of a loop
#[co]
async fn f() {
    continue;
}
