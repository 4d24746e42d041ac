//! The attributes of `reactor`: [`macro@main`] and [`macro@test`]. `reactor` re-exports and documents them; use them
//! from there.

#![forbid(unsafe_code)]

mod entry;
mod options;

use proc_macro::TokenStream;

use crate::entry::Entry;

/// Makes the program's entry of an `async fn`: it runs on a new runtime.
///
/// ```ignore
/// #[reactor::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = reactor::net::TcpListener::bind(([127, 0, 0, 1], 0))?;
///     println!("{}", listener.local_addr()?);
///     Ok(())
/// }
/// ```
///
/// # Options
///
/// | option | what it says |
/// |---|---|
/// | `flavor = "multi_thread"` | a `reactor::Runtime`; the default |
/// | `flavor = "current_thread"` | a `reactor::LocalRuntime`: `spawn_local` works |
/// | `worker_threads = 4` | the number of workers; by default one for each core |
/// | `crate = path` | where `reactor` is, for crates that re-export it |
///
/// # Coroutines
///
/// `#[cps]` makes the function a coroutine, below this attribute or above it:
///
/// ```ignore
/// #[reactor::main(flavor = "current_thread")]
/// #[cps]
/// async fn main() { … }
/// ```
///
/// The other attributes of the function, such as `#[allow(…)]`, stay with the entry, which is not `async`. Macros among
/// them that need an `async fn` go above this attribute.
///
/// # Panics
///
/// The function that is made panics if the runtime cannot be made: the system gives no event queue, or no thread.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Entry::Main, options.into(), item.into()).into()
}

/// Makes a test of an `async fn`: it runs on a new runtime, which is that of the thread unless an option says otherwise.
///
/// ```ignore
/// #[reactor::test]
/// async fn timers_fire() {
///     reactor::sleep(std::time::Duration::from_millis(1)).await;
/// }
///
/// #[reactor::test(flavor = "multi_thread", worker_threads = 2)]
/// async fn tasks_run_beside_each_other() -> Result<(), reactor::JoinError> {
///     reactor::spawn(async {}).await
/// }
/// ```
///
/// The options are those of [`macro@main`], with `flavor = "current_thread"` as the default. `#[ignore]`,
/// `#[should_panic]` and `#[cps]` work as usual, below it.
///
/// # Panics
///
/// As [`macro@main`]: the test fails.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Entry::Test, options.into(), item.into()).into()
}
