//! Cases of `fragments` in which the attribute differs today: not compiled yet.

use super::*;

// A fragment of a type before a `<` loses its grouping.
fragments! {
    ty_in_a_cast: body(); ($t:ty) => {
        #[rustfmt::co] async fn body() -> bool { echo(300).await as $t < 100 }
    } (u8)
}
