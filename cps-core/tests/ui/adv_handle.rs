// What the expansion has in hand has no name for the user.

#[cps_core::cps]
async fn callee(n: u32) -> u32 {
    n
}

macro_rules! steal {
    ($handle:ident) => {
        Some($handle)
    };
}

#[cps_core::cps]
async fn names(n: u32) -> u32 {
    let a = __handle;
    let b = steal!(__handle);
    let c = (__entered, __local, __args);
    callee(n).await
}

#[cps_core::cps]
async fn names_in_an_argument(n: u32) -> u32 {
    callee({
        drop(__callee);
        drop(__slot);
        n
    })
    .await
}

fn types(_: cps_core::__private::Handle, _: cps_core::__private::Chain) {}
fn modules(_: cps_core::chain::Chain, _: cps_core::enter::Enter<(), ()>) {}

fn main() {}
