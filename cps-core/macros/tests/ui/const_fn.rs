#[cps_core::coroutine]
const async fn function() {}

#[cps_core::coroutine]
const fn constant() {}

fn main() {}
