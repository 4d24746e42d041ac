//! How a body returns, which decides whether its value may be returned in a `Wide`.
//!
//! `?`, and macros, which may contain it or `return`, determine the type that the body returns. A `return` may be
//! rewritten only if nobody notices: its value is coerced to a type that can be written down, it draws no lint for
//! being the last expression of the body, and it takes nothing but the type of its value from its place.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprReturn, Item, Macro, Stmt, Type};

/// Whether the value may be returned in a `Wide`, by a body whose value is of type `output` as far as that can be
/// named.
pub(crate) fn may_be_wide(block: &Block, output: Option<&Type>) -> bool {
    let is_nameable = output.is_some_and(|ty| !contains_infer(ty));
    let mut returns = Returns { is_wide: true, is_nameable };
    returns.visit_block(block);
    returns.is_wide && !(is_nameable && ends_in_return(block))
}

/// `return` with its value in a `Wide`. The value is bound first, for its type: errors point at the expression and
/// at the signature.
pub(crate) fn wrap(ret: &ExprReturn, krate: &TokenStream, output: Option<&Type>) -> TokenStream {
    let ExprReturn { attrs, return_token, expr } = ret;
    let span = Span::mixed_site().located_at(return_token.span);
    let value = match expr {
        Some(expr) => expr.to_token_stream(),
        None => quote_spanned!(return_token.span=> ()),
    };
    let annotation = output.map(|ty| quote_spanned!(span=> : #ty));
    quote_spanned! {span=>
        #(#attrs)*
        #return_token {
            let __cps_value #annotation = #value;
            #krate::__private::Wide::new(__cps_value)
        }
    }
}

struct Returns {
    is_wide: bool,
    is_nameable: bool,
}

impl Visit<'_> for Returns {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            // Bodies of their own.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Try(_) | Expr::Verbatim(_) => self.is_wide = false,
            Expr::Return(ret) => {
                self.is_wide &= self.is_nameable && ret.expr.as_ref().is_none_or(|e| is_simple(e));
                visit::visit_expr(self, expr);
            }
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &Macro) {
        self.is_wide &= is_body(mac);
    }

    fn visit_item(&mut self, _: &Item) {}
}

/// Whether the macro is another body, whose returns are its own, or a block that has become one.
fn is_body(mac: &Macro) -> bool {
    let segments = &mac.path.segments;
    segments.last().is_some_and(|last| last.ident == "coroutine_block" || last.ident == "pack")
        && (segments.len() == 1 || segments[0].ident == "cps_core")
}

/// Whether it consists of names, values and operators.
fn is_simple(expr: &Expr) -> bool {
    match expr {
        // A value that `?` could have returned draws a lint.
        Expr::Path(path) => !path.path.is_ident("None"),
        Expr::Call(call) if is_err(&call.func) => false,
        Expr::Lit(_) => true,
        Expr::Await(awaited) => is_simple(&awaited.base),
        Expr::Binary(binary) => is_simple(&binary.left) && is_simple(&binary.right),
        Expr::Call(call) => is_simple(&call.func) && call.args.iter().all(is_simple),
        Expr::Cast(cast) => is_simple(&cast.expr),
        Expr::Field(field) => is_simple(&field.base),
        Expr::Index(index) => is_simple(&index.expr) && is_simple(&index.index),
        Expr::MethodCall(call) => is_simple(&call.receiver) && call.args.iter().all(is_simple),
        Expr::Paren(paren) => is_simple(&paren.expr),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_simple),
        Expr::Unary(unary) => is_simple(&unary.expr),
        _ => false,
    }
}

fn is_err(function: &Expr) -> bool {
    matches!(function, Expr::Path(path) if path.path.is_ident("Err"))
}

/// Whether the block ends with a `return`, on some path through it.
fn ends_in_return(block: &Block) -> bool {
    match block.stmts.last() {
        Some(Stmt::Expr(expr, _)) => is_ended_by_return(expr),
        _ => false,
    }
}

fn is_ended_by_return(expr: &Expr) -> bool {
    match expr {
        Expr::Return(_) => true,
        Expr::Block(block) => ends_in_return(&block.block),
        Expr::Unsafe(block) => ends_in_return(&block.block),
        Expr::If(branch) => {
            ends_in_return(&branch.then_branch)
                || branch.else_branch.as_ref().is_some_and(|(_, other)| is_ended_by_return(other))
        }
        Expr::Match(branches) => branches.arms.iter().any(|arm| is_ended_by_return(&arm.body)),
        _ => false,
    }
}

fn contains_infer(ty: &Type) -> bool {
    struct Infer(bool);
    impl Visit<'_> for Infer {
        fn visit_type(&mut self, ty: &Type) {
            self.0 |= matches!(ty, Type::Infer(_));
            visit::visit_type(self, ty);
        }
    }
    let mut infer = Infer(false);
    infer.visit_type(ty);
    infer.0
}
