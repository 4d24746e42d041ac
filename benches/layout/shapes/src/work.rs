//! What the shapes do, without the lab's measuring.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(crate) struct Suspend(bool);

pub(crate) fn suspend() -> Suspend {
    Suspend(false)
}

impl Future for Suspend {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

pub(crate) fn opaque<T>(value: T) -> T {
    black_box(value)
}

pub(crate) fn payload<const N: usize>() -> [u8; N] {
    [opaque(1); N]
}

pub(crate) fn look<const N: usize>(payload: &[u8; N]) -> u64 {
    u64::from(opaque(payload)[N - 1])
}

pub(crate) fn words<const W: usize>(seed: u64) -> [u64; W] {
    [opaque(seed); W]
}

pub(crate) fn read<const W: usize>(words: &[u64; W]) -> u64 {
    opaque(words)[W - 1]
}

/// The function that made a future, and the future's size. The future is run, so that there is code for it.
pub(crate) fn size<F: Future>(future: F) -> (&'static str, usize) {
    let size = size_of::<F>();
    run(future);
    (std::any::type_name::<F>(), size)
}

pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// As the macro of the crate `futures`, for two.
macro_rules! join {
    ($a:expr, $b:expr) => {{
        let (mut a, mut b) = (std::pin::pin!($a), std::pin::pin!($b));
        let (mut of_a, mut of_b) = (None, None);
        std::future::poll_fn(move |cx| {
            use std::task::Poll;
            if of_a.is_none() {
                if let Poll::Ready(value) = a.as_mut().poll(cx) {
                    of_a = Some(value);
                }
            }
            if of_b.is_none() {
                if let Poll::Ready(value) = b.as_mut().poll(cx) {
                    of_b = Some(value);
                }
            }
            match (of_a, of_b) {
                (Some(a), Some(b)) => Poll::Ready((a, b)),
                _ => Poll::Pending,
            }
        })
        .await
    }};
}
pub(crate) use join;

/// What the macros of `bodies.rs` name besides. Nothing of it is used.
#[allow(dead_code)]
pub(crate) mod unused {
    #[derive(Clone, Copy)]
    pub(crate) struct Case {
        pub(crate) shape: Shape,
        pub(crate) depth: u32,
        pub(crate) payload: u32,
        pub(crate) tasks: u32,
    }

    impl Case {
        pub(crate) fn expected(self) -> u64 {
            0
        }
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Shape {
        Held,
        Passed,
        PassedLate,
        Wrap,
        Combine,
        Timeout,
        Sequential,
        Disjoint,
        Branch,
        Join,
        Recursion,
        TasksArguments,
        TasksLocals,
    }

    impl Shape {
        pub(crate) fn has_words(self) -> bool {
            false
        }
    }

    pub(crate) type Program = ();

    pub(crate) fn chain<F>(_: impl Fn() -> F, _: u64) -> Program {}

    pub(crate) fn boxed<F>(_: u32, _: impl Fn(u64) -> F, _: u64) -> Program {}
}

/// All shapes, in the sizes that are asked for here.
macro_rules! all_sizes {
    () => {
        pub(crate) fn sizes() -> Vec<(&'static str, usize)> {
            const N: usize = 1024;
            vec![
                size(held::<N>(payload())),
                size(local::<N>()),
                size(passed1::<N>(payload())),
                size(passed2::<N>(payload())),
                size(passed4::<N>(payload())),
                size(passed8::<N>(payload())),
                size(late1::<N>(payload())),
                size(late2::<N>(payload())),
                size(late4::<N>(payload())),
                size(late8::<N>(payload())),
                size(wrap(captured::<N>())),
                size(times!(2, [], wrap, captured::<N>())),
                size(times!(4, [], wrap, captured::<N>())),
                size(times!(8, [], wrap, captured::<N>())),
                size(combine(captured::<N>())),
                size(times!(4, [], combine, captured::<N>())),
                size(times!(8, [], combine, captured::<N>())),
                size(timeout(captured::<N>())),
                size(times!(3, [], timeout, captured::<N>())),
                size(sequence1::<N>()),
                size(sequence2::<N>()),
                size(sequence4::<N>()),
                size(sequence16::<N>()),
                size(blocks1::<N>()),
                size(blocks2::<N>()),
                size(blocks4::<N>()),
                size(branch::<N>(opaque(true))),
                size(join::<N>()),
                size(recursion::<8>(3)),
                size(argument4::<8>(words(1))),
                size(local4::<8>(1)),
            ]
        }
    };
}
pub(crate) use all_sizes;
