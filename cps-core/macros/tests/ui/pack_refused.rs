//! What `pack!` refuses by its text.

use cps_core::{cps, pack};

async fn next() -> Option<u32> {
    Some(1)
}

#[cps]
async fn a_first_value() -> u32 {
    let x;
    pack! {
        next().await;
        x = 1;
    }
    x
}

#[cps]
async fn a_way_out_in_a_macro() -> Option<u32> {
    pack! {
        println!("{}", next().await?);
        assert!(if next().await.is_none() { return None } else { true });
    }
    None
}

#[cps]
async fn temporaries_that_outlive_it(names: std::sync::Mutex<Vec<String>>) -> usize {
    1 + pack! {
        next().await;
        names.lock().unwrap().len()
    }
}

#[cps]
async fn no_statements() {
    pack! { let = 1; }
}

fn main() {}
