// Types and traits. See language_rejects.rs.

//# in order
#[co]
async fn f(n: u32) -> Result<u64, std::num::ParseIntError> {
    let m: u64 = std::future::ready("1").await.parse()?;
    Ok(m + u64::from(n))
}

//# a tail of the wrong type
#[co]
async fn f() -> u32 {
    std::future::ready("a").await
}

//# a return of the wrong type
#[co]
async fn f(b: bool) -> u32 {
    if b {
        return "a";
    }
    1
}

//# no tail
#[co]
async fn f() -> u32 {
    std::future::ready(1).await;
}

//# a tail where there is no value
#[co]
async fn f() {
    std::future::ready(1).await
}

//# branches that differ
#[co]
async fn f(b: bool) -> u32 {
    let x = if b { std::future::ready(1).await } else { "a" };
    x
}

//# an argument of the wrong type
#[co]
async fn g(n: u32) {}
#[co]
async fn f() {
    g("a").await
}

//# too few arguments
#[co]
async fn g(n: u32) {}
#[co]
async fn f() {
    g().await
}

//# a coroutine that is not awaited is no value
#[co]
async fn g() -> u32 {
    1
}
#[co]
async fn f() -> u32 {
    g() + 1
}

//# a question mark in a function that returns no result
#[co]
async fn f(n: Option<u32>) -> u32 {
    std::future::ready(n).await? + 1
}

//# a question mark on an error that does not convert
#[co]
async fn f(s: &str) -> Result<u32, u32> {
    Ok(std::future::ready(s).await.parse::<u32>()?)
}

//# a question mark on an option in a result
#[co]
async fn f(n: Option<u32>) -> Result<u32, ()> {
    Ok(std::future::ready(n).await?)
}

//# a type that cannot be inferred
#[co]
async fn f() {
    let v = std::future::ready(Vec::new()).await;
}

//# a number type that cannot be parsed into
#[co]
async fn f() -> usize {
    let n = "1".parse().unwrap();
    std::future::ready(()).await;
    size_of_val(&n)
}

//# a bound that is missing
#[co]
async fn f<T>(t: T) -> String {
    std::future::ready(()).await;
    format!("{t}")
}

//# a bound of a callee that is missing
#[co]
async fn g<T: Clone>(t: &T) -> T {
    t.clone()
}
#[co]
async fn f<T>(t: &T) -> T {
    g(t).await
}

//# operands of different types
#[co]
async fn f(a: u32, b: u64) -> u64 {
    std::future::ready(a).await + std::future::ready(b).await
}

//# an index that is no usize
#[co]
async fn f(v: Vec<u32>) -> u32 {
    v[std::future::ready(1_u8).await]
}

//# a cast that is none
#[co]
async fn f(s: &str) -> u32 {
    std::future::ready(s).await as u32
}

//# a trait that is not implemented for what is returned
#[co]
async fn f() -> impl Iterator<Item = u32> {
    std::future::ready(1_u32).await
}

//# two types where one is opaque
#[co]
async fn f(b: bool) -> impl Iterator<Item = u32> {
    if b {
        return 0..std::future::ready(1).await;
    }
    std::iter::empty()
}

//# not Send over an await
fn is_send<T: Send>(_: T) {}
#[co]
async fn f() {
    let rc = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(rc);
}
pub fn g() {
    is_send(std::future::IntoFuture::into_future(f()));
}

//# not Send for a callee
fn is_send<T: Send>(_: T) {}
#[co]
async fn h(rc: std::rc::Rc<u32>) {
    std::future::ready(()).await;
}
#[co]
async fn f() {
    h(std::rc::Rc::new(1)).await;
}
pub fn g() {
    is_send(std::future::IntoFuture::into_future(f()));
}

//# not static
fn is_static<T: 'static>(_: T) {}
#[co]
async fn f(s: &str) {
    std::future::ready(()).await;
}
pub fn g() {
    let s = String::new();
    is_static(f(&s));
}

//# an unsized value
#[co]
async fn f(s: &str) {
    let t = *s;
    std::future::ready(()).await;
}

//# privacy
mod m {
    pub struct S {
        n: u32,
    }
    impl S {
        #[co]
        async fn f(&self) -> u32 {
            self.n
        }
    }
}
#[co]
async fn g(s: m::S) -> u32 {
    s.f().await + s.n
}
