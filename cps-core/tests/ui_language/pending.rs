// Cases whose errors have other codes: not compiled yet. See language_rejects.rs.

//# in order
#[co]
async fn f() {}

//# a reference to a local is returned
#[co]
async fn f() -> &'static u32 {
    let x = std::future::ready(1).await;
    &x
}

//# a reference to an argument is returned
#[co]
async fn f(x: u32) -> &'static u32 {
    &x
}

//# a closure that outlives what it borrows
#[co]
async fn f(x: u32) -> Box<dyn Fn() -> u32> {
    Box::new(|| x)
}
