//! The macros of `cps-core`: [`macro@coroutine`] for functions and [`coroutine_block!`] for ad-hoc
//! bodies. `cps-core` re-exports and documents both; use them from there.

mod argument;
mod await_call;
mod block;
mod expansion;
mod function;
mod known_macros;
mod moved_once;
mod options;
mod output;
mod receiver;

use proc_macro::TokenStream;

/// See `cps_core::coroutine`.
#[proc_macro_attribute]
pub fn coroutine(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(options.into(), item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// See `cps_core::coroutine_block`.
#[proc_macro]
pub fn coroutine_block(body: TokenStream) -> TokenStream {
    block::expand(body.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}
