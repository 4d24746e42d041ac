// Moves and borrows. See language_rejects.rs.

//# in order
#[co]
async fn f(x: &mut Vec<u32>) -> &mut u32 {
    std::future::ready(()).await;
    &mut x[0]
}

//# use after a move
#[co]
async fn f(s: String) -> String {
    drop(s);
    std::future::ready(()).await;
    s
}

//# use after a move into an awaited call
#[co]
async fn g(s: String) {}
#[co]
async fn f(s: String) -> usize {
    g(s).await;
    s.len()
}

//# move in a loop
#[co]
async fn f(s: String) {
    for _ in 0..2 {
        std::future::ready(()).await;
        drop(s);
    }
}

//# move out of a reference
#[co]
async fn f(s: &String) -> String {
    std::future::ready(()).await;
    *s
}

//# move out of an index
#[co]
async fn f(v: Vec<String>) -> String {
    v[std::future::ready(0).await]
}

//# two mutable borrows
#[co]
async fn f(mut v: Vec<u32>) {
    let a = &mut v;
    let b = &mut v;
    std::future::ready(()).await;
    a.push(1);
    b.push(2);
}

//# a shared and a mutable borrow over an await
#[co]
async fn f(mut v: Vec<u32>) -> u32 {
    let first = &v[0];
    v.push(std::future::ready(1).await);
    *first
}

//# two calls that borrow mutably
#[co]
async fn g(v: &mut Vec<u32>) -> &mut u32 {
    &mut v[0]
}
#[co]
async fn f(mut v: Vec<u32>) {
    let a = g(&mut v).await;
    let b = g(&mut v).await;
    *a += *b;
}

//# assignment to a borrowed value
#[co]
async fn f() -> u32 {
    let mut x = 1;
    let r = &x;
    x = std::future::ready(2).await;
    *r
}

//# an elided lifetime is too short
#[co]
async fn f(x: &str) -> &'static str {
    std::future::ready(()).await;
    x
}

//# the wrong one of two lifetimes
#[co]
async fn f<'a, 'b>(x: &'a str, y: &'b str) -> &'a str {
    std::future::ready(x).await;
    y
}

//# a local does not live long enough
#[co]
async fn g(x: &u32) -> u32 {
    *x
}
#[co]
async fn f() {
    let later;
    {
        let x = 1;
        later = g(&x);
    }
    later.await;
}

//# an immutable variable is assigned
#[co]
async fn f() -> u32 {
    let x = 1;
    x = std::future::ready(2).await;
    x
}

//# an immutable parameter is assigned
#[co]
async fn f(x: u32) -> u32 {
    x = std::future::ready(2).await;
    x
}

//# an immutable parameter is borrowed mutably
#[co]
async fn f(v: Vec<u32>) {
    std::future::ready(()).await;
    v.push(1);
}

//# a shared reference is written through
#[co]
async fn f(v: &Vec<u32>) {
    std::future::ready(()).await;
    v.push(1);
}

//# a variable that is perhaps not initialised
#[co]
async fn f(b: bool) -> u32 {
    let x;
    if b {
        x = std::future::ready(1).await;
    }
    x
}

//# a closure that moves twice
#[co]
async fn f(s: String) {
    let g = || drop(s);
    g();
    std::future::ready(()).await;
    g();
}

//# an async block that outlives what it borrows
#[co]
async fn f() -> impl Future<Output = usize> + 'static {
    let s = String::new();
    async { s.len() }
}

//# a guard moves what it matches
#[co]
async fn f(s: Option<String>) -> usize {
    match s {
        Some(s) if { drop(s); std::future::ready(true).await } => 1,
        _ => 2,
    }
}

//# self is used after a move
struct S(String);
impl S {
    #[co]
    async fn f(self) -> String {
        drop(self);
        std::future::ready(()).await;
        self.0
    }
}

//# self is not mutable
struct S(u32);
impl S {
    #[co]
    async fn f(&self) {
        self.0 += std::future::ready(1).await;
    }
}

//# a part is used after the whole was moved
#[co]
async fn f(pair: (String, String)) -> usize {
    let taken = pair.0;
    std::future::ready(()).await;
    drop(pair);
    taken.len()
}

//# a pinned future is moved out of its pin
#[co]
async fn g() {}
#[co]
async fn f() {
    let p = std::pin::pin!(async { g().await });
    let moved = *p;
}
