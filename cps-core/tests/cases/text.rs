//! Coroutines made by macros, and macros in bodies: the text stays what it was.

use super::run;

macro_rules! area {
    ($name:ident, $w:expr) => {
        #[cps_core::coroutine]
        async fn $name(height: i32) -> i32 {
            height * $w
        }
    };
}

macro_rules! block {
    ($w:expr) => {
        cps_core::coroutine_block! { 10 * $w }
    };
}

area!(grouped, 1 + 2);

macro_rules! of_a_type {
    ($t:ty) => {
        #[cps_core::coroutine]
        async fn debug(x: &$t) -> String {
            format!("{x:?}")
        }
    };
}

of_a_type!(dyn std::fmt::Debug + Send);

macro_rules! of_a_label {
    ($label:lifetime) => {
        #[cps_core::coroutine]
        async fn labelled() -> i32 {
            #[allow(clippy::never_loop)]
            $label: loop {
                break $label 1;
            }
        }
    };
}

of_a_label!('outer);

macro_rules! numbers {
    () => { impl Iterator<Item = u32> };
}

#[cps_core::coroutine]
async fn returns_a_macro(n: u32) -> numbers!() {
    0..n
}

struct Hub {
    next: u32,
    map: fn(u32) -> u32,
}

impl Hub {
    #[cps_core::coroutine]
    #[cfg(not(miri))]
    async fn step(&mut self) -> u32 {
        tokio::select! {
            x = std::future::ready(self.next) => {
                let map: fn(u32) -> u32 = self.map;
                self.next += 1;
                map(x)
            }
        }
    }

    #[cps_core::coroutine]
    async fn bump(&mut self) -> u32 {
        macro_rules! n {
            () => {
                self.next
            };
        }
        n!() += 1;
        n!()
    }
}

mod shadowed {
    macro_rules! todo {
        () => {
            return Err("not implemented")
        };
    }

    #[cps_core::coroutine]
    pub(super) async fn f(x: u32) -> Result<u32, &'static str> {
        if x == 0 {
            todo!()
        }
        Ok(x)
    }
}

#[test]
fn values() {
    assert_eq!((run(grouped(10)), run(block!(1 + 2))), (30, 30));
    assert_eq!(run(debug(&5)), "5");
    assert_eq!(run(labelled()), 1);
    assert_eq!(run(returns_a_macro(3)).sum::<u32>(), 3);
    let mut hub = Hub { next: 1, map: |x| x * 10 };
    #[cfg(not(miri))]
    assert_eq!((run(hub.step()), hub.next), (10, 2));
    hub.next = 1;
    assert_eq!(run(hub.bump()), 2);
    assert_eq!((run(shadowed::f(0)), run(shadowed::f(1))), (Err("not implemented"), Ok(1)));
}
