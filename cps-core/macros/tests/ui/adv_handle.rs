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
    let a = __cps_handle;
    let b = steal!(__cps_handle);
    let c = (__cps_entered, __cps_local, __cps_args);
    callee(n).await
}

#[cps_core::cps]
async fn names_in_an_argument(n: u32) -> u32 {
    callee({
        drop(__cps_callee);
        drop(__cps_slot);
        n
    })
    .await
}

fn types(_: cps_core::__private::Handle, _: cps_core::__private::Chain) {}
fn modules(_: cps_core::chain::caller::Caller, _: cps_core::frame::first_poll::Enter<(), ()>) {}

fn main() {}
