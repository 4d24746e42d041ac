//! Traits that a generator is mistaken to have. They are implemented under conditions that nothing fulfils, so that
//! the compiler's message says what to write.

use core::future::{Future, Pending, pending};
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::frame::body::Body;
use crate::generator::{AsyncGenerator, Generator, Yield, YieldFrom};

/// A type that is taken for something else. (rustc's message would not mention a condition on the type itself.)
#[derive(Debug)]
pub struct Mistaken<G>(PhantomData<G>);

/// Nothing is.
#[diagnostic::on_unimplemented(
    message = "a generator is not awaited",
    label = "awaited here",
    note = "`for item in generator()` iterates over the items of an `fn`; \
            `let mut items = pin!(generator().into_root())` and `items.next().await` over those of an `async fn`",
    note = "in another generator, `yield_from(generator()).await` yields all its items"
)]
pub trait Awaitable {}

/// Nothing is.
#[diagnostic::on_unimplemented(
    message = "`yield_` and `yield_from` are not awaited here",
    label = "awaited in another body than a generator's own",
    note = "they are for an `.await` in the text of a function with `#[cps(yields = …)]`, and not for one in a \
            closure, an `async` block or a macro within",
    note = "in a macro such as `select!`, let the branches evaluate to the item, and yield it behind the macro"
)]
pub trait AwaitableHere {}

/// Nothing is.
#[diagnostic::on_unimplemented(
    message = "an asynchronous generator is a stream once it is pinned",
    label = "not pinned yet",
    note = "pin it first: `let mut items = pin!(generator().into_root());` or `Box::pin(generator().into_root())`",
    note = "then `while let Some(item) = items.next().await`; with the feature `stream` it is a `Stream`"
)]
pub trait Pinned {}

/// Nothing is.
#[diagnostic::on_unimplemented(
    message = "a generator is an iterator once it has memory for its frame",
    label = "no iterator yet",
    note = "`generator().into_iter()` allocates it, `pin!(generator().into_root())` does not"
)]
pub trait Started {}

macro_rules! no_future {
    ($([$($generics:tt)*] $Type:ty, $Bound:ident;)+) => { $(
        #[doc(hidden)]
        impl<$($generics)*> Future for $Type
        where
            Mistaken<Self>: $Bound,
        {
            type Output = ();

            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
                Poll::Pending
            }
        }
    )+ };
}

no_future! {
    [T, B: Body, P] Generator<T, B, P>, Awaitable;
    [T, B: Body, P] AsyncGenerator<T, B, P>, Awaitable;
    [T] Yield<T>, AwaitableHere;
    [G] YieldFrom<G>, AwaitableHere;
}

#[doc(hidden)]
impl<T, B: Body, P> Iterator for AsyncGenerator<T, B, P>
where
    Mistaken<Self>: Pinned,
{
    type Item = T;

    fn next(&mut self) -> Option<T> {
        None
    }
}

impl<T, B: Body, P> Generator<T, B, P> {
    #[doc(hidden)]
    pub fn next(&self) -> Option<T>
    where
        Mistaken<Self>: Started,
    {
        None
    }
}

impl<T, B: Body, P> AsyncGenerator<T, B, P> {
    #[doc(hidden)]
    pub fn next(&self) -> Pending<Option<T>>
    where
        Mistaken<Self>: Pinned,
    {
        pending()
    }
}

#[cfg(feature = "stream")]
#[doc(hidden)]
impl<T, B: Body, P> futures_core::Stream for AsyncGenerator<T, B, P>
where
    Mistaken<Self>: Pinned,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Pending
    }
}
