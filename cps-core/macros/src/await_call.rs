//! Rewrites a body: `.await` becomes a call, and `return` wraps its value where that is wanted.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprAwait, ExprReturn, Item, Macro, Type};

use crate::expansion::{body_label, hidden};
use crate::known_macros;

/// Rewrites `block`, whose value is of type `output` as far as that can be named, and tells whether
/// the value is returned in a `Wide`.
pub(crate) fn rewrite(block: &mut Block, krate: &TokenStream, output: Option<&Type>) -> bool {
    let mut only = OnlyVisibleReturns(true);
    only.visit_block(block);
    let wide = only.0;
    Rewrite { krate, output, wide }.visit_block_mut(block);
    wide
}

/// Whether the body returns by its tail and by `return` only, as far as tokens can tell: `?`, and
/// macros that may contain it or `return`, decide the type that is returned.
struct OnlyVisibleReturns(bool);

impl Visit<'_> for OnlyVisibleReturns {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Try(_) | Expr::Verbatim(_) => self.0 = false,
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &Macro) {
        match known_macros::arguments(mac) {
            Some(mut arguments) => {
                arguments.exprs_mut().into_iter().for_each(|argument| self.visit_expr(argument));
            }
            None => self.0 &= is_body(mac),
        }
    }

    fn visit_item(&mut self, _: &Item) {}
}

/// Whether the macro contains another body, whose returns are its own.
fn is_body(mac: &Macro) -> bool {
    let segments = &mac.path.segments;
    segments.last().is_some_and(|last| last.ident == "coroutine_block")
        && (segments.len() == 1 || segments[0].ident == "cps_core")
}

struct Rewrite<'a> {
    krate: &'a TokenStream,
    output: Option<&'a Type>,
    wide: bool,
}

impl VisitMut for Rewrite<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            // Another body: its awaits and returns are its own.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Await(awaited) => {
                let start = awaited.base.span();
                self.visit_expr_mut(&mut awaited.base);
                *expr = Expr::Verbatim(self.call(awaited, start));
            }
            Expr::Return(_) if self.wide => {
                visit_mut::visit_expr_mut(self, expr);
                if let Expr::Return(ret) = expr {
                    *expr = Expr::Verbatim(self.wrap(ret));
                }
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if let Some(mut arguments) = known_macros::arguments(mac) {
            arguments.exprs_mut().into_iter().for_each(|argument| self.visit_expr_mut(argument));
            mac.tokens = arguments.into_token_stream();
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

impl Rewrite<'_> {
    /// The expansion that `cps-core/src/call.rs` explains. The outer parentheses are there since a
    /// `match` at the start of a statement would be the whole statement, the inner ones since a
    /// struct literal would end the scrutinee.
    ///
    /// The `match` spans the user's expression, `start` to `await`, and is of the user's syntax
    /// context: there errors and lints about the value point. The parentheses must not span it, or
    /// they would take its place.
    ///
    /// The branch that is never taken refuses to compile when the expression has come into another
    /// body, where the chain is not the one that runs: no label reaches into a closure or
    /// an `async` block. A user's own macro with the name of a known one could put it there.
    fn call(&self, awaited: &ExprAwait, start: Span) -> TokenStream {
        let ExprAwait { attrs, base, dot_token, await_token } = awaited;
        let krate = self.krate;
        let chain = hidden("__chain");
        let span = Span::mixed_site().located_at(await_token.span);
        let body = body_label(span);
        // With the span's context it would be the place of the attribute.
        let location = quote_spanned!(await_token.span=> ::core::panic::Location::caller());
        let arm = quote_spanned! {span=>
            __callee => {
                struct __Site;
                impl #krate::__private::Site for __Site {
                    const AT: ::core::option::Option<&'static ::core::panic::Location<'static>> =
                        ::core::option::Option::Some(#location);
                }
                let mut __slot = #krate::__private::Slot { empty: () };
                let __value = '__call: {
                    let __suspended = {
                        let (__ready, __suspended) = unsafe {
                            __callee.__cps_begin::<__Site, _>(#chain, &raw mut __slot)
                        };
                        if let ::core::option::Option::Some(__value) = __ready {
                            break '__call __value;
                        }
                        #[allow(unreachable_code)]
                        if false {
                            break #body loop {};
                        }
                        __suspended
                    };
                    let __resumed = __suspended.await;
                    let (__value, __next) = unsafe {
                        #krate::__private::finish(&raw mut __slot, __resumed)
                    };
                    #[allow(unused_assignments)]
                    {
                        #chain = __next;
                    }
                    __value
                };
                __value
            }
        };
        let keyword = quote_spanned!(start=> match);
        let arms = quote_spanned!(await_token.span=> { #arm });
        let scrutinee = quote_spanned!(span=> (#base));
        let parens = Span::mixed_site().located_at(dot_token.span);
        quote_spanned!(parens=> #(#attrs)* (#keyword #scrutinee #arms))
    }

    /// The value is bound first, for its type: errors point at the expression and at the signature.
    fn wrap(&self, ExprReturn { attrs, return_token, expr }: &ExprReturn) -> TokenStream {
        let krate = self.krate;
        let span = Span::mixed_site().located_at(return_token.span);
        let value = match expr {
            Some(expr) => expr.to_token_stream(),
            None => quote_spanned!(return_token.span=> ()),
        };
        let annotation = self.output.map(|ty| quote_spanned!(span=> : #ty));
        quote_spanned! {span=>
            #(#attrs)*
            #return_token {
                let __value #annotation = #value;
                #krate::__private::Wide::new(__value)
            }
        }
    }
}
