//! The attribute's options: `#[coroutine(crate = path, elision = "stack", yields = Type)]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::{Error, LitInt, LitStr, Type, parenthesized, token};

use crate::instrument::Instrument;

/// What stands in the attribute's parentheses.
pub(crate) struct Options {
    /// The path of `cps-core`, for crates that re-export it.
    pub(crate) krate: TokenStream,
    /// Where the frame lives by default.
    elision: Option<Elision>,
    /// The type of a generator's items.
    pub(crate) yields: Option<Type>,
    /// Whether the coroutine is declared to be `Send`.
    pub(crate) send: bool,
    /// The span that the body runs in.
    pub(crate) instrument: Option<Instrument>,
    /// The type of a block's value, as far as that can be named.
    pub(crate) output: Option<Type>,
    /// Whether other attributes have been put first.
    pub(crate) last: bool,
}

/// A placement's name and, for `may`, its number of bytes if that is given.
struct Elision {
    name: &'static str,
    bytes: Option<LitInt>,
    span: Span,
}

impl Default for Options {
    fn default() -> Self {
        let krate = quote_spanned!(Span::mixed_site()=> ::cps_core);
        Options {
            krate,
            elision: None,
            yields: None,
            send: false,
            instrument: None,
            output: None,
            last: false,
        }
    }
}

impl Options {
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Options::default();
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("crate") {
                let path: syn::Path = meta.value()?.call(syn::Path::parse_mod_style)?;
                options.krate = quote!(#path);
                Ok(())
            } else if meta.path.is_ident("elision") {
                options.elision = Some(Elision::parse(&meta.value()?.parse()?)?);
                Ok(())
            } else if meta.path.is_ident("yields") {
                options.yields = Some(meta.value()?.parse()?);
                Ok(())
            } else if meta.path.is_ident("send") {
                options.send = true;
                Ok(())
            } else if meta.path.is_ident("instrument") {
                options.instrument = Some(if meta.input.peek(token::Paren) {
                    let content;
                    parenthesized!(content in meta.input);
                    content.parse()?
                } else {
                    Instrument::default()
                });
                Ok(())
            } else if meta.path.is_ident("__output") {
                options.output = Some(meta.value()?.parse()?);
                Ok(())
            } else if meta.path.is_ident("__last") {
                options.last = true;
                Ok(())
            } else {
                Err(meta.error(
                    "unknown option; `#[coroutine]` knows `crate = path`, `elision = \"…\"`, `yields = Type`, `send` \
                     and `instrument`",
                ))
            }
        });
        parser.parse2(tokens)?;
        Ok(options)
    }

    /// The type that says where the frame lives.
    pub(crate) fn placement(&self) -> TokenStream {
        let krate = &self.krate;
        let Some(Elision { name, bytes, span }) = &self.elision else {
            return quote!(#krate::DefaultPlacement);
        };
        let name = Ident::new(name, *span);
        let bytes = bytes.as_ref().map(|bytes| quote!(<#bytes>));
        quote!(#krate::#name #bytes)
    }
}

impl Elision {
    fn parse(text: &LitStr) -> syn::Result<Self> {
        let value = text.value();
        let (name, bytes) = match &*value {
            "inline" => ("Inline", None),
            "stack" => ("Stack", None),
            "heap" => ("Heap", None),
            "may" => ("May", None),
            other => match other.strip_prefix("may(").and_then(|rest| rest.strip_suffix(')')) {
                Some(number) if number.parse::<u32>().is_ok() => {
                    ("May", Some(LitInt::new(number, text.span())))
                }
                _ => {
                    return Err(Error::new_spanned(
                        text,
                        "expected \"inline\", \"stack\", \"heap\", \"may\" or \"may(N)\" with a number of bytes",
                    ));
                }
            },
        };
        Ok(Elision { name, bytes, span: text.span() })
    }
}
