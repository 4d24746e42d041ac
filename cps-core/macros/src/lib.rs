//! The macros of `cps-core`: [`macro@coroutine`] for functions, also by the name [`macro@cps`], and
//! [`coroutine_block!`] for ad-hoc bodies. `cps-core` re-exports and documents them; use them from there.
//!
//! ```text
//!   tokens ─ fragments ─▶ tokens as they were written ─ syn ─▶ function, block
//!                                                              │ attributes: which other macros are there
//!                                                              │ pack: blocks that become coroutines of their own
//!                                                              │ argument: parameters, bindings (moved_once)
//!                                                              │ await_call: `.await` in the body (returns)
//!                                                              ▼
//!                                                           expansion
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod argument;
mod attributes;
mod await_call;
mod block;
mod expansion;
mod fragments;
mod function;
mod instrument;
mod moved_once;
mod options;
mod output;
mod pack;
mod returns;

use proc_macro::TokenStream;

/// See `cps_core::coroutine`.
#[proc_macro_attribute]
pub fn coroutine(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(options.into(), item.into()).into()
}

/// See `cps_core::cps`.
#[proc_macro_attribute]
pub fn cps(options: TokenStream, item: TokenStream) -> TokenStream {
    coroutine(options, item)
}

/// See `cps_core::coroutine_block`.
#[proc_macro]
pub fn coroutine_block(body: TokenStream) -> TokenStream {
    block::expand(body.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}
