//! A variable that is moved in `pack!` would be dropped too early if the move is not reached.

use cps_core::{cps, pack};

async fn pause() {}

#[cps]
async fn on_a_condition(name: String, is_last: bool) {
    pack! {
        pause().await;
        if is_last {
            drop(name);
        }
    }
    pause().await;
}

#[cps]
async fn in_any_case(names: Vec<String>) -> usize {
    let mut sum = 0;
    pack! {
        for name in names {
            pause().await;
            sum += name.len();
        }
    }
    sum
}

#[cps]
async fn in_parts((first, second): (String, (String, u32))) -> u32 {
    pack! {
        let _first = first;
        let _second = second.0;
        pause().await;
    }
    second.1
}

#[cps]
async fn into_a_closure(name: String) -> usize {
    let length = pack! {
        let length = move || name.len();
        pause().await;
        length()
    };
    length
}

struct Connection(String);

impl Connection {
    #[cps]
    async fn close(self) {
        pack! {
            pause().await;
            drop(self);
        }
    }
}

#[cps]
async fn out_of_two(name: String) {
    pack! {
        pause().await;
        pack! {
            pause().await;
            drop(name);
        }
    }
}

#[cps]
async fn in_a_macro(name: String) {
    pack! {
        pause().await;
        let _all = vec![name];
    }
}

fn main() {}
