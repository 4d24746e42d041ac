//! The values that a generator may return to be an iterator or a stream.

/// A value that a generator of `T` may return if it is to be an iterator or a stream: `()`, or a
/// `Result<(), E>`, whose error becomes the last item.
///
/// | returns | items |
/// |---|---|
/// | `()` | `T` |
/// | `Result<(), E>` | `Result<T, E>`: `Ok` for each item yielded, and an `Err` that is returned comes last |
///
/// Any other value is for a caller: it is the value of [`yield_from`](crate::yield_from).
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "a generator that returns `{Self}` is neither an iterator nor a stream",
    label = "returns `{Self}`, which would be lost",
    note = "return `()` or `Result<(), E>`, or delegate to it: `yield_from(generator).await` \
            evaluates to what it returns"
)]
pub trait Ending<T>: private::Sealed {
    /// The items of the iterator or stream.
    type Item;

    #[doc(hidden)]
    fn item(item: T) -> Self::Item;

    #[doc(hidden)]
    fn last(self) -> Option<Self::Item>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<E> Sealed for Result<(), E> {}
}

impl<T> Ending<T> for () {
    type Item = T;

    #[inline(always)]
    fn item(item: T) -> T {
        item
    }

    #[inline(always)]
    fn last(self) -> Option<T> {
        None
    }
}

impl<T, E> Ending<T> for Result<(), E> {
    type Item = Result<T, E>;

    #[inline(always)]
    fn item(item: T) -> Self::Item {
        Ok(item)
    }

    #[inline(always)]
    fn last(self) -> Option<Self::Item> {
        self.err().map(Err)
    }
}
