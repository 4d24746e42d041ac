//! The attribute's options: `#[coroutine(crate = path)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::parse::Parser;

/// What stands in the attribute's parentheses.
pub(crate) struct Options {
    /// The path of `cps-core`, for crates that re-export it.
    pub(crate) krate: TokenStream,
}

impl Default for Options {
    fn default() -> Self {
        Options { krate: quote_spanned!(Span::mixed_site()=> ::cps_core) }
    }
}

impl Options {
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Options::default();
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("crate") {
                let path: syn::Path = meta.value()?.call(syn::Path::parse_mod_style)?;
                options.krate = quote::quote!(#path);
                Ok(())
            } else {
                Err(meta.error("unknown option; `#[coroutine]` knows `crate = path`"))
            }
        });
        parser.parse2(tokens)?;
        Ok(options)
    }
}
