#![deny(unused)]

#[cps_core::coroutine]
pub async fn argument(unused: u32, mut not_mutated: u32, (_, in_pattern): (u32, u32)) -> u32 {
    let local = 1;
    not_mutated
}

pub struct Struct;

impl Struct {
    #[cps_core::coroutine]
    pub async fn receiver(mut self) -> u32 {
        return 1;
        argument(1, 2, (3, 4)).await
    }
}

#[cps_core::coroutine]
pub async fn unnecessary() {
    let mut x = 1;
    'label: loop {
        unsafe { argument(x, 2, (3, 4)).await };
    }
}

fn main() {}
