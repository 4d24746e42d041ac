//! The expression that a body becomes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Token, Type};

/// An identifier that the user's code can neither see nor shadow.
pub(crate) fn hidden(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// What is made of a body.
#[derive(Clone, Copy)]
pub(crate) enum Made<'a> {
    Coroutine,
    /// Of items of this type, as far as it can be named in a body.
    Generator(&'a Type),
    /// Likewise.
    AsyncGenerator(&'a Type),
}

/// A coroutine in the making.
pub(crate) struct Expansion<'a> {
    /// The path of `cps-core`.
    pub(crate) krate: &'a TokenStream,
    /// The type that says where the frame lives.
    pub(crate) placement: TokenStream,
    /// What is made of the body.
    pub(crate) made: Made<'a>,
    /// The expressions that are the arguments.
    pub(crate) args: Vec<TokenStream>,
    /// `move`, if that is how the body captures.
    pub(crate) capture: Option<Token![move]>,
    /// The function's `self`, which is captured.
    pub(crate) receiver: Option<Token![self]>,
    /// Binds the arguments, which are the fields of `__args`.
    pub(crate) bindings: TokenStream,
    /// The rewritten body, a block.
    pub(crate) body: TokenStream,
    /// The output type as far as it can be named in a body.
    pub(crate) output: Option<&'a Type>,
    /// What the value is bound by, if it is a closure.
    pub(crate) bounds: Option<TokenStream>,
    /// Whether the value is returned in a `Wide`.
    pub(crate) wide: bool,
    /// Whether calls are to be compiled where they are.
    pub(crate) inlined: bool,
    /// Whether the function has target features, which a body that is `inline(always)` would not have.
    pub(crate) has_target_features: bool,
}

impl Expansion<'_> {
    pub(crate) fn into_expr(self) -> TokenStream {
        let Expansion {
            krate, placement, made, args, capture, bindings, body, output, wide, ..
        } = self;
        let span = Span::mixed_site();
        let (handle, fields) = (hidden("__handle"), hidden("__args"));
        let inline = (!self.has_target_features)
            .then(|| quote_spanned!(span=> #[cfg_attr(not(debug_assertions), inline(always))]));
        // All of it, whatever parts of it the body names: as an argument it belongs to the body.
        let receiver = self.receiver.map(|this| quote_spanned!(span=> let _ = &#this;));
        let annotation = output.map(|ty| quote_spanned!(span=> : #ty));
        let (bound, body) = match self.bounds {
            None => (TokenStream::new(), quote_spanned!(span=> { #body })),
            Some(bounds) => (
                quote_spanned! {span=>
                    fn __bound<__Value: #bounds>(__value: __Value) -> __Value {
                        __value
                    }
                },
                quote_spanned!(span=> __bound({ #body })),
            ),
        };
        let value = if wide {
            quote_spanned!(span=> #krate::__private::Wide::new(__value))
        } else {
            quote_spanned!(span=> __value)
        };
        let (kind, constructor) = match made {
            Made::Coroutine => {
                (quote_spanned!(span=> Waits), quote_spanned!(span=> coroutine::<#placement, _>))
            }
            Made::Generator(item) => (
                quote_spanned!(span=> Yields<#item>),
                quote_spanned!(span=> generator::<#placement, _, _>),
            ),
            Made::AsyncGenerator(item) => (
                quote_spanned!(span=> WaitsAndYields<#item>),
                quote_spanned!(span=> async_generator::<#placement, _, _>),
            ),
        };
        // Methods, and no paths, in what is `unsafe`: see `cps-core/src/call.rs`.
        let coroutine = match made {
            Made::Coroutine if !self.inlined => {
                let (method, value_type) = if wide {
                    (hidden("__cps_wide_coroutine"), quote_spanned!(span=> , _))
                } else {
                    (hidden("__cps_plain_coroutine"), TokenStream::new())
                };
                quote_spanned! {span=>
                    unsafe { __make.#method::<#placement #value_type>(&raw const __arguments) }
                }
            }
            _ => {
                let method = hidden(if wide { "__cps_wide" } else { "__cps_plain" });
                let body = quote_spanned!(span=> unsafe { __make.#method(&raw const __arguments) });
                if self.inlined {
                    quote_spanned! {span=>
                        #krate::__private::#constructor(#krate::__private::inlined(#body))
                    }
                } else {
                    quote_spanned!(span=> #krate::__private::#constructor(#body))
                }
            }
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
        // which is a function of its own (`Frame::start`, `resume`), and in the loop of an
        // interleaver. `Enter` keeps what is before the first suspension out of the latter two.
        quote_spanned! {span=>
            {
                let __arguments = #krate::__private::hold((#(#args,)*));
                let __make = #krate::__private::make::<
                    #krate::__private::#kind, _, _, _
                >(&__arguments, #capture |__enter| {
                    #inline
                    async #capture {
                        #receiver
                        #[allow(unused_imports)]
                        use #krate::__private::ForeignCall as _;
                        let __entered = __enter.await;
                        let __local = __entered.__cps_local();
                        #[allow(unused_variables, unused_mut)]
                        let mut #handle = unsafe { __entered.__cps_handle(&__local) };
                        // Nothing that could unwind may come between this and the bindings, or
                        // rustc keeps the arguments beside them, in case that it does.
                        #[allow(unused_variables)]
                        let #fields = unsafe { __entered.__cps_args() };
                        #hint
                        #bindings
                        #bound
                        #[allow(clippy::diverging_sub_expression)]
                        // The body stays a block of its own, for errors to point at it.
                        #[allow(unused_braces)]
                        let __value #annotation = #body;
                        #[allow(unreachable_code)]
                        #value
                    }
                });
                #coroutine
            }
        }
    }
}
