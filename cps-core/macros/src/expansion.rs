//! The expression that a body becomes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Lifetime, Type};

/// An identifier that the user's code can neither see nor shadow.
pub(crate) fn hidden(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The label of the user's block.
pub(crate) fn body_label(span: Span) -> Lifetime {
    Lifetime::new("'__body", span)
}

/// A coroutine in the making.
pub(crate) struct Expansion<'a> {
    /// The path of `cps-core`.
    pub(crate) krate: &'a TokenStream,
    /// The type that says where the frame lives.
    pub(crate) placement: TokenStream,
    /// The expressions that are the arguments.
    pub(crate) args: Vec<TokenStream>,
    /// Binds the arguments, which are the fields of `__args`.
    pub(crate) bindings: TokenStream,
    /// The rewritten body, a block.
    pub(crate) body: TokenStream,
    /// The output type as far as it can be named in a body.
    pub(crate) output: Option<&'a Type>,
    /// Whether the value is returned in a `Wide`.
    pub(crate) wide: bool,
}

impl Expansion<'_> {
    pub(crate) fn into_expr(self) -> TokenStream {
        let Expansion { krate, placement, args, bindings, body, output, wide } = self;
        let span = Span::mixed_site();
        let (scope, fields, label) = (hidden("__scope"), hidden("__args"), body_label(span));
        let annotation = output.map(|ty| quote_spanned!(span=> : #ty));
        let (constructor, value) = if wide {
            (
                quote_spanned!(span=> wide::<#placement, _, _, _, _>),
                quote_spanned!(span=> #krate::__private::Wide::new(__value)),
            )
        } else {
            (quote_spanned!(span=> plain::<#placement, _, _, _>), quote_spanned!(span=> __value))
        };
        // Tells the type of `return` and `?` before the body is checked, as a signature does.
        let hint = output.filter(|_| !wide).map(|ty| {
            quote_spanned! {span=>
                if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<#ty> {
                    return __value;
                }
            }
        });
        // `inline(always)` concerns the poll of the body: it is polled in two places, each of
        // which is a function of its own (`Frame::start`, `resume`).
        quote_spanned! {span=>
            {
                let __parts = #krate::__private::parts((#(#args,)*), move |mut #scope| {
                    #[inline(always)]
                    async move {
                        #[allow(unused_imports)]
                        use #krate::__private::ForeignCall as _;
                        #[allow(unused_variables)]
                        let #fields = unsafe { #scope.enter() };
                        #hint
                        #bindings
                        #[allow(clippy::diverging_sub_expression)]
                        // The body stays a block of its own, for errors to point at it.
                        #[allow(unused_braces)]
                        let __value #annotation = #label: { #body };
                        #[allow(unreachable_code)]
                        #value
                    }
                });
                unsafe { #krate::__private::#constructor(__parts) }
            }
        }
    }
}
