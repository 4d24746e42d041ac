//! Arguments that the body uses just once, by value: their memory is free from then on.
//!
//! rustc keeps a local that was held over an await until it is moved out. A value of a `Copy` type is never moved,
//! but copied: the original stays in the frame, beside the callee's frame, which has the copy. So an argument that is
//! passed on as a whole, as in `next(blob).await`, is held in a wrapper that is not `Copy`. Its use unwraps it, which
//! is a move. Only arguments that are held over an await need this.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Block, Expr, Item, Macro};

/// If `name` occurs just once in `block`, as an argument of a call that is reached once at most and
/// not before an await, unwraps it there. Whether it did: then the argument has to be bound in the
/// wrapper.
pub(crate) fn unwrap(block: &mut Block, name: &Ident) -> bool {
    if occurrences(block.to_token_stream(), &name.to_string()) != 1 {
        return false;
    }
    let mut unwrap = Unwrap { name, awaited: false, done: false };
    unwrap.visit_block_mut(block);
    unwrap.done
}

/// How often the name occurs in any way, also in a format string, or as another name's part there.
fn occurrences(tokens: TokenStream, name: &str) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) => usize::from(ident == name),
            TokenTree::Group(group) => occurrences(group.stream(), name),
            TokenTree::Literal(literal) => usize::from(literal.to_string().contains(name)),
            TokenTree::Punct(_) => 0,
        })
        .sum()
}

/// Whether the tokens contain an `.await`, also one of another body.
fn awaits(tokens: TokenStream) -> bool {
    occurrences(tokens, "await") != 0
}

struct Unwrap<'a> {
    name: &'a Ident,
    /// Whether there is an await before, in the order of the text.
    awaited: bool,
    done: bool,
}

impl Unwrap<'_> {
    fn visit_argument(&mut self, argument: &mut Expr) {
        match argument {
            Expr::Path(path) if self.awaited && path.path.is_ident(self.name) => {
                let span = Span::mixed_site().located_at(self.name.span());
                // A method, so that the argument's type is known here, and is coerced as the name's would be.
                *argument = Expr::Verbatim(quote_spanned!(span=> #path.__cps_into_inner()));
                self.done = true;
            }
            _ => self.visit_expr_mut(argument),
        }
    }
}

impl VisitMut for Unwrap<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            // A loop, which is reached any number of times, or another body, which captures the name.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) => {
                self.awaited |= awaits(expr.to_token_stream());
            }
            Expr::Await(awaited) => {
                self.visit_expr_mut(&mut awaited.base);
                self.awaited = true;
            }
            Expr::Call(call) => {
                self.visit_expr_mut(&mut call.func);
                call.args.iter_mut().for_each(|argument| self.visit_argument(argument));
            }
            Expr::MethodCall(call) => {
                self.visit_expr_mut(&mut call.receiver);
                call.args.iter_mut().for_each(|argument| self.visit_argument(argument));
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    /// A guard is reached once for each pattern of its arm that matches.
    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.awaited |=
            arm.guard.as_ref().is_some_and(|(_, guard)| awaits(guard.to_token_stream()));
        self.visit_expr_mut(&mut arm.body);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.awaited |= awaits(mac.tokens.clone());
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
