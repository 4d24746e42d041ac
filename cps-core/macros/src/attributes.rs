//! The other attributes of a function, and the macros among them.
//!
//! An attribute macro below `#[cps]` would get the expansion instead of the function. So every attribute that
//! may be a macro goes first: `#[cps]` is put below it, once.

use proc_macro2::{Ident, Span, TokenStream};
use syn::Attribute;

use crate::options::LAST;

/// Attributes of the language and its tools, which are no macros.
const BUILT_IN: &[&str] = &[
    "allow",
    "automatically_derived",
    "cfg",
    "cfg_attr",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "instruction_set",
    "link_section",
    "must_use",
    "no_mangle",
    "optimize",
    "should_panic",
    "target_feature",
    "track_caller",
    "unsafe",
    "warn",
];

/// Tools, whose attributes are no macros either.
const TOOLS: &[&str] = &["clippy", "diagnostic", "miri", "rust_analyzer", "rustdoc", "rustfmt"];

/// Whether the attribute may be a macro.
pub(crate) fn is_macro(attr: &Attribute) -> bool {
    let path = attr.path();
    match path.get_ident() {
        Some(name) => !BUILT_IN.contains(&&*name.to_string()),
        None => {
            !path.segments.first().is_some_and(|first| TOOLS.contains(&&*first.ident.to_string()))
        }
    }
}

/// Whether it makes a program's entry or a test of an `async fn`: `#[tokio::main]`, `#[tokio::test]` and the like.
pub(crate) fn is_entry(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "main" || last.ident == "test")
}

/// Whether it is `#[instrument]` of the crate `tracing`.
pub(crate) fn is_instrument(attr: &Attribute) -> bool {
    let segments = &attr.path().segments;
    segments.last().is_some_and(|last| last.ident == "instrument")
        && (segments.len() == 1 || segments[0].ident == "tracing")
}

/// Whether it is `#[inline(always)]`.
pub(crate) fn is_inline_always(attr: &Attribute) -> bool {
    attr.path().is_ident("inline")
        && attr.parse_args::<Ident>().is_ok_and(|argument| argument == "always")
}

/// `#[cps(…)]` with one more option, to stand below the macros that go first.
pub(crate) fn again(krate: &TokenStream, options: &TokenStream) -> TokenStream {
    let separator = (!options.is_empty()).then(|| quote::quote!(,));
    let last = Ident::new(LAST, Span::call_site());
    quote::quote!(#[#krate::coroutine(#options #separator #last)])
}
