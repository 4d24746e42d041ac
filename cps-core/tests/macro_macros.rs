//! `.await` inside macros: the tokens are the macro's, and what is awaited there is an ordinary future.
#![deny(warnings)]
#![allow(missing_docs)]

mod support;

use std::fmt::{self, Write};
use std::future::IntoFuture;

use support::YieldOnce;

fn run<F: IntoFuture>(future: F) -> F::Output {
    support::drive(future.into_future()).0
}

#[cps_core::coroutine]
async fn in_format(n: u32) -> u32 {
    if n == 0 {
        YieldOnce::default().await;
        return 0;
    }
    let text = format!("{}{n:?}", in_format(n - 1).boxed_local().await);
    let more = format!("{m:>width$}", m = in_format(0).boxed_local().await, width = 3);
    assert_eq!(more, "  0");
    text.strip_suffix(&n.to_string()).unwrap().parse::<u32>().unwrap() + 1
}

#[cps_core::coroutine]
async fn in_assertions(n: u32) -> u32 {
    if n == 0 {
        YieldOnce::default().await;
        return 0;
    }
    assert_eq!(
        in_assertions(n - 1).boxed_local().await,
        n - 1,
        "{}",
        in_assertions(0).boxed_local().await
    );
    assert_ne!(in_assertions(0).boxed_local().await, 1);
    assert!(in_assertions(0).boxed_local().await == 0, "text");
    debug_assert!(in_assertions(0).boxed_local().await == 0);
    debug_assert_eq!(in_assertions(0).boxed_local().await, 0);
    debug_assert_ne!(in_assertions(0).boxed_local().await, 1);
    n
}

#[cps_core::coroutine]
async fn in_matches(n: u32) -> u32 {
    if n == 0 {
        YieldOnce::default().await;
        return 0;
    }
    let guarded = matches!(
        in_matches(n - 1).boxed_local().await,
        | 0 | 1.. if in_matches(0).boxed_local().await == 0,
    );
    assert!(matches!(in_matches(0).boxed_local().await, 0) && guarded);
    n
}

#[cps_core::coroutine]
async fn in_vec(n: u32) -> u32 {
    if n == 0 {
        YieldOnce::default().await;
        return 0;
    }
    let v: Vec<u32> = vec![in_vec(n - 1).boxed_local().await, 1];
    let w = vec![in_vec(0).boxed_local().await; 2 + in_vec(0).boxed_local().await as usize];
    assert_eq!(w, [0, 0]);
    assert!(vec![(); 0].is_empty());
    v.into_iter().chain(Vec::new()).sum()
}

#[cps_core::coroutine]
async fn in_output(n: u32) -> u32 {
    if n == 0 {
        YieldOnce::default().await;
        return 0;
    }
    let mut text = String::new();
    write!(text, "{}", in_output(n - 1).boxed_local().await).unwrap();
    writeln!(&mut text, "{}", in_output(0).boxed_local().await).unwrap();
    print!("{}", in_output(0).boxed_local().await);
    println!("{}", in_output(0).boxed_local().await);
    eprint!("{}", in_output(0).boxed_local().await);
    eprintln!("{}", in_output(0).boxed_local().await);
    assert_eq!(dbg!(in_output(0).boxed_local().await), 0);
    if n == 0 {
        panic!("{}", in_output(0).boxed_local().await);
    }
    text.lines().next().unwrap().strip_suffix('0').unwrap().parse::<u32>().unwrap() + 1
}

#[test]
fn in_macros_of_the_standard_library_it_works() {
    assert_eq!(run(in_format(3)), 3);
    assert_eq!(run(in_assertions(3)), 3);
    assert_eq!(run(in_matches(3)), 3);
    assert_eq!(run(in_vec(3)), 3);
    assert_eq!(run(in_output(3)), 3);
}

#[cps_core::coroutine]
async fn echo(n: u32) -> u32 {
    YieldOnce::default().await;
    n
}

macro_rules! twice {
    ($e:expr) => {
        $e + $e
    };
}

macro_rules! or_return {
    ($e:expr) => {
        match $e {
            0 => return 77,
            n => n,
        }
    };
}

macro_rules! in_a_block {
    ($($tokens:tt)*) => { async { $($tokens)* }.await };
}

#[cps_core::coroutine]
async fn in_other_macros(n: u32) -> u32 {
    let sum = twice!(echo(n).await);
    let n = or_return!(echo(n).await);
    sum + in_a_block!(if n == 100 { return 0 } else { echo(1).await + n })
        + std::format!("{n}").len() as u32
}

