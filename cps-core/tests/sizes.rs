//! How large roots are, against plain `async fn` of the same text.

mod support;

use std::future::{Future, IntoFuture};
use std::hint::black_box;
use std::mem::size_of_val;

use cps_core::{Body, Coroutine, coroutine_block};
use support::YieldOnce;

/// What a frame may take beyond what the body itself needs, its own state word included: a header of
/// two words.
const PER_LEVEL: usize = 16;
/// The body's state word.
const STATE: usize = 8;
/// A root's driver, of five words, and what the innermost frame has of its own.
const ROOT: usize = 64 + if cfg!(feature = "backtrace") { 3 * size_of::<usize>() } else { 0 };

/// Eight levels, each with the same 16 bytes held across its call.
macro_rules! chain {
    ($module:ident, $($attr:tt)*) => {
        mod $module {
            use super::*;
            level!([$($attr)*] l8 => l7);
            level!([$($attr)*] l7 => l6);
            level!([$($attr)*] l6 => l5);
            level!([$($attr)*] l5 => l4);
            level!([$($attr)*] l4 => l3);
            level!([$($attr)*] l3 => l2);
            level!([$($attr)*] l2 => l1);
            level!([$($attr)*] l1 => end);

            $($attr)*
            async fn end() -> u64 {
                YieldOnce::default().await;
                1
            }
        }
    };
}

macro_rules! level {
    ([$($attr:tt)*] $name:ident => $callee:ident) => {
        $($attr)*
        pub(crate) async fn $name() -> u64 {
            let local = [1, black_box(2)];
            let value = $callee().await;
            value + black_box(&local)[1]
        }
    };
}

