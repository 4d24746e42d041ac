//! The attributes of `reactor`: [`macro@main`] and [`macro@test`]. `reactor` re-exports and documents them; use them
//! from there.

#![forbid(unsafe_code)]

mod entry;
mod options;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use crate::entry::Entry;

/// See `reactor::main`.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Entry::Main, options.into(), item.into()).into()
}

/// See `reactor::test`.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Entry::Test, options.into(), item.into()).into()
}
