//! Rewrites a body: `.await` becomes a call, and `return` wraps its value where that is wanted.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprAwait, ExprReturn, Item, Macro};

use crate::expansion::hidden;
use crate::known_macros;

/// Rewrites `block` and tells whether its value is returned in a `Wide`.
pub(crate) fn rewrite(block: &mut Block, krate: &TokenStream) -> bool {
    let mut only = OnlyVisibleReturns(true);
    only.visit_block(block);
    let wide = only.0;
    Rewrite { krate, wide }.visit_block_mut(block);
    wide
}

/// Whether the body returns by its tail and by `return` only, as far as tokens can tell: `?`, and
/// macros that may contain it or `return`, decide the type that is returned.
struct OnlyVisibleReturns(bool);

impl Visit<'_> for OnlyVisibleReturns {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Try(_) => self.0 = false,
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &Macro) {
        match known_macros::arguments(mac) {
            Some(arguments) => arguments.iter().for_each(|argument| self.visit_expr(argument)),
            None => self.0 = false,
        }
    }

    fn visit_item(&mut self, _: &Item) {}
}

struct Rewrite<'a> {
    krate: &'a TokenStream,
    wide: bool,
}

impl VisitMut for Rewrite<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            // Another body: its awaits and returns are its own.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Await(_) => {
                visit_mut::visit_expr_mut(self, expr);
                if let Expr::Await(awaited) = expr {
                    *expr = Expr::Verbatim(self.call(awaited));
                }
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
            arguments.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
            mac.tokens = arguments.into_token_stream();
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

impl Rewrite<'_> {
    /// The expansion that `cps-core/src/call.rs` explains. In parentheses, since a `match` at the
    /// start of a statement would be the whole statement.
    fn call(&self, ExprAwait { attrs, base, await_token, .. }: &ExprAwait) -> TokenStream {
        let krate = self.krate;
        let scope = hidden("__scope");
        let span = Span::mixed_site().located_at(await_token.span);
        quote_spanned! {span=>
            #(#attrs)*
            (match #base {
                __callee => {
                    let mut __slot = #krate::__private::Slot { empty: () };
                    '__call: {
                        let __suspended = {
                            let (__ready, __suspended) = unsafe {
                                __callee.__begin(#scope.chain(), &raw mut __slot)
                            };
                            if let ::core::option::Option::Some(__value) = __ready {
                                break '__call __value;
                            }
                            __suspended
                        };
                        let __result = __suspended.await;
                        unsafe { #krate::__private::finish(&raw mut __slot, __result) }
                    }
                }
            })
        }
    }

    fn wrap(&self, ExprReturn { attrs, return_token, expr }: &ExprReturn) -> TokenStream {
        let krate = self.krate;
        let span = Span::mixed_site().located_at(return_token.span);
        let value = match expr {
            Some(expr) => expr.to_token_stream(),
            None => quote_spanned!(span=> ()),
        };
        quote_spanned! {span=> #(#attrs)* #return_token #krate::__private::Wide::new(#value) }
    }
}
