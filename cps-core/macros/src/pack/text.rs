//! What the text of a block shows: ways out in a macro's tokens, and temporaries of its last expression.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Block, Expr, Ident, Stmt};

/// Collects the names in a macro's tokens, and finds a way out in them.
pub(super) fn scan(tokens: TokenStream, names: &mut Vec<Ident>) -> Option<Span> {
    let mut way_out = None;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if ["return", "break", "continue"].iter().any(|keyword| ident == keyword) {
                    way_out.get_or_insert(ident.span());
                }
                names.push(ident);
            }
            TokenTree::Punct(punct) if punct.as_char() == '?' => {
                way_out.get_or_insert(punct.span());
            }
            TokenTree::Group(group) => {
                way_out = way_out.or(scan(group.stream(), names));
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    way_out
}

/// The block's last expression if it may have temporaries. (Before edition 2024 they live to the end of the statement
/// around the block.)
pub(super) fn last_with_temporaries(block: &Block) -> Option<&Expr> {
    fn has_none(expr: &Expr) -> bool {
        match expr {
            Expr::Lit(_) | Expr::Path(_) => true,
            Expr::Array(array) => array.elems.iter().all(has_none),
            Expr::Binary(binary) => has_none(&binary.left) && has_none(&binary.right),
            Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => true,
            Expr::Call(call) => has_none(&call.func) && call.args.iter().all(has_none),
            Expr::Field(field) => has_none(&field.base),
            Expr::Paren(paren) => has_none(&paren.expr),
            Expr::Struct(value) => value.fields.iter().all(|field| has_none(&field.expr)),
            Expr::Tuple(tuple) => tuple.elems.iter().all(has_none),
            Expr::Unary(unary) => has_none(&unary.expr),
            // They end within.
            Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) => true,
            Expr::Block(block) => last_with_temporaries(&block.block).is_none(),
            Expr::If(branch) => {
                last_with_temporaries(&branch.then_branch).is_none()
                    && branch.else_branch.as_ref().is_none_or(|(_, other)| has_none(other))
            }
            _ => false,
        }
    }
    match block.stmts.last() {
        Some(Stmt::Expr(expr, None)) if !has_none(expr) => Some(expr),
        _ => None,
    }
}
