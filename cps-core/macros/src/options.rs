//! The attribute's options: `#[cps(crate = path, elision = "stack", yields = Type)]`, `#[cps(nested)]` and others.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Error, LitInt, LitStr, Type, parenthesized, token};

use crate::instrument::Instrument;

/// The options in the attribute's parentheses.
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

/// The option that says that other attributes have been put first.
pub(crate) const LAST: &str = "__last";

/// Whether it is there. It is the last option, so that it is found even if another one cannot be parsed.
fn is_last(tokens: &TokenStream) -> bool {
    let last = tokens.clone().into_iter().last();
    matches!(last, Some(TokenTree::Ident(ident)) if ident == LAST)
}

/// The tokens behind the option's `=`.
fn value<'a>(meta: &ParseNestedMeta<'a>, form: &str) -> syn::Result<ParseStream<'a>> {
    meta.value().map_err(|_| meta.error(format!("expected `{form}`")))
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
    /// The options that could be parsed, and the errors of the others.
    pub(crate) fn parse(tokens: TokenStream) -> (Self, syn::Result<()>) {
        let mut options = Options { last: is_last(&tokens), ..Options::default() };
        let mut nested = None;
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("crate") {
                let path: syn::Path =
                    value(&meta, "crate = path")?.call(syn::Path::parse_mod_style)?;
                options.krate = quote!(#path);
                Ok(())
            } else if meta.path.is_ident("elision") {
                options.elision = Some(Elision::parse(&value(&meta, "elision = \"…\"")?.parse()?)?);
                Ok(())
            } else if meta.path.is_ident("nested") {
                nested = Some(meta.path.span());
                Ok(())
            } else if meta.path.is_ident("yields") {
                options.yields = Some(value(&meta, "yields = Type")?.parse()?);
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
            } else if meta.path.is_ident(LAST) {
                Ok(())
            } else {
                Err(meta.error(
                    "unknown option; `#[cps]` knows `crate = path`, `elision = \"…\"`, `nested`, `yields = Type`, \
                     `send` and `instrument`",
                ))
            }
        });
        let result = parser.parse2(tokens);
        let nested = nested.map_or(Ok(()), |span| options.nest(span));
        (options, result.and(nested))
    }

    /// By default calls have no frame.
    fn nest(&mut self, span: Span) -> syn::Result<()> {
        let reason = if self.yields.is_some() {
            "a generator has a frame, by which it is resumed at once: it cannot be `nested`"
        } else if self.elision.is_some() {
            "what is `nested` has no frame: `elision` says where one would be"
        } else {
            self.elision = Some(Elision { name: "Nested", bytes: None, span });
            return Ok(());
        };
        Err(Error::new(span, reason))
    }

    /// The type that says where the frame lives.
    pub(crate) fn placement(&self) -> TokenStream {
        let krate = &self.krate;
        let Some(Elision { name, bytes, span }) = &self.elision else {
            return quote!(#krate::DefaultPlacement);
        };
        let name = Ident::new(name, *span);
        let bytes = bytes.as_ref().map(|bytes| quote!(<#bytes>));
        quote!(#krate::placement::#name #bytes)
    }
}

impl Elision {
    fn parse(text: &LitStr) -> syn::Result<Self> {
        let value = text.value();
        let (name, bytes) = match &*value {
            "inline" => ("Inline", None),
            "stack" => ("Stack", None),
            "heap" => ("Heap", None),
            "may" => ("InlineUpTo", None),
            other => match other.strip_prefix("may(").and_then(|rest| rest.strip_suffix(')')) {
                Some(number) if number.parse::<u32>().is_ok() => {
                    ("InlineUpTo", Some(LitInt::new(number, text.span())))
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
