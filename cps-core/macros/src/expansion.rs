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

/// The spans of an `async fn`, which the future of its body gets, so that errors and lints about the future point at
/// the function.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Of `async`.
    pub(crate) start: Span,
    /// Where the signature ends.
    pub(crate) end: Span,
    /// Of the body.
    pub(crate) body: Span,
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
    /// Binds the arguments, which are the fields of `__cps_args`.
    pub(crate) bindings: TokenStream,
    /// The rewritten body, a block.
    pub(crate) body: TokenStream,
    /// The output type as far as it can be named in a body.
    pub(crate) output: Option<&'a Type>,
    /// The bounds of the value, if it is a closure.
    pub(crate) bounds: Option<TokenStream>,
    /// Whether the value is returned in a `Wide`.
    pub(crate) wide: bool,
    /// Where the text of an `async fn` stands.
    pub(crate) place: Option<Place>,
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
        let (handle, fields) = (hidden("__cps_handle"), hidden("__cps_args"));
        let inline = (!self.has_target_features)
            .then(|| quote_spanned!(span=> #[cfg_attr(not(debug_assertions), inline(always))]));
        // All of `self`, even if the body names parts of it only: as an argument it belongs to the body.
        let receiver = self.receiver.map(|this| quote_spanned!(span=> let _ = &#this;));
        let annotation = output.map(|ty| quote_spanned!(span=> : #ty));
        // The body stays a block of its own, so that errors point at it. With any attribute on it, no lint says that
        // the block is unnecessary.
        let body = quote_spanned!(span=> { #[allow(clippy::main_recursion)] #body });
        let (bound, body) = match self.bounds {
            None => (TokenStream::new(), body),
            Some(bounds) => (
                quote_spanned! {span=>
                    fn __cps_bound<__Value: #bounds>(__cps_value: __Value) -> __Value {
                        __cps_value
                    }
                },
                quote_spanned!(span=> __cps_bound(#body)),
            ),
        };
        // The body is the last expression if it can be: there are lints for that place.
        let value = if wide {
            quote_spanned! {span=>
                #[allow(clippy::diverging_sub_expression)]
                let __cps_value #annotation = #body;
                #[allow(unreachable_code)]
                #krate::__private::Wide::new(__cps_value)
            }
        } else {
            body
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
        // The `unsafe` blocks call methods, and name no paths: see `cps-core/src/call/mod.rs`.
        let coroutine = match made {
            Made::Coroutine if !self.inlined => {
                let (method, value_type) = if wide {
                    (hidden("__cps_wide_coroutine"), quote_spanned!(span=> , _))
                } else {
                    (hidden("__cps_plain_coroutine"), TokenStream::new())
                };
                quote_spanned! {span=>
                    // SAFETY: the arguments are held for this, and not used again. The future of the closure,
                    // `content` below, awaits `__cps_enter` first and then takes its arguments (invariant E).
                    unsafe { __cps_make.#method::<#placement #value_type>(&raw const __cps_arguments) }
                }
            }
            _ => {
                let method = hidden(if wide { "__cps_wide" } else { "__cps_plain" });
                // SAFETY: the arguments are held for this, and not used again. The future of the closure, `content`
                // below, awaits `__cps_enter` first and then takes its arguments (invariant E).
                let body = quote_spanned!(span=> unsafe { __cps_make.#method(&raw const __cps_arguments) });
                if self.inlined {
                    quote_spanned! {span=>
                        #krate::__private::#constructor(#krate::__private::inlined(#body))
                    }
                } else {
                    quote_spanned!(span=> #krate::__private::#constructor(#body))
                }
            }
        };
        // Tells rustc the type of `return` and `?` before it checks the body, as a signature does.
        let hint = output.filter(|_| !wide).map(|ty| {
            quote_spanned! {span=>
                if let ::core::option::Option::Some(__cps_value) = ::core::option::Option::None::<#ty> {
                    return __cps_value;
                }
            }
        });
        let place = self.place.unwrap_or(Place { start: span, end: span, body: span });
        let asynchronous = Ident::new("async", place.start);
        let moving = capture.map(|_| Ident::new("move", place.end));
        // Two blocks, since the edition of the inner one's span decides when temporaries are dropped.
        let content = quote_spanned! {span=>
            {
                #receiver
                #[allow(unused_imports)]
                use #krate::__private::ForeignCall as _;
                let __cps_entered = __cps_enter.await;
                let __cps_local = ();
                // SAFETY: the body has awaited `__cps_enter` alone, and takes its handle once, with a local of its own.
                let mut #handle = unsafe { __cps_entered.__cps_handle(&__cps_local) };
                // Nothing that could unwind may come between this and the bindings: otherwise rustc keeps the
                // arguments beside the bindings, to drop them then.
                // SAFETY: the body has awaited `__cps_enter` alone, and takes its arguments once.
                let #fields = unsafe { __cps_entered.__cps_args() };
                #hint
                #bindings
                #bound
                #value
            }
        };
        let block = quote_spanned!(place.body=> { #content });
        // `inline(always)` concerns the poll of the body: it is polled in two places, each of which is a function of
        // its own (`cps-core/src/frame/outlined.rs`: `start`, `resume`), and in the loop of an interleaver. `Enter`
        // keeps the code before the first suspension out of the latter two.
        quote_spanned! {span=>
            {
                #[allow(clippy::used_underscore_binding)]
                let __cps_arguments = #krate::__private::hold((#(#args,)*));
                let __cps_make = #krate::__private::make::<
                    #krate::__private::#kind, _, _, _
                >(&__cps_arguments, #capture |__cps_enter| {
                    #inline
                    #asynchronous #moving #block
                });
                #coroutine
            }
        }
    }
}
