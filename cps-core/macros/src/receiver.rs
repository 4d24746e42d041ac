//! Renames `self` in a method's body: there it is a local of the body's future, and `self` cannot
//! be one.

use proc_macro2::{Group, Ident, Literal, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Item, Macro, Path};

use crate::expansion::hidden;
use crate::known_macros;

/// What the receiver is called in a body.
pub(crate) fn renamed() -> Ident {
    hidden("__self")
}

/// Renames `self` everywhere in `block` where it means the method's receiver.
pub(crate) fn rename(block: &mut Block) {
    RenameSelf.visit_block_mut(block);
}

struct RenameSelf;

impl VisitMut for RenameSelf {
    fn visit_path_mut(&mut self, path: &mut Path) {
        // `self::item` is a path into the module.
        if path.is_ident("self") {
            let segment = &mut path.segments[0];
            segment.ident = renamed_at(&segment.ident);
        } else {
            visit_mut::visit_path_mut(self, path);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        mac.tokens = in_tokens(mac.tokens.clone(), known_macros::formats(mac));
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

fn renamed_at(ident: &Ident) -> Ident {
    let mut renamed = renamed();
    renamed.set_span(renamed.span().located_at(ident.span()));
    renamed
}

fn in_tokens(tokens: TokenStream, format: bool) -> TokenStream {
    let mut output = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let token = match token {
            TokenTree::Ident(ident) if ident == "self" => {
                let is_path =
                    matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':');
                TokenTree::Ident(if is_path { ident } else { renamed_at(&ident) })
            }
            TokenTree::Group(group) => {
                let mut renamed = Group::new(group.delimiter(), in_tokens(group.stream(), false));
                renamed.set_span(group.span());
                TokenTree::Group(renamed)
            }
            TokenTree::Literal(literal) if format => TokenTree::Literal(in_format(literal)),
            other => other,
        };
        output.extend([token]);
    }
    output
}

/// Renames the receiver in a format string: `{self}`, `{self:?}`.
fn in_format(literal: Literal) -> Literal {
    let text = literal.to_string();
    if !text.contains("{self}") && !text.contains("{self:") {
        return literal;
    }
    let Ok(string) = syn::parse_str::<syn::LitStr>(&text) else { return literal };
    // `{{` is an escaped brace, not the start of an argument.
    let value = string
        .value()
        .split("{{")
        .map(|part| part.replace("{self}", "{__self}").replace("{self:", "{__self:"))
        .collect::<Vec<_>>()
        .join("{{");
    let mut renamed = Literal::string(&value);
    renamed.set_span(self::renamed().span().located_at(literal.span()));
    renamed
}
