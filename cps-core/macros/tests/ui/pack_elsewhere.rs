//! `pack!` is for the body of a function under the attribute.

use cps_core::{coroutine_block, cps, pack};

async fn plain() {
    pack! {}
}

#[cps]
async fn in_other_bodies() {
    let _closure = || pack! {};
    let _block = async { pack! {} };
    let _coroutine = coroutine_block! { pack! {} };
    println!("{:?}", pack! {});
}

fn main() {}
