//! Rewrites a body: `.await` becomes a call, and `return` may wrap its value (see `returns`). Nothing else of the text
//! is changed.
//!
//! The tokens of a macro are left alone: only that macro knows their meaning, and it must not get the expansion,
//! which is `unsafe` and relies on its place. A coroutine that is awaited there is awaited as a future.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Block, Expr, ExprAwait, ExprParen, Item, Local, Stmt, Type, parse_quote_spanned, token,
};

use crate::expansion::hidden;
use crate::returns;

/// Rewrites `block`, whose value is of type `output` as far as that can be named, and tells whether the value is
/// returned in a `Wide`.
pub(crate) fn rewrite(block: &mut Block, krate: &TokenStream, output: Option<&Type>) -> bool {
    let wide = returns::may_be_wide(block, output);
    Parenthesize.visit_block_mut(block);
    Rewrite { krate, output, wide }.visit_block_mut(block);
    wide
}

/// Puts an `.await` in parentheses if the `match` that it becomes would be taken for the whole statement, or is not
/// allowed there.
struct Parenthesize;

impl VisitMut for Parenthesize {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        // Bodies of their own.
        if !matches!(expr, Expr::Closure(_) | Expr::Async(_)) {
            visit_mut::visit_expr_mut(self, expr);
        }
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        visit_mut::visit_stmt_mut(self, stmt);
        match stmt {
            // A `match` with a semicolon draws a lint.
            Stmt::Expr(expr @ Expr::Await(_), Some(_)) => parenthesize(expr, Span::mixed_site()),
            Stmt::Expr(expr, _) => first_operand(expr),
            _ => {}
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        visit_mut::visit_arm_mut(self, arm);
        first_operand(&mut arm.body);
    }

