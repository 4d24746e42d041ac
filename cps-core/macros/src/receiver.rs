//! Renames `self` in a method's body: there it is a local of the body's future, and `self` cannot
//! be one.

use proc_macro2::{Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprLit, Item, Lit, LitStr, Macro, MacroDelimiter, Path};

use crate::known_macros::{self, Arguments};

/// What the receiver is called in a body.
const NAME: &str = "__self";

/// The receiver's name in a body, for a `self` at `span`.
pub(crate) fn renamed_at(span: Span) -> Ident {
    Ident::new(NAME, Span::mixed_site().located_at(span))
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
            segment.ident = renamed_at(segment.ident.span());
        } else {
            visit_mut::visit_path_mut(self, path);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if let Some(mut arguments) = known_macros::arguments(mac) {
            arguments.exprs_mut().into_iter().for_each(|argument| self.visit_expr_mut(argument));
            if let Some(index) = known_macros::format_string(mac) {
                in_format_string(&mut arguments, index);
            }
            mac.tokens = arguments.into_token_stream();
        } else if !contains_fn(mac.tokens.clone()) {
            // In a macro that defines functions, `self` is more likely theirs.
            mac.tokens = in_tokens(mac.tokens.clone());
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

fn contains_fn(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "fn",
        TokenTree::Group(group) => contains_fn(group.stream()),
        _ => false,
    })
}

/// Renames `self` in an unknown macro's tokens, but for `self::`, which is a path.
fn in_tokens(tokens: TokenStream) -> TokenStream {
    let mut output = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut before = [None, None];
    while let Some(token) = tokens.next() {
        let token = match token {
            TokenTree::Ident(ident) if ident == "self" => {
                let is_path = matches!(
                    tokens.peek(),
                    Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint
                );
                TokenTree::Ident(if is_path { ident } else { renamed_at(ident.span()) })
            }
            TokenTree::Group(group) => {
                let stream = match &before {
                    [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(bang))]
                        if bang.as_char() == '!' =>
                    {
                        in_invocation(name, group.stream())
                    }
                    _ => in_tokens(group.stream()),
                };
                let mut renamed = Group::new(group.delimiter(), stream);
                renamed.set_span(group.span());
                TokenTree::Group(renamed)
            }
            other => other,
        };
        let [_, last] = before;
        before = [last, Some(token.clone())];
        output.extend([token]);
    }
    output
}

/// Renames `self` in what looks like the invocation of a macro among the tokens of another.
fn in_invocation(name: &Ident, tokens: TokenStream) -> TokenStream {
    let mut mac = Macro {
        path: Path::from(name.clone()),
        bang_token: Default::default(),
        delimiter: MacroDelimiter::Paren(Default::default()),
        tokens,
    };
    RenameSelf.visit_macro_mut(&mut mac);
    mac.tokens
}

/// Renames the receiver in a known macro's format string, `{self}` or `{self:?}`, where it becomes a
/// named argument: the string itself must stay the user's, for the other names in it.
fn in_format_string(arguments: &mut Arguments, index: usize) {
    let Arguments::List(list) = arguments else { return };
    let Some(Expr::Lit(ExprLit { lit: Lit::Str(literal), .. })) = list.iter_mut().nth(index) else {
        return;
    };
    let text = literal.value();
    // `{{` is an escaped brace, not the start of an argument.
    let renamed = text
        .split("{{")
        .map(|part| {
            part.replace("{self}", &format!("{{{NAME}}}")).replace("{self:", &format!("{{{NAME}:"))
        })
        .collect::<Vec<_>>()
        .join("{{");
    if renamed != text {
        let span = literal.span();
        *literal = LitStr::new(&renamed, span);
        let (name, value) = (Ident::new(NAME, span), renamed_at(span));
        list.push(Expr::Verbatim(quote!(#name = #value)));
    }
}