#[test]
fn in_other_macros_it_works() {
    assert_eq!(run(in_other_macros(3)), 6 + 4 + 1);
    assert_eq!(run(in_other_macros(0)), 77);
}

#[cps_core::coroutine]
async fn in_futures_macros(n: u32) -> Result<u32, u32> {
    let (a, b) = futures::join!(echo(n).into_future(), async { echo(n).await + 1 });
    let c = futures::try_join!(async { Ok::<_, u32>(echo(n).await) }, async { Ok(1) })?;
    let mut f = std::pin::pin!(futures::FutureExt::fuse(echo(n).into_future()));
    let mut g = std::pin::pin!(futures::FutureExt::fuse(std::future::pending::<()>()));
    let d = futures::select! {
        x = f => {
            if x == 9 {
                return Err(echo(x).await);
            }
            x + echo(1).await
        },
        _ = g => 0,
    };
    Ok(a + b + c.0 + c.1 + d)
}

#[test]
fn in_macros_of_futures_it_works() {
    assert_eq!(run(in_futures_macros(2)), Ok(2 + 3 + 2 + 1 + 3));
    assert_eq!(run(in_futures_macros(9)), Err(9));
}

#[cfg(not(miri))]
mod tokio_macros {
    use std::future::IntoFuture;
    use std::time::Duration;

    #[cps_core::coroutine]
    async fn echo(n: u32) -> u32 {
        tokio::task::yield_now().await;
        n
    }

    #[derive(Debug)]
    struct Owner(u32);

    impl Owner {
        #[cps_core::coroutine]
        async fn select(&mut self) -> u32 {
            let first = tokio::select! {
                biased;
                x = echo(self.0).into_future(), if self.0 != 0 => {
                    println!("{self:?} {x}");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    x + echo(1).await
                }
                () = tokio::time::sleep(Duration::from_secs(60)) => 0,
            };
            let (a, b) = tokio::join!(async { echo(1).await }, echo(2));
            tokio::pin! { let pinned = async { echo(3).await }; }
            first + a + b + pinned.await
        }
    }

    #[tokio::test]
    async fn in_macros_of_tokio_it_works() {
        assert_eq!(Owner(5).select().await, 12);
        let task = tokio::spawn(async { Owner(6).select().await });
        assert_eq!(task.await.unwrap(), 13);
    }
}

#[derive(Debug)]
struct Named {
    name: &'static str,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

macro_rules! mine {
    ($($tokens:tt)*) => { format!($($tokens)*) };
}

macro_rules! method {
    ($($tokens:tt)*) => {{
        struct Local(u32);
        impl Local { $($tokens)* }
        Local(3).method()
    }};
}

impl Named {
    #[cps_core::coroutine]
    #[allow(clippy::uninlined_format_args)]
    async fn formats(&mut self, other: u32) -> Vec<String> {
        let local = echo(1).await;
        let mut written = String::new();
        write!(written, "{self:?}{other}").unwrap();
        assert!(other != 100, "{self}");
        assert_eq!(other / 100, 0, "{self} {other} {}", local);
        debug_assert_ne!(1, 2, "{self:?}",);
        vec![
            format!("{self}"),
            format!("{self:>3}{{self}}{other}{local:?}"),
            format!("{} {{{self:?}}} {named}", self.name, named = echo(2).await),
            format!("{}{}", "{self}", r#"{self}"#),
            format!(r"{self}\{self:#?}"),
            format_args!("{self}{}", echo(3).await).to_string(),
            written,
            mine!("{} {}", self, echo(4).await),
            method!(
                fn method(&self) -> String {
                    self.0.to_string()
                }
            ),
            stringify!(self.await).to_owned(),
        ]
    }

    #[cps_core::coroutine]
    async fn formats_by_reference(&self) -> String {
        echo(1).await;
        mine!("{self}")
    }
}

#[test]
fn format_strings_capture_self_and_locals() {
    let mut named = Named { name: "n" };
    let expected = [
        "n",
        "  n{self}71",
        "n {Named { name: \"n\" }} 2",
        "{self}{self}",
        "n\\Named {\n    name: \"n\",\n}",
        "n3",
        "Named { name: \"n\" }7",
        "n 4",
        "3",
        "self.await",
    ];
    assert_eq!(run(named.formats(7)), expected);
    assert_eq!(run(named.formats_by_reference()), "n");
}