    /// No block may end before `else`.
    fn visit_local_mut(&mut self, local: &mut Local) {
        visit_mut::visit_local_mut(self, local);
        if let Some(init) = local.init.as_mut().filter(|init| init.diverge.is_some()) {
            last_operand(&mut init.expr);
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Parenthesizes the `.await` that an expression begins with, if an operator follows. (A `match` is not the whole
/// statement if a field, a method call or `?` follows.)
fn first_operand(expr: &mut Expr) {
    let operand = match expr {
        Expr::Assign(assign) => &mut assign.left,
        Expr::Binary(binary) => &mut binary.left,
        Expr::Call(call) => &mut call.func,
        Expr::Cast(cast) => &mut cast.expr,
        Expr::Field(field) => return first_operand(&mut field.base),
        Expr::Index(index) => &mut index.expr,
        Expr::MethodCall(call) => return first_operand(&mut call.receiver),
        Expr::Range(range) => match &mut range.start {
            Some(start) => start,
            None => return,
        },
        Expr::Try(tried) => return first_operand(&mut tried.expr),
        _ => return,
    };
    match &**operand {
        Expr::Await(_) => parenthesize_at_start(operand),
        _ => first_operand(operand),
    }
}

/// Parenthesizes the `.await` that an expression ends with.
fn last_operand(expr: &mut Expr) {
    match expr {
        Expr::Await(_) => parenthesize_at_start(expr),
        Expr::Assign(assign) => last_operand(&mut assign.right),
        Expr::Binary(binary) => last_operand(&mut binary.right),
        Expr::Break(brk) => brk.expr.iter_mut().for_each(|expr| last_operand(expr)),
        Expr::Range(range) => range.end.iter_mut().for_each(|expr| last_operand(expr)),
        Expr::Reference(reference) => last_operand(&mut reference.expr),
        Expr::Return(ret) => ret.expr.iter_mut().for_each(|expr| last_operand(expr)),
        Expr::Unary(unary) => last_operand(&mut unary.expr),
        _ => {}
    }
}

/// The parentheses are at the expression's first token: there an operator on it is reported to be.
fn parenthesize_at_start(expr: &mut Expr) {
    let start = expr.span();
    parenthesize(expr, start);
}

fn parenthesize(expr: &mut Expr, span: Span) {
    let paren_token = token::Paren(span);
    let placeholder = Expr::Verbatim(TokenStream::new());
    let mut inner = std::mem::replace(expr, placeholder);
    // Attributes stand on statements, not within.
    let attrs = match &mut inner {
        Expr::Await(awaited) => std::mem::take(&mut awaited.attrs),
        _ => Vec::new(),
    };
    *expr = Expr::Paren(ExprParen { attrs, paren_token, expr: Box::new(inner) });
}

struct Rewrite<'a> {
    krate: &'a TokenStream,
    output: Option<&'a Type>,
    wide: bool,
}

impl VisitMut for Rewrite<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            // Another body: its awaits are its own.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Await(awaited) => {
                let start = awaited.base.span();
                self.visit_expr_mut(&mut awaited.base);
                *expr = Expr::Verbatim(self.call(awaited, start));
            }
            Expr::Return(_) if self.wide => {
                visit_mut::visit_expr_mut(self, expr);
                if let Expr::Return(ret) = expr {
                    *expr = Expr::Verbatim(returns::wrap(ret, self.krate, self.output));
                }
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    /// Clippy does not look at the type of `let x = y.await`, but would look at that of its expansion. (Nor does it
    /// look at a `let` with attributes before a last expression that is its name.)
    fn visit_block_mut(&mut self, block: &mut Block) {
        let is_name = |stmt: Option<&Stmt>| matches!(stmt, Some(Stmt::Expr(Expr::Path(_), None)));
        let last =
            block.stmts.len().saturating_sub(if is_name(block.stmts.last()) { 2 } else { 0 });
        for stmt in &mut block.stmts[..last] {
            let Stmt::Local(local) = stmt else { continue };
            if local.init.as_ref().is_some_and(|init| matches!(*init.expr, Expr::Await(_))) {
                let span = Span::mixed_site();
                local.attrs.push(parse_quote_spanned!(span=> #[allow(clippy::let_unit_value)]));
            }
        }
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

impl Rewrite<'_> {
    /// The expansion that `cps-core/src/call/mod.rs` explains. The awaited expression is in parentheses, since a
    /// struct literal would end the scrutinee.
    ///
    /// The `match` spans the user's expression, `start` to `await`, and is of the user's syntax
    /// context: there errors and lints about the value point.
    fn call(&self, awaited: &ExprAwait, start: Span) -> TokenStream {
        let ExprAwait { attrs, base, dot_token, await_token } = awaited;
        let krate = self.krate;
        let handle = hidden("__cps_handle");
        let span = Span::mixed_site().located_at(await_token.span);
        // With the context of `span`, the location would be that of the attribute.
        let location = quote_spanned!(await_token.span=> ::core::panic::Location::caller());
        let arm = quote_spanned! {span=>
            __cps_callee => {
                struct __Site;
                impl #krate::__private::Site for __Site {
                    const AT: #krate::__private::At = ::core::option::Option::Some(#location);
                }
                let mut __cps_slot = #krate::__private::Slot::EMPTY;
                '__cps_call: {
                    // SAFETY: this is the expansion that `Handle::__cps_begin` is for. The slot is this block's
                    // local, empty, and reached by this pointer alone; what is returned is awaited at once, in the
                    // same body.
                    let __cps_waiting = match unsafe {
                        #handle.__cps_begin::<__Site, _>(__cps_callee, &raw mut __cps_slot)
                    } {
                        ::core::result::Result::Ok((__cps_ready, __cps_next)) => {
                            #handle = __cps_next;
                            // SAFETY: the call that began with this slot has just returned.
                            break '__cps_call unsafe { __cps_ready.__cps_ready(&raw mut __cps_slot) };
                        }
                        // Never runs: see `cps-core/src/call/layout.rs`.
                        ::core::result::Result::Err(::core::result::Result::Err(__cps_never)) => {
                            let __cps_rest = {
                                let __cps_layout = __cps_never.__cps_layout();
                                __cps_layout.__cps_rest
                            };
                            __cps_never.__cps_never(__cps_rest)
                        }
                        ::core::result::Result::Err(::core::result::Result::Ok(__cps_waiting)) => __cps_waiting,
                    };
                    let (__cps_resumed, __cps_next) = __cps_waiting.await;
                    #handle = __cps_next;
                    // SAFETY: the call that began with this slot was awaited just above, and by nobody else.
                    unsafe { __cps_resumed.__cps_finish(&raw mut __cps_slot) }
                }
            }
        };
        let keyword = quote_spanned!(start=> match);
        let arms = quote_spanned!(await_token.span=> { #arm });
        let scrutinee = quote_spanned!(Span::mixed_site().located_at(dot_token.span)=> (#base));
        quote_spanned!(span=> #(#attrs)* #keyword #scrutinee.__cps_call() #arms)
    }
}