chain!(plain,);
chain!(direct, #[cps_core::coroutine]);

/// The size of a root future that is not made: some would not fit on a thread's stack.
fn root_size<C: IntoFuture>(_: impl FnOnce() -> C) -> usize {
    size_of::<C::IntoFuture>()
}

#[test]
fn a_level_of_inline_calls_costs_16_bytes_more_than_plain_async() {
    macro_rules! sizes {
        ($module:ident) => {
            [
                root_size($module::l1),
                root_size($module::l2),
                root_size($module::l3),
                root_size($module::l4),
                root_size($module::l5),
                root_size($module::l6),
                root_size($module::l7),
                root_size($module::l8),
            ]
        };
    }
    let (plain, direct) = (sizes!(plain), sizes!(direct));
    println!("chain of 1 to 8: plain {plain:?}, direct {direct:?}");
    for (plain, direct) in plain.windows(2).zip(direct.windows(2)) {
        assert_eq!(direct[1] - direct[0], plain[1] - plain[0] + PER_LEVEL, "{direct:?}");
    }
    for (level, (plain, direct)) in plain.iter().zip(direct).enumerate() {
        assert!(direct <= plain + ROOT + PER_LEVEL * (level + 1), "level {level}");
    }
}

mod combining {
    use super::*;

    pub(crate) async fn plain(compute: impl Future<Output = ()>) {
        YieldOnce::default().await;
        compute.await;
    }

    #[cps_core::coroutine]
    pub(crate) async fn direct<B: Body<Output = ()>>(compute: Coroutine<B>) {
        YieldOnce::default().await;
        compute.await;
    }

    #[cps_core::coroutine]
    pub(crate) async fn payload(blob: [u8; 65_536]) {
        YieldOnce::default().await;
        black_box(&blob);
    }
}

macro_rules! times {
    (4, $f:path, $x:expr) => {
        $f($f($f($f($x))))
    };
    (8, $f:path, $x:expr) => {
        times!(4, $f, times!(4, $f, $x))
    };
}

fn block() -> Coroutine<impl Body<Output = ()>> {
    let blob = [0u8; 65_536];
    coroutine_block! {
        YieldOnce::default().await;
        black_box(&blob);
    }
}

#[test]
fn combining_four_and_eight_times_holds_the_payload_once() {
    use combining::{direct, payload};
    let blob = [0u8; 65_536];
    let plain = root_size(move || {
        times!(4, combining::plain, async move {
            YieldOnce::default().await;
            black_box(&blob);
        })
    });
    let blocks =
        [root_size(|| times!(4, direct, block())), root_size(|| times!(8, direct, block()))];
    let functions = [
        root_size(|| times!(4, direct, payload(blob))),
        root_size(|| times!(8, direct, payload(blob))),
    ];
    println!(
        "combining x4, x8: plain x4 {plain}, of a block {blocks:?}, of a function {functions:?}"
    );
    for [four, eight] in [blocks, functions] {
        assert!(four <= 66_300, "{four}");
        assert!(eight <= 66_900, "{eight}");
    }
}

#[test]
fn the_unstarted_form_is_as_large_as_its_arguments() {
    let blob = [0u8; 65_536];
    let payload = combining::payload(blob).unstarted();
    assert_eq!(size_of_val(&payload), 65_536);
    let coroutine = payload.into_coroutine();
    let size = size_of_val(&coroutine);
    assert!(size <= 65_536 + ROOT + 16, "{size}");
    assert_eq!(size_of_val(&combining::direct(coroutine).unstarted()), size);
}

mod by_value {
    use super::*;

    macro_rules! pass {
        ($($attr:tt)*) => {
            $($attr)*
            pub(crate) async fn three(blob: [u8; 4096]) -> usize { two(blob).await }
            $($attr)*
            pub(crate) async fn two(blob: [u8; 4096]) -> usize { one(blob).await }
            $($attr)*
            pub(crate) async fn one(blob: [u8; 4096]) -> usize {
                YieldOnce::default().await;
                black_box(&blob).len()
            }
        };
    }

    pub(crate) mod plain {
        use super::*;
        pass!();
    }

    pub(crate) mod direct {
        use super::*;
        pass!(#[cps_core::coroutine]);
    }
}

#[test]
fn a_value_passed_down_three_levels_is_stored_once() {
    let blob = [0u8; 4096];
    let plain = [
        root_size(|| by_value::plain::one(blob)),
        root_size(|| by_value::plain::two(blob)),
        root_size(|| by_value::plain::three(blob)),
    ];
    let direct = [
        root_size(|| by_value::direct::one(blob)),
        root_size(|| by_value::direct::two(blob)),
        root_size(|| by_value::direct::three(blob)),
    ];
    println!("4096 bytes passed down 1 to 3 levels: plain {plain:?}, direct {direct:?}");
    for (level, size) in direct.into_iter().enumerate() {
        assert!(size <= 4096 + ROOT + (PER_LEVEL + STATE) * (level + 1), "{direct:?}");
    }
}

mod held_and_passed {
    use super::*;

    /// Each level holds its argument over an await before it hands it on.
    macro_rules! pass {
        ($($attr:tt)*) => {
            $($attr)*
            pub(crate) async fn three(blob: [u8; 4096]) -> usize {
                YieldOnce::default().await;
                two(blob).await
            }
            $($attr)*
            pub(crate) async fn two(blob: [u8; 4096]) -> usize {
                YieldOnce::default().await;
                let length = one(blob).await;
                length + 1
            }
            $($attr)*
            pub(crate) async fn one(blob: [u8; 4096]) -> usize {
                YieldOnce::default().await;
                black_box(&blob).len()
            }
        };
    }

    pub(crate) mod plain {
        use super::*;
        pass!();
    }

    pub(crate) mod direct {
        use super::*;
        pass!(#[cps_core::coroutine]);
    }
}

#[test]
fn a_copy_value_held_over_an_await_and_then_passed_down_is_stored_once() {
    let blob = [0u8; 4096];
    let plain = root_size(|| held_and_passed::plain::three(blob));
    let direct = [
        root_size(|| held_and_passed::direct::one(blob)),
        root_size(|| held_and_passed::direct::two(blob)),
        root_size(|| held_and_passed::direct::three(blob)),
    ];
    println!("4096 bytes held and passed down 1 to 3 levels: plain {plain}, direct {direct:?}");
    for (level, size) in direct.into_iter().enumerate() {
        assert!(size <= 4096 + ROOT + (PER_LEVEL + 2 * STATE) * (level + 1), "{direct:?}");
    }
}

#[cps_core::coroutine]
async fn holds<const N: usize>() -> usize {
    let blob = [1u8; N];
    YieldOnce::default().await;
    black_box(&blob).len()
}

#[test]
fn sequential_calls_share_memory() {
    #[cps_core::coroutine]
    async fn large_only() -> usize {
        holds::<4000>().await
    }
    #[cps_core::coroutine]
    async fn in_sequence() -> usize {
        let mut sum = holds::<1000>().await;
        sum += holds::<4000>().await;
        sum += holds::<2000>().await;
        if sum > 5 {
            sum += holds::<3000>().await
        } else {
            sum += holds::<3500>().await
        }
        sum
    }
    let sizes = [root_size(large_only), root_size(in_sequence)];
    println!("a call of 4000 bytes alone, and with four others: {sizes:?}");
    assert!(sizes[1] <= sizes[0] + 32, "{sizes:?}");
}

struct Large<const N: usize>([u8; N], YieldOnce);

impl<const N: usize> Large<N> {
    fn new() -> Self {
        Large([0; N], YieldOnce::default())
    }
}

impl<const N: usize> Future for Large<N> {
    type Output = u8;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<u8> {
        let first = self.0[0];
        std::pin::Pin::new(&mut self.1).poll(cx).map(|()| first)
    }
}

#[test]
fn a_foreign_future_is_stored_once() {
    async fn plain() -> u8 {
        Large::<2048>::new().await
    }
    #[cps_core::coroutine]
    async fn direct() -> u8 {
        Large::<2048>::new().await
    }
    #[cps_core::coroutine]
    async fn twice() -> u8 {
        Large::<2048>::new().await + Large::<2048>::new().await
    }
    let sizes = [root_size(plain), root_size(direct), root_size(twice)];
    println!("a foreign future of 2049 bytes: plain, direct, direct twice {sizes:?}");
    assert!(sizes[1] <= sizes[0] + ROOT + PER_LEVEL, "{sizes:?}");
    assert!(sizes[2] <= sizes[1] + 16, "{sizes:?}");
}

#[test]
fn heap_and_boxed_calls_keep_a_pointer_in_the_caller() {
    #[cps_core::coroutine]
    async fn heap() -> usize {
        holds::<4000>().on_heap().await
    }
    #[cps_core::coroutine]
    async fn boxed() -> usize {
        holds::<4000>().boxed().await
    }
    let sizes = [root_size(heap), root_size(boxed), root_size(|| heap().boxed())];
    println!("roots of a heap call, a boxed call, and a boxed root: {sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 128), "{sizes:?}");
}
