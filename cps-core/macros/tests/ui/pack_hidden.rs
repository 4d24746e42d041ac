//! A macro that leads out of `pack!` cannot lead out of the function, and does not lead anywhere else.

use cps_core::{cps, pack};

macro_rules! give_up {
    () => {
        return Err(String::new())
    };
}

macro_rules! value {
    ($result:expr) => {
        $result?
    };
}

macro_rules! leave {
    () => {
        break
    };
}

#[cps]
async fn a_return() -> Result<u32, String> {
    pack! {
        give_up!();
    }
    Ok(1)
}

#[cps]
async fn an_error(text: &str) -> Result<u32, std::num::ParseIntError> {
    let sum = pack! {
        let a: u32 = value!(text.parse());
        Ok(a)
    };
    sum
}

#[cps]
async fn a_break() {
    loop {
        pack! {
            leave!();
        }
    }
}

fn main() {}
