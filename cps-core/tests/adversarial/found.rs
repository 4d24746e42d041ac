//! Not compiled in: what is wrong still. The test is safe code (`forbid(unsafe_code)`) that is undefined
//! behaviour under Miri, and crashes plain.

use std::fmt::Debug;
use std::future::Ready;

use cps_core::{Body, Coroutine};

/// The expansion's `unsafe { crate::__private::wide(parts) }` calls by a path, which a module that stands for the
/// crate may lead to any unsafe function of one argument: to name it in a `use` is safe.
mod fake {
    use super::*;

    pub(crate) use cps_core::*;

    #[cps_core::cps]
    async fn nothing() {}

    /// Has the methods of what a body is entered with.
    pub(crate) struct Entered;

    impl Entered {
        pub(crate) fn local(&self) {}
        pub(crate) fn handle(&self, (): &()) {}
        pub(crate) fn args(&self) {}
    }

    pub(crate) mod __private {
        use super::*;

        pub(crate) use cps_core::__private::*;
        pub(crate) use std::ptr::read as wide;

        pub(crate) fn parts<K, A, F, Fut>(_: A, _: F) -> *const u64
        where
            F: FnOnce(Ready<Entered>) -> Fut,
        {
            std::ptr::without_provenance(4096)
        }

        pub(crate) fn coroutine<P, B: Debug>(value: B) -> Coroutine<impl Body<Output = ()>>
        {
            println!("{value:?}");
            nothing()
        }
    }
}

#[cps_core::cps(crate = fake)]
async fn victim() {}

#[test]
fn no_function_of_the_users_choice_is_called_as_unsafe() {
    drop(victim());
}
