//! The bodies shared by the strategies whose source is an ordinary `async fn`; see `strategies/src/bodies/mod.rs`.

/// Defines what calls nothing, and so is the same wherever the frames of callees lie.
macro_rules! leaves {
    ($(#[$attribute:meta])*) => {
        $(#[$attribute])*
        pub(crate) async fn held<const N: usize>(payload: [u8; N]) -> u64 {
            suspend().await;
            look(&payload)
        }

        $(#[$attribute])*
        pub(crate) async fn local<const N: usize>() -> u64 {
            let payload = payload::<N>();
            suspend().await;
            look(&payload)
        }

        $(#[$attribute])*
        pub(crate) async fn other<const N: usize>() -> u64 {
            let payload = payload::<N>();
            suspend().await;
            look(&payload) + opaque(1)
        }

        blocks! { [$(#[$attribute])*] blocks1 1 }
        blocks! { [$(#[$attribute])*] blocks2 1 1 }
        blocks! { [$(#[$attribute])*] blocks4 1 1 1 1 }

        $(#[$attribute])*
        pub(crate) async fn argument1<const W: usize>(kept: [u64; W]) -> u64 {
            suspend().await;
            read(&kept)
        }

        $(#[$attribute])*
        pub(crate) async fn local1<const W: usize>(seed: u64) -> u64 {
            let kept = words::<W>(seed);
            suspend().await;
            read(&kept)
        }
    };
}

/// Defines a chain of functions `$first`, `$second`, … of which each passes its payload down to the
/// one before it. `[$($before)*]` is done before the call.
macro_rules! passing {
    ($attributes:tt $placed:tt $before:tt $($name:ident $next:ident,)*) => {
        $(passing! { @one $attributes $placed $before $name $next })*
    };
    (@one [$(#[$attribute:meta])*] [$($placed:tt)*] [$($before:tt)*] $name:ident $next:ident) => {
        $(#[$attribute])*
        async fn $name<const N: usize>(payload: [u8; N]) -> u64 {
            $($before)*
            $next::<N>(payload)$($placed)*.await + opaque(1)
        }
    };
}

/// `$name` calls `local` so often.
macro_rules! sequence {
    ($attributes:tt $placed:tt $name:ident $($one:literal)*) => {
        sequence! { @add $attributes $placed $name sum [] $($one)* }
    };
    (@add $attributes:tt [$($placed:tt)*] $name:ident $sum:ident [$($calls:tt)*]
        $one:literal $($more:literal)*) => {
        sequence! { @add $attributes [$($placed)*] $name $sum
            [$($calls)* $sum += $one * local::<N>()$($placed)*.await;] $($more)* }
    };
    (@add [$(#[$attribute:meta])*] $placed:tt $name:ident $sum:ident [$($calls:tt)*]) => {
        $(#[$attribute])*
        async fn $name<const N: usize>() -> u64 {
            let mut $sum = 0;
            $($calls)*
            $sum
        }
    };
}

/// `$name` has so many blocks with a payload.
macro_rules! blocks {
    ([$(#[$attribute:meta])*] $name:ident $($one:literal)*) => {
        $(#[$attribute])*
        pub(crate) async fn $name<const N: usize>() -> u64 {
            let mut sum = 0;
            $({
                let payload = payload::<N>();
                suspend().await;
                sum += $one * look(&payload);
                suspend().await;
                sum += look(&payload);
            })*
            sum
        }
    };
}

/// `f(f(… x))`. Where a call gives no value to be awaited but the result, an argument is a closure that
/// calls later: `[move ||]`.
macro_rules! times {
    (1, $later:tt, $f:ident, $x:expr) => {
        $f($x)
    };
    (2, [], $f:ident, $x:expr) => {
        $f($f($x))
    };
    (3, [], $f:ident, $x:expr) => {
        $f($f($f($x)))
    };
    (4, [], $f:ident, $x:expr) => {
        $f($f($f($f($x))))
    };
    (8, [], $f:ident, $x:expr) => {
        times!(4, [], $f, times!(4, [], $f, $x))
    };
    (2, $later:tt, $f:ident, $x:expr) => {
        $f(times!(@later $later, $f, $x))
    };
    (4, $later:tt, $f:ident, $x:expr) => {
        times!(2, $later, $f, times!(@later $later, $f, times!(@later $later, $f, $x)))
    };
    (8, $later:tt, $f:ident, $x:expr) => {
        times!(4, $later, $f, times!(@later $later, $f, times!(@later $later, $f,
            times!(@later $later, $f, times!(@later $later, $f, $x)))))
    };
    (@later [$($later:tt)*], $f:ident, $x:expr) => {{
        let x = $x;
        $($later)* $f(x)
    }};
}

/// Defines the programs of one chain and `program`, which prepares one of them.
///
/// - `callee` is the type of an argument that is awaited, `placed` what stands between it and its
///   `.await`, `called` the same of an argument, if it is another, and `later` that of [`times`];
/// - the [`leaves`] are in scope, and `captured::<N>()`: an ad-hoc leaf that has captured a payload.
macro_rules! programs {
    (
        $(#[$attribute:meta])*
        callee = $callee:tt, placed = $placed:tt, recursive = $boxed:tt
    ) => {
        programs! {
            $(#[$attribute])*
            callee = $callee, placed = $placed, recursive = $boxed, called = $placed, later = []
        }
    };
    (
        $(#[$attribute:meta])*
        callee = [$($callee:tt)*], placed = [$($placed:tt)*], recursive = [$($boxed:tt)*],
        called = [$($called:tt)*], later = $later:tt
    ) => {
        passing! { [$(#[$attribute])*] [$($placed)*] []
            passed1 held, passed2 passed1, passed3 passed2, passed4 passed3,
            passed5 passed4, passed6 passed5, passed7 passed6, passed8 passed7,
        }

        passing! { [$(#[$attribute])*] [$($placed)*] [suspend().await;]
            late1 held, late2 late1, late3 late2, late4 late3,
            late5 late4, late6 late5, late7 late6, late8 late7,
        }

        $(#[$attribute])*
        async fn wrap(callee: $($callee)*) -> u64 {
            callee$($called)*.await + opaque(1)
        }

        $(#[$attribute])*
        async fn combine(callee: $($callee)*) -> u64 {
            suspend().await;
            callee$($called)*.await + opaque(1)
        }

        sequence! { [$(#[$attribute])*] [$($placed)*] sequence1 1 }
        sequence! { [$(#[$attribute])*] [$($placed)*] sequence2 1 1 }
        sequence! { [$(#[$attribute])*] [$($placed)*] sequence4 1 1 1 1 }
        sequence! { [$(#[$attribute])*] [$($placed)*] sequence16 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 }

        $(#[$attribute])*
        async fn branch<const N: usize>(first: bool) -> u64 {
            if first {
                local::<N>()$($placed)*.await
            } else {
                other::<N>()$($placed)*.await
            }
        }

        $(#[$attribute])*
        async fn recursion<const W: usize>(levels: u64) -> u64 {
            if levels == 0 {
                suspend().await;
                return 0;
            }
            let kept = words::<W>(levels);
            let below = recursion::<W>(levels - 1)$($boxed)*.await;
            below + read(&kept)
        }

        fn with_bytes<const N: usize>(case: Case) -> Option<Program> {
            let expected = case.expected();
            macro_rules! chain {
                ($chain:expr) => {
                    chain(|| $chain, expected)
                };
            }
            Some(match (case.shape, case.depth) {
                (Shape::Held, 0) => chain!(held::<N>(payload())),
                (Shape::Passed, 1) => chain!(passed1::<N>(payload())),
                (Shape::Passed, 2) => chain!(passed2::<N>(payload())),
                (Shape::Passed, 4) => chain!(passed4::<N>(payload())),
                (Shape::Passed, 8) => chain!(passed8::<N>(payload())),
                (Shape::PassedLate, 1) => chain!(late1::<N>(payload())),
                (Shape::PassedLate, 2) => chain!(late2::<N>(payload())),
                (Shape::PassedLate, 4) => chain!(late4::<N>(payload())),
                (Shape::PassedLate, 8) => chain!(late8::<N>(payload())),
                (Shape::Wrap, 1) => chain!(wrap(captured::<N>())),
                (Shape::Wrap, 2) => chain!(times!(2, $later, wrap, captured::<N>())),
                (Shape::Combine, 1) => chain!(combine(captured::<N>())),
                (Shape::Sequential, 1) => chain!(sequence1::<N>()),
                (Shape::Sequential, 2) => chain!(sequence2::<N>()),
                (Shape::Sequential, 4) => chain!(sequence4::<N>()),
                (Shape::Sequential, 16) => chain!(sequence16::<N>()),
                (Shape::Disjoint, 1) => chain!(blocks1::<N>()),
                (Shape::Disjoint, 2) => chain!(blocks2::<N>()),
                (Shape::Disjoint, 4) => chain!(blocks4::<N>()),
                (Shape::Branch, 1) => chain!(branch::<N>(opaque(true))),
                _ => return None,
            })
        }

        fn with_words<const W: usize>(case: Case) -> Option<Program> {
            match case.shape {
                Shape::Recursion => {
                    let depth = u64::from(case.depth);
                    Some(chain(move || recursion::<W>(depth), case.expected()))
                }
                _ => None,
            }
        }

        /// The deep wrappers. Not generic: rustc takes as long as for the rest of the lab to find
        /// out what eight of them are if the payload's size is a parameter.
        fn deep(case: Case) -> Option<Program> {
            let expected = case.expected();
            macro_rules! deep {
                ($payload:literal) => {
                    match (case.shape, case.depth) {
                        (Shape::Wrap, 4) => {
                            chain(|| times!(4, $later, wrap, captured::<$payload>()), expected)
                        }
                        (Shape::Wrap, 8) => {
                            chain(|| times!(8, $later, wrap, captured::<$payload>()), expected)
                        }
                        (Shape::Combine, 4) => {
                            chain(|| times!(4, $later, combine, captured::<$payload>()), expected)
                        }
                        (Shape::Combine, 8) => {
                            chain(|| times!(8, $later, combine, captured::<$payload>()), expected)
                        }
                        _ => return None,
                    }
                };
            }
            Some(match case.payload {
                64 => deep!(64),
                1024 => deep!(1024),
                65_536 => deep!(65_536),
                _ => return None,
            })
        }

        fn program(case: Case) -> Option<Program> {
            if let Some(program) = deep(case) {
                return Some(program);
            }
            match case.payload {
                8 => with_words::<1>(case),
                16 => with_words::<2>(case),
                32 => with_words::<4>(case),
                64 if case.shape.has_words() => with_words::<8>(case),
                64 => with_bytes::<64>(case),
                1024 => with_bytes::<1024>(case),
                65_536 => with_bytes::<65_536>(case),
                _ => None,
            }
        }
    };
}

/// Defines `timeout` and `join`, which poll their callees as futures of their own, and `combined`,
/// which prepares one of them.
macro_rules! combinators {
    ($(#[$attribute:meta])* callee = [$($callee:tt)*]) => {
        $(#[$attribute])*
        async fn timeout(callee: $($callee)*) -> u64 {
            let mut callee = pin!(callee.into_future());
            let value = poll_fn(|cx| match callee.as_mut().poll(cx) {
                Poll::Pending if opaque(false) => Poll::Ready(u64::MAX),
                poll => poll,
            })
            .await;
            value + opaque(1)
        }

        $(#[$attribute])*
        async fn join<const N: usize>() -> u64 {
            let (a, b) = futures::join!(local::<N>().into_future(), local::<N>().into_future());
            a + b
        }

        fn combined_of<const N: usize>(case: Case) -> Option<Program> {
            let expected = case.expected();
            Some(match (case.shape, case.depth) {
                (Shape::Timeout, 1) => chain(|| timeout(captured::<N>()), expected),
                (Shape::Timeout, 3) => chain(|| times!(3, [], timeout, captured::<N>()), expected),
                (Shape::Join, 2) => chain(|| join::<N>(), expected),
                _ => return None,
            })
        }

        fn combined(case: Case) -> Option<Program> {
            match case.payload {
                64 => combined_of::<64>(case),
                1024 => combined_of::<1024>(case),
                65_536 => combined_of::<65_536>(case),
                _ => None,
            }
        }
    };
}

/// Defines the tasks and `task`, which prepares a run of many, each in an allocation of its own.
macro_rules! tasks {
    ($(#[$attribute:meta])* placed = [$($placed:tt)*]) => {
        tasks! { @level [$(#[$attribute])*] [$($placed)*] argument2 argument1 local2 local1 }
        tasks! { @level [$(#[$attribute])*] [$($placed)*] argument3 argument2 local3 local2 }
        tasks! { @level [$(#[$attribute])*] [$($placed)*] argument4 argument3 local4 local3 }

        fn task_of<const W: usize>(case: Case) -> Option<Program> {
            let (count, expected) = (case.tasks, case.expected());
            Some(match (case.shape, case.depth) {
                (Shape::TasksArguments, 4) => {
                    boxed(count, |i| argument4::<W>(words(i)), expected)
                }
                (Shape::TasksLocals, 4) => boxed(count, local4::<W>, expected),
                _ => return None,
            })
        }

        fn task(case: Case) -> Option<Program> {
            match case.payload {
                8 => task_of::<1>(case),
                16 => task_of::<2>(case),
                32 => task_of::<4>(case),
                64 => task_of::<8>(case),
                _ => None,
            }
        }
    };
    (@level [$(#[$attribute:meta])*] [$($placed:tt)*]
        $argument:ident $next_argument:ident $local:ident $next_local:ident) => {
        $(#[$attribute])*
        async fn $argument<const W: usize>(kept: [u64; W]) -> u64 {
            let below = $next_argument::<W>(kept)$($placed)*.await;
            below + read(&kept)
        }

        $(#[$attribute])*
        async fn $local<const W: usize>(seed: u64) -> u64 {
            let kept = words::<W>(seed);
            let below = $next_local::<W>(seed)$($placed)*.await;
            below + read(&kept)
        }
    };
}

/// Defines `contiguous_task`, which prepares a run of many of the [`tasks`] side by side in one
/// allocation.
macro_rules! contiguous_tasks {
    () => {
        fn contiguous_task_of<const W: usize>(case: Case) -> Option<Program> {
            let (count, expected) = (case.tasks, case.expected());
            Some(match (case.shape, case.depth) {
                (Shape::TasksArguments, 4) => {
                    contiguous(count, |i| argument4::<W>(words(i)), expected)
                }
                (Shape::TasksLocals, 4) => contiguous(count, local4::<W>, expected),
                _ => return None,
            })
        }

        pub(super) fn contiguous_task(case: Case) -> Option<Program> {
            match case.payload {
                8 => contiguous_task_of::<1>(case),
                16 => contiguous_task_of::<2>(case),
                32 => contiguous_task_of::<4>(case),
                64 => contiguous_task_of::<8>(case),
                _ => None,
            }
        }
    };
}

pub(super) use {
    blocks, combinators, contiguous_tasks, leaves, passing, programs, sequence, tasks, times,
};
