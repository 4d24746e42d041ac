//! Bodies do as coroutines what they do as `async fn`.
//!
//! Each body is written once and compiled twice, plainly and as a coroutine.
#![deny(warnings)]
#![allow(missing_docs)]
#![allow(clippy::redundant_closure_call, reason = "the bodies are what is tested")]

mod support;

macro_rules! bodies {
    ($name:ident $(, #[$co:meta])?) => {
        mod $name {
            use std::collections::HashMap;
            use std::future::{Future, IntoFuture, Ready, ready};
            use std::num::ParseIntError;

            use crate::support::YieldOnce;

            fn run<F: IntoFuture>(future: F) -> F::Output {
                crate::support::drive(future.into_future()).0
            }

            /// Suspends and gives the argument back.
            $(#[$co])?
            async fn echo<T>(x: T) -> T {
                YieldOnce::default().await;
                x
            }

            #[derive(Debug, PartialEq)]
            enum Error {
                Parse(ParseIntError),
                Other,
            }

            impl From<ParseIntError> for Error {
                fn from(error: ParseIntError) -> Self {
                    Error::Parse(error)
                }
            }

            $(#[$co])?
            async fn question_mark(s: &str) -> Result<u32, Error> {
                let n: u32 = echo(s).await.parse()?;
                let m = echo(Ok::<u32, ParseIntError>(n)).await?;
                (m != 7).then_some(m).ok_or(Error::Other)?;
                if m == 8 {
                    return Err(Error::Other);
                }
                Ok(m)
            }

            $(#[$co])?
            async fn question_mark_on_options(v: &[Option<u32>]) -> Option<u32> {
                Some(echo(v.first()).await?.as_ref()? + (*echo(v.get(1)?).await)?)
            }

            $(#[$co])?
            async fn returns_everywhere(n: u32) -> u32 {
                let x = if n == 0 { return echo(0).await } else { n };
                let y = match x {
                    1 => return 1,
                    _ => x + if x == 2 { return echo(20).await + 1 } else { 0 },
                };
                let Some(z) = echo(y.checked_sub(3)).await else { return 99 };
                for i in 0.. {
                    if i == z {
                        return i + 100;
                    }
                }
                unreachable!()
            }

            $(#[$co])?
            async fn returns_nothing(x: &mut u32) {
                if *x == 0 {
                    return;
                }
                *x = echo(*x).await - 1;
                return ();
            }

            $(#[$co])?
            async fn loops(n: u32) -> Vec<u32> {
                let mut seen = Vec::new();
                let found = 'outer: loop {
                    for i in 0..n {
                        if echo(i).await == 1 {
                            continue;
                        }
                        seen.push(i);
                        if echo(seen.len()).await > 3 {
                            break 'outer echo(i).await * 10;
                        }
                    }
                    if seen.is_empty() {
                        break 0;
                    }
                    continue 'outer;
                };
                seen.push(found);
                let labelled = 'block: {
                    if echo(n).await == 5 {
                        break 'block echo(5).await;
                    }
                    6
                };
                seen.push(labelled);
                while echo(seen.len()).await < 9 {
                    seen.push(echo(0).await);
                }
                seen
            }

            $(#[$co])?
            async fn conditions(n: Option<u32>) -> u32 {
                let mut sum = 0;
                if let Some(x) = echo(n).await
                    && echo(x).await > 1
                    && let Some(y) = echo(Some(x)).await
                {
                    sum += y;
                } else if echo(n.is_none()).await {
                    sum += 1;
                }
                let mut rest = vec![1, 2, 3];
                while let Some(x) = echo(rest.pop()).await {
                    sum += x;
                }
                sum += match echo(n).await {
                    Some(x) if echo(x).await == 3 => 100,
                    Some(ref x) if *x == 4 => 200,
                    Some(_) => 300,
                    None => 400,
                };
                sum
            }

            struct Pair {
                a: u32,
                b: u32,
            }

            impl IntoFuture for Pair {
                type Output = u32;
                type IntoFuture = Ready<u32>;
                fn into_future(self) -> Ready<u32> {
                    ready(self.a + self.b)
                }
            }

            $(#[$co])?
            async fn expressions() -> Vec<u32> {
                let pair = Pair { a: echo(1).await, b: echo(2).await };
                let mut array = [echo(pair.a).await, pair.b, echo(3).await];
                array[echo(0).await] += echo(4).await;
                let tuple = (echo(1).await, (echo(2).await,));
                let literal = Pair { a: 1, b: 2 }.await + Pair { a: 3, b: 4 }.into_future().await;
                let nested = echo(echo(echo(6).await).await + echo(7).await).await;
                let negated = -echo(1).await + !echo(0).await;
                let cast = echo(8_u8).await as u32;
                let range = (echo(1).await..echo(3).await).sum();
                let closed = (|| 5)();
                let mut assigned;
                assigned = echo(9).await;
                assigned -= echo(1).await;
                echo(()).await;
                { echo(10).await };
                let _ = echo(1).await.max(echo(2).await);
                let reference = &echo(String::from("abc")).await;
                vec![
                    array[0],
                    tuple.0 + tuple.1.0,
                    literal,
                    nested,
                    negated as u32,
                    cast,
                    range,
                    closed,
                    assigned,
                    reference.len() as u32,
                ]
            }

            $(#[$co])?
            async fn other_bodies(n: u32) -> u32 {
                // Their awaits, returns and question marks are their own.
                let block = async {
                    if n == 100 {
                        return 0;
                    }
                    echo(n).await + 1
                };
                let closure = |x: u32| {
                    if x == 0 {
                        return 1;
                    }
                    x
                };
                let fallible = |s: &str| -> Result<u32, ParseIntError> { Ok(s.parse::<u32>()? + 1) };
                let closure_of_block = |x: u32| async move { echo(x).await + n };
                let async_closure = async |x: u32| {
                    if x == 0 {
                        return 0;
                    }
                    echo(x).await + n
                };
                async fn nested(x: u32) -> u32 {
                    if x == 0 {
                        return 0;
                    }
                    echo(x).await
                }
                struct Inner(u32);
                impl Inner {
                    async fn get(&self) -> u32 {
                        return echo(self.0).await;
                    }
                }
                const ONE: u32 = {
                    const fn one() -> u32 {
                        return 1;
                    }
                    one()
                };
                block.await
                    + closure(0)
                    + fallible("1").unwrap()
                    + closure_of_block(1).await
                    + async_closure(1).await
                    + nested(1).await
                    + Inner(1).get().await
                    + const { ONE + 1 }
            }

            struct Owner {
                name: String,
            }

            impl Owner {
                $(#[$co])?
                async fn other_bodies(&mut self) -> String {
                    struct Inner;
                    impl Inner {
                        fn name(&self) -> &'static str {
                            let _ = self;
                            "inner"
                        }
                    }
                    let first = { let closure = || self.name.clone(); closure() };
                    let second = async { echo(&*self.name).await.to_owned() }.await;
                    self.name.push('!');
                    self::helper();
                    [first, second, Inner.name().to_owned(), self.name.clone()].join(" ")
                }
            }

            fn helper() {}

            $(#[$co])?
            async fn statics() -> u32 {
                static mut COUNT: u32 = 1;
                // SAFETY: never written.
                let x = unsafe { echo(COUNT).await };
                // SAFETY: nothing to uphold.
                x + unsafe { unchecked(echo(1).await) }
            }

            unsafe fn unchecked(x: u32) -> u32 {
                x
            }

            $(#[$co])?
            async fn infers() -> HashMap<u32, Vec<&'static str>> {
                let mut map = HashMap::new();
                map.entry(echo(1).await).or_insert_with(Vec::new).push(echo("x").await);
                let collected = [echo(1).await].into_iter().collect();
                let _: Vec<u32> = collected;
                map
            }

            $(#[$co])?
            async fn generic_futures<F, G, I>(f: F, mut g: G, i: I) -> (F::Output, G::Output, I::Output)
            where
                F: Future,
                G: Future + Unpin,
                I: IntoFuture,
            {
                (f.await, (&mut g).await, i.await)
            }

            $(#[$co])?
            async fn dynamic_futures<'a>(
                f: std::pin::Pin<&mut dyn Future<Output = u32>>,
                g: std::pin::Pin<Box<dyn Future<Output = u32> + 'a>>,
                h: Box<dyn Future<Output = u32> + Unpin + 'a>,
            ) -> [u32; 3] {
                [f.await, g.await, h.await]
            }

            $(#[$co])?
            async fn by_reference() -> [u32; 2] {
                let mut pinned = std::pin::pin!(async { echo(1).await });
                let first = pinned.as_mut().await;
                let mut boxed = Box::pin(async { echo(2).await });
                let second = (&mut boxed).await;
                [first, second]
            }

            #[test]
            fn all() {
                assert_eq!(run(question_mark("6")), Ok(6));
                assert!(matches!(run(question_mark("x")), Err(Error::Parse(_))));
                assert_eq!(run(question_mark("7")), Err(Error::Other));
                assert_eq!(run(question_mark("8")), Err(Error::Other));
                assert_eq!(run(question_mark_on_options(&[Some(1), Some(2)])), Some(3));
                assert_eq!(run(question_mark_on_options(&[Some(1), None])), None);
                assert_eq!(run(question_mark_on_options(&[None])), None);
                let returned = (0..6).map(|n| run(returns_everywhere(n))).collect::<Vec<_>>();
                assert_eq!(returned, [0, 1, 21, 100, 101, 102]);
                let mut x = 2;
                run(returns_nothing(&mut x));
                run(returns_nothing(&mut x));
                run(returns_nothing(&mut x));
                assert_eq!(x, 0);
                assert_eq!(run(loops(0)), [0, 6, 0, 0, 0, 0, 0, 0, 0]);
                assert_eq!(run(loops(5)), [0, 2, 3, 4, 40, 5, 0, 0, 0]);
                let chosen = [None, Some(1), Some(3), Some(4)].map(|n| run(conditions(n)));
                assert_eq!(chosen, [407, 306, 109, 210]);
                assert_eq!(run(expressions()), [5, 3, 10, 13, u32::MAX - 1, 8, 3, 5, 8, 3]);
                assert_eq!(run(other_bodies(1)), 13);
                let mut owner = Owner { name: "o".to_owned() };
                assert_eq!(run(owner.other_bodies()), "o o inner o!");
                assert_eq!(run(statics()), 2);
                assert_eq!(run(infers())[&1], ["x"]);
                let futures = (async { echo(1).await }, ready(2), Pair { a: 1, b: 2 });
                assert_eq!(run(generic_futures(futures.0, futures.1, futures.2)), (1, 2, 3));
                let f = std::pin::pin!(async { echo(1).await });
                assert_eq!(
                    run(dynamic_futures(f, Box::pin(async { echo(2).await }), Box::new(ready(3)))),
                    [1, 2, 3]
                );
                assert_eq!(run(by_reference()), [1, 2]);
            }
        }
    };
}

bodies!(plain);
bodies!(direct, #[cps_core::coroutine]);
