// Signatures, traits and implementations. See language_rejects.rs.

//# in order
trait Get {
    #[co]
    async fn get(&self, n: u32) -> u32;
}
impl Get for u32 {
    #[co]
    async fn get(&self, n: u32) -> u32 {
        *self + std::future::ready(n).await
    }
}

//# a refutable pattern in a parameter
#[co]
async fn f(Some(n): Option<u32>) -> u32 {
    n
}

//# a pattern of the wrong type
#[co]
async fn f((a, b): u32) -> u32 {
    a + b
}

//# an unknown type
#[co]
async fn f(n: Nosuch) {}

//# an unknown type is returned
#[co]
async fn f() -> Nosuch {
    std::future::ready(()).await
}

//# an undeclared lifetime
#[co]
async fn f(s: &'a str) {}

//# a lifetime that cannot be elided
#[co]
async fn f(a: &str, b: &str) -> &str {
    a
}

//# no argument to borrow from
#[co]
async fn f() -> &str {
    "a"
}

//# a lifetime declared twice
#[co]
async fn f<'a, 'a>(s: &'a str) {}

//# generic parameters of a wrong number
#[co]
async fn g<T>(t: T) {}
#[co]
async fn f() {
    g::<u32, u32>(1).await
}

//# a where clause that does not hold
#[co]
async fn f()
where
    String: Copy,
{
}

//# a method that the trait does not have
trait Get {
    #[co]
    async fn get(&self) -> u32;
}
impl Get for u32 {
    #[co]
    async fn get(&self) -> u32 {
        *self
    }
    #[co]
    async fn other(&self) {}
}

//# a method is missing
trait Get {
    #[co]
    async fn get(&self) -> u32;
}
impl Get for u32 {}

//# another receiver than the trait's
trait Get {
    #[co]
    async fn get(&self);
}
impl Get for u32 {
    #[co]
    async fn get(&mut self) {}
}

//# another number of parameters than the trait's
trait Get {
    #[co]
    async fn get(&self, n: u32);
}
impl Get for u32 {
    #[co]
    async fn get(&self) {}
}

//# another type of a parameter than the trait's
trait Get {
    #[co]
    async fn get(&self, n: u32);
}
impl Get for u32 {
    #[co]
    async fn get(&self, n: u64) {}
}

//# another bound than the trait's
trait Get {
    #[co]
    async fn get<T>(&self, t: T);
}
impl Get for u32 {
    #[co]
    async fn get<T: Clone>(&self, t: T) {}
}

//# a trait object of a trait with coroutines
trait Get {
    #[co]
    async fn get(&self);
}
fn f(_: &dyn Get) {}

//# a method of a name twice
struct S;
impl S {
    #[co]
    async fn f(&self) {}
    #[co]
    async fn f(&self) {}
}

//# a function of a name twice
#[co]
async fn f() {}
#[co]
async fn f() {}

//# self without a type
#[co]
async fn f(self) {}

//# a receiver that is none
struct S;
impl S {
    #[co]
    async fn f(self: u32) {}
}

//# an unsized parameter
#[co]
async fn f(s: str) {}

//# an unsized return
#[co]
async fn f() -> str {
    *"a"
}

//# a parameter without a type
#[co]
async fn f(n) {}

//# visibility on a method of an implementation of a trait
trait Get {
    #[co]
    async fn get(&self);
}
impl Get for u32 {
    #[co]
    pub async fn get(&self) {}
}

//# a function of a private module
mod m {
    #[co]
    async fn f() {}
}
#[co]
async fn g() {
    m::f().await
}

//# no body
#[co]
async fn f();

//# a deprecated function is denied
#![deny(deprecated)]
#[deprecated]
#[co]
async fn f() {}
#[co]
async fn g() {
    f().await
}

//# a future that must be used is denied
#![deny(unused_must_use)]
#[co]
async fn f() {}
#[co]
async fn g() {
    f();
}

//# a result that must be used is denied
#![deny(unused_must_use)]
#[co]
async fn f() -> Result<(), ()> {
    Ok(())
}
#[co]
async fn g() {
    f().await;
}

//# a default value of a parameter
#[co]
async fn f(n: u32 = 1) {}

//# a parameter of a name twice
#[co]
async fn f(n: u32, n: u32) -> u32 {
    n
}

//# a parameter that shadows a variant
#[co]
async fn f(None: u32) -> u32 {
    1
}

//# an inner attribute after a statement
#[co]
async fn f() {
    let x = 1;
    #![allow(unused)]
}

//# a const that does not fit
#[co]
async fn f<const N: usize>() -> [u8; N] {
    [0; N + 1]
}

//# a name bound twice in the parameters
#[co]
async fn f(n: u32, (n, _): (u32, u32)) -> u32 {
    n
}

//# endless recursion of types
#[co]
pub async fn f(n: u32) -> u32 {
    if n == 0 { 0 } else { f(n - 1).await }
}

//# documentation on a parameter
#[co]
async fn f(/** Text. */ n: u32) -> u32 {
    n
}

//# a name bound twice, in two patterns
#[co]
async fn f((n, _): (u32, u32), [n, _]: [u32; 2]) -> u32 {
    n
}

//# a name bound twice in one pattern
#[co]
async fn f((n, n): (u32, u32)) -> u32 {
    n
}

//# an attribute that parameters have not
#[co]
async fn f(#[inline] n: u32) -> u32 {
    n
}
