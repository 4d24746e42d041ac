//! What the attribute makes of `pack! { … }` needs: the macro's name, and `?` by a trait. (The macro itself is in
//! `macros/src/pack`.)

use core::convert::Infallible;
use core::ops::ControlFlow;
use core::task::Poll;

/// A block of a coroutine's body whose locals share memory with those of the blocks beside it.
///
/// A local that lives over two awaits has memory of its own in the frame, as in plain `async`: blocks with large locals,
/// one after the other, add up. `pack!` makes its block a call in place, and the frames of calls that follow each other
/// share memory. A resume within it costs nothing more; entering it is a call.
///
/// ```
/// use cps_core::{cps, pack};
/// use std::future::ready;
///
/// async fn read(buffer: &mut [u8]) -> std::io::Result<usize> {
///     ready(()).await;
///     buffer.fill(1);
///     ready(Ok(buffer.len())).await
/// }
///
/// #[cps]
/// async fn copy(rounds: usize) -> std::io::Result<usize> {
///     let mut total = 0;
///     for _ in 0..rounds {
///         pack! {
///             let mut buffer = [0; 4096];
///             let length = read(&mut buffer).await?;   // leaves `copy`
///             if length == 0 {
///                 break;                               // leaves the loop
///             }
///             ready(()).await;
///             total += buffer[..length].len();
///         }
///         pack! {
///             let mut buffer = [0; 4096];              // in the same memory
///             read(&mut buffer).await?;
///             ready(()).await;
///             total += buffer.len();
///         }
///     }
///     Ok(total)
/// }
///
/// assert!(size_of_val(&copy(1)) < 4500);
/// assert_eq!(futures::executor::block_on(copy(2)).unwrap(), 4 * 4096);
/// ```
///
/// It is a block: it has the value of its last expression; `return`, `break` and `continue`, with labels and values,
/// and `?` on `Result`, `Option`, `Poll` and `ControlFlow` lead to where they would lead without `pack!`; values are
/// dropped where they would be dropped. What cannot be so is an error of the compiler:
///
/// - A variable of outside may be read, borrowed and changed in it, but not moved (E0382), nor be given its first value.
/// - A reference to such a variable is kept over an await. If the future is to be `Send`, the variable's type must be
///   `Sync` if the block only reads it.
/// - A macro in it may not hide a way out of the block.
/// - Where its value is not bound by a `let` or dropped, its last expression may have no temporaries.
///
/// It works directly in the body of a `#[cps]` function: not in a closure, an `async` block, a
/// [`coroutine_block!`](crate::coroutine_block) or a macro; and `yield_` does not work in it. In such a function the name
/// `pack!` is this macro's: another one of that name needs its path.
#[macro_export]
macro_rules! pack {
    (__cps_pack) => {
        $crate::__private::Pack
    };
    ($($body:tt)*) => {
        ::core::compile_error!(
            "`pack!` is a block of the body of a `#[cps]` function; it cannot be in a closure, an `async` block, a \
             `coroutine_block!` or a macro"
        )
    };
}

/// What `pack!` stands for where the attribute has taken its block. Harmless, as `()` is.
#[derive(Debug)]
pub struct Pack;

/// What `?` takes apart. (The trait of the standard library is unstable.) Harmless: it only takes values apart.
#[diagnostic::on_unimplemented(
    message = "in `pack!`, the `?` operator can only be applied to a `Result`, `Option`, `Poll` or `ControlFlow`",
    label = "the `?` operator cannot be applied to type `{Self}`"
)]
pub trait Branch {
    /// What `?` evaluates to.
    type Value;
    /// What `?` returns from the function: an operand of `?` that is never a value.
    type Residual;
    /// One of them.
    #[expect(clippy::missing_errors_doc, reason = "an error is what `?` returns")]
    fn branch(self) -> Result<Self::Value, Self::Residual>;
}

impl<T, E> Branch for Result<T, E> {
    type Value = T;
    type Residual = Result<Infallible, E>;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn branch(self) -> Result<T, Self::Residual> {
        self.map_err(Err)
    }
}

impl<T> Branch for Option<T> {
    type Value = T;
    type Residual = Option<Infallible>;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn branch(self) -> Result<T, Self::Residual> {
        self.ok_or(None)
    }
}

impl<B, C> Branch for ControlFlow<B, C> {
    type Value = C;
    type Residual = ControlFlow<B, Infallible>;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn branch(self) -> Result<C, Self::Residual> {
        match self {
            ControlFlow::Continue(value) => Ok(value),
            ControlFlow::Break(value) => Err(ControlFlow::Break(value)),
        }
    }
}

impl<T, E> Branch for Poll<Result<T, E>> {
    type Value = Poll<T>;
    type Residual = Result<Infallible, E>;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn branch(self) -> Result<Poll<T>, Self::Residual> {
        match self {
            Poll::Ready(Ok(value)) => Ok(Poll::Ready(value)),
            Poll::Ready(Err(error)) => Err(Err(error)),
            Poll::Pending => Ok(Poll::Pending),
        }
    }
}

impl<T, E> Branch for Poll<Option<Result<T, E>>> {
    type Value = Poll<Option<T>>;
    type Residual = Result<Infallible, E>;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn branch(self) -> Result<Poll<Option<T>>, Self::Residual> {
        match self {
            Poll::Ready(Some(Ok(value))) => Ok(Poll::Ready(Some(value))),
            Poll::Ready(Some(Err(error))) => Err(Err(error)),
            Poll::Ready(None) => Ok(Poll::Ready(None)),
            Poll::Pending => Ok(Poll::Pending),
        }
    }
}
