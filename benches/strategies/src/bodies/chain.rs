//! The chain of calls.

/// Defines a leaf with the attributes given. A countdown, as light as a loop gets: what is measured
/// is the resume. The text stands in the function itself, where `#[cps]` sees it.
macro_rules! leaf {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        async fn $name(suspensions: u64) -> u64 {
            let mut sum = 0;
            let mut left = suspensions;
            while left != 0 {
                ::lab_work::drive::suspend().await;
                sum += ::lab_work::drive::opaque(1);
                left -= 1;
            }
            sum
        }
    };
}

/// Defines `leaf` and one function for each level of an unrolled static chain, `level2` …
/// `level64`, each with the attributes given.
///
/// `placed` is what stands between the callee's coroutine and its `.await`: nothing, or a method
/// call that says where the callee lives.
macro_rules! unrolled_chain {
    ($(#[$attribute:meta])* placed = [$($placed:tt)*]) => {
        $crate::bodies::leaf! { $(#[$attribute])* leaf }

        $crate::bodies::unrolled_chain! { @levels [$(#[$attribute])*] [$($placed)*]
            level2 leaf, level3 level2, level4 level3, level5 level4, level6 level5,
            level7 level6, level8 level7, level9 level8, level10 level9, level11 level10,
            level12 level11, level13 level12, level14 level13, level15 level14, level16 level15,
            level17 level16, level18 level17, level19 level18, level20 level19, level21 level20,
            level22 level21, level23 level22, level24 level23, level25 level24, level26 level25,
            level27 level26, level28 level27, level29 level28, level30 level29, level31 level30,
            level32 level31, level33 level32, level34 level33, level35 level34, level36 level35,
            level37 level36, level38 level37, level39 level38, level40 level39, level41 level40,
            level42 level41, level43 level42, level44 level43, level45 level44, level46 level45,
            level47 level46, level48 level47, level49 level48, level50 level49, level51 level50,
            level52 level51, level53 level52, level54 level53, level55 level54, level56 level55,
            level57 level56, level58 level57, level59 level58, level60 level59, level61 level60,
            level62 level61, level63 level62, level64 level63,
        }
    };
    (@levels $attributes:tt $placed:tt $($name:ident $next:ident,)*) => {
        $($crate::bodies::unrolled_chain! { @level $attributes $placed $name $next })*
    };
    (@level [$(#[$attribute:meta])*] [$($placed:tt)*] $name:ident $next:ident) => {
        $(#[$attribute])*
        async fn $name(suspensions: u64) -> u64 {
            $next(suspensions)$($placed)*.await + ::lab_work::drive::opaque(1)
        }
    };
}

/// Evaluates `$body` with `$chain` bound to the function that starts the static chain of `$depth`
/// levels: an unrolled one of [`unrolled_chain`], or `$deep(depth, suspensions)`.
macro_rules! with_static_chain {
    ($depth:expr, $deep:ident, |$chain:ident| $body:expr) => {
        match $depth {
            1 => {
                let $chain = leaf;
                $body
            }
            2 => {
                let $chain = level2;
                $body
            }
            4 => {
                let $chain = level4;
                $body
            }
            8 => {
                let $chain = level8;
                $body
            }
            16 => {
                let $chain = level16;
                $body
            }
            32 => {
                let $chain = level32;
                $body
            }
            64 => {
                let $chain = level64;
                $body
            }
            depth => {
                let $chain = move |suspensions| $deep(depth, suspensions);
                $body
            }
        }
    };
}

pub(crate) use {leaf, unrolled_chain, with_static_chain};
