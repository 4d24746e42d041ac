#[cps_core::coroutine]
async extern "C" fn function() {}

#[cps_core::coroutine]
extern "C" fn plain() {}

fn main() {}
