//! `pack!` in functions with arguments, receivers, type parameters, and types of results that values are coerced to.

use std::future::{poll_fn, ready};
use std::task::Poll;

both! {
    the_error_is_converted: body("1", "2"), body("1", "x"), body("", "2"), body("0", "2");
    #[derive(Debug)]
    enum Failed {
        Number(std::num::ParseIntError),
        Text(String),
    }
    impl From<std::num::ParseIntError> for Failed {
        fn from(error: std::num::ParseIntError) -> Self {
            did("converted");
            Failed::Number(error)
        }
    }
    impl From<&str> for Failed {
        fn from(text: &str) -> Self {
            Failed::Text(text.into())
        }
    }
    #[rustfmt::co]
    async fn body(a: &str, b: &str) -> Result<u32, Failed> {
        let _outer = note("outer");
        let sum = pack! {
            let _local = note("local");
            let a: u32 = echo(a).await.parse()?;
            if a == 0 {
                Err("zero")?;
            }
            pause().await;
            let b = pack! {
                let _inner = note("inner");
                let b: u32 = b.parse()?;
                pause().await;
                b
            };
            a + b
        };
        Ok(sum)
    }
}

both! {
    a_poll: body(0), body(1), body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> Result<u32, String> {
        let polls = [Poll::Pending, Poll::Ready(Ok(1)), Poll::Ready(Err("failed"))];
        let items = [Poll::Pending, Poll::Ready(Some(Ok(1))), Poll::Ready(Some(Err("no item")))];
        let sum = pack! {
            pause().await;
            let poll: Poll<u32> = polls[n as usize % 2]?;
            let item: Poll<Option<u32>> = items[n as usize].map_err(String::from)?;
            if poll.is_ready() && item.is_ready() { 2 } else { 0 }
        };
        let tried = polls[n as usize];
        pack! {
            pause().await;
            let poll = tried?;
            did(format!("{poll:?}"));
        }
        Ok(sum)
    }
}

both! {
    of_a_method: Object(note("object"), 3).body(), Object(note("other"), 0).body();
    struct Object(Note, u32);
    impl Object {
        #[rustfmt::co]
        async fn body(mut self) -> u32 {
            for _ in 0..2 {
                pack! {
                    let length = look(&self.0).await;
                    self.1 += 1;
                    if self.1 == 1 {
                        return self.add(length).await;
                    }
                }
            }
            self.1
        }

        #[rustfmt::co]
        async fn add(&self, length: usize) -> u32 {
            let sum = pack! {
                pause().await;
                self.1 + length as u32
            };
            sum
        }
    }
}

both! {
    a_return_is_coerced: body(1), body(2);
    #[rustfmt::co]
    async fn body(n: u32) -> Result<Box<dyn std::fmt::Debug + Send>, Box<dyn std::error::Error>> {
        pack! {
            pause().await;
            if n == 1 {
                return Ok(Box::new(n));
            }
            Err("no number")?;
        }
        Ok(Box::new(()))
    }
}

both! {
    of_any_types: body(note("a"), |note| note.len()), body("text", |text| text.len());
    #[rustfmt::co]
    async fn body<T, F: Fn(&T) -> usize>(value: T, length: F) -> impl std::fmt::Debug {
        let sum = pack! {
            let first = length(&value);
            pause().await;
            first + length(&value)
        };
        sum
    }
}

both! {
    futures_in_it: body();
    #[rustfmt::co]
    async fn body() -> u32 {
        let mut polls = 0;
        let value = pack! {
            let one = ready(1).await;
            let two = poll_fn(|cx| {
                polls += 1;
                if polls == 3 {
                    return Poll::Ready(2);
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            one + two
        };
        value + polls
    }
}

both! {
    it_may_be_sent: body();
    #[rustfmt::co]
    async fn inner(names: &mut Vec<String>) -> usize {
        pack! {
            let local = vec![echo(1u8).await];
            pause().await;
            names.push(format!("{local:?}"));
        }
        names.len()
    }
    async fn body() -> usize {
        fn is_send<F: Send>(future: F) -> F {
            future
        }
        is_send(inner(&mut vec![])).await
    }
}
