//! Uses `#[coroutine]` in a crate of edition 2021, without `std` and without unsafe code.
#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings, rust_2018_idioms)]

#[cfg(test)]
extern crate std;

use core::future::Future;

/// Lifetimes are captured though no `impl` of this edition would.
#[cps_core::coroutine]
pub async fn elided(x: &str, y: &mut u32) -> usize {
    *y += 1;
    x.len()
}

/// Likewise.
#[cps_core::coroutine]
pub async fn returns_borrow<'a, T>(x: &'a [T], _: &T) -> Option<&'a T> {
    x.first()
}

/// An `impl` of the user's, with the bound that this edition wants.
#[cps_core::coroutine]
pub async fn returns_impl(x: &[u32]) -> impl Iterator<Item = u32> + '_ {
    x.iter().copied()
}

/// A trait with coroutines.
pub trait Source {
    /// Only declared.
    #[cps_core::coroutine]
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, core::fmt::Error>;

    /// With a body.
    #[cps_core::coroutine]
    async fn read_twice(&mut self, buffer: &mut [u8]) -> Result<usize, core::fmt::Error> {
        let n = self.read(buffer).await?;
        Ok(n + self.read(&mut buffer[n..]).await?)
    }
}

impl Source for u8 {
    #[cps_core::coroutine]
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, core::fmt::Error> {
        *buffer.first_mut().ok_or(core::fmt::Error)? = *self;
        *self += 1;
        Ok(1)
    }
}

/// Awaits anything; in this edition the temporaries of a tail outlive its block.
#[cps_core::coroutine]
pub async fn all<F: Future<Output = u32>>(f: F) -> u32 {
    let mut n = 0;
    let sum = f.await + elided("abc", &mut n).await as u32;
    let r#async = |x: u32| async move { x };
    if let Some(x) = returns_borrow(&[1, 2], &3).await {
        return r#async(sum + n + *x).await;
    }
    core::cell::RefCell::new(n).borrow().count_ones()
}

/// A name that is a keyword in the edition of the expansion.
#[cps_core::coroutine]
pub async fn gen(gen: u32, held: &str) -> u32 {
    core::future::ready(()).await;
    let gen = async { gen + 1 }.await;
    gen + held.len() as u32
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;
    use core::future::{ready, Future, IntoFuture};
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use std::vec::Vec;

    use super::{all, gen, returns_impl, Source};

    fn run<F: IntoFuture>(future: F) -> F::Output {
        let future = pin!(future.into_future());
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => unreachable!(),
        }
    }

    #[test]
    fn names_that_are_keywords_in_2024_may_be_used() {
        assert_eq!(run(gen(1, "ab")), 4);
    }

    #[test]
    fn works() {
        assert_eq!(run(all(ready(5))), 10);
        assert_eq!(run(returns_impl(&[1, 2])).sum::<u32>(), 3);
        let mut buffer = [0; 3];
        assert_eq!(run(7_u8.read_twice(&mut buffer)), Ok(2));
        assert_eq!(buffer, [7, 8, 0]);
    }

    struct Note<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

    impl Note<'_> {
        fn look(&self) -> u32 {
            1
        }
    }

    impl Drop for Note<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
        }
    }

    async fn plain(log: &RefCell<Vec<&'static str>>, _argument: Note<'_>) -> u32 {
        let _local = Note(log, "local");
        Note(log, "tail").look() + ready(1).await
    }

    #[cps_core::coroutine]
    async fn direct(log: &RefCell<Vec<&'static str>>, _argument: Note<'_>) -> u32 {
        let _local = Note(log, "local");
        Note(log, "tail").look() + ready(1).await
    }

    #[test]
    fn temporaries_of_a_tail_are_dropped_as_in_an_async_fn() {
        let (a, b) = (RefCell::default(), RefCell::default());
        run(plain(&a, Note(&a, "argument")));
        run(direct(&b, Note(&b, "argument")));
        assert_eq!(*a.borrow(), ["local", "tail", "argument"]);
        assert_eq!(a, b);
    }
}
