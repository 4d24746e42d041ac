//! Fragments of `macro_rules!`, as text that means the same.
//!
//! A fragment that a macro has matched as `$x:expr`, `$t:ty` and so on reaches another macro as a group with
//! invisible delimiters. rustc ignores these in the output of a procedural macro: `10 * $x` with `1 + 2` for `$x`
//! would become `10 * 1 + 2`. So a group is replaced by its content, in parentheses if it would not stay together
//! without them.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::{Expr, Type, TypeParamBound};

/// Macros of the standard library that show the text of an argument, or take it as it is. A fragment that is a whole
/// argument is given to them without parentheses.
const SHOW_TEXT: &[&str] =
    &["assert", "debug_assert", "dbg", "stringify", "assert_eq", "assert_ne", "matches"];

/// The tokens without invisible groups.
pub(crate) fn resolve(tokens: TokenStream) -> TokenStream {
    Resolve { in_macro: false }.stream(tokens)
}

/// Whether there is any invisible group.
fn has_fragments(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None || has_fragments(&group.stream())
        }
        _ => false,
    })
}

struct Resolve {
    /// Among the arguments of a macro, which may take a fragment as one token.
    in_macro: bool,
}

impl Resolve {
    fn stream(&self, tokens: TokenStream) -> TokenStream {
        if !has_fragments(&tokens) {
            return tokens;
        }
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut output = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                    let content = self.stream(group.stream());
                    let next = tokens.get(index + 1);
                    self.fragment(
                        content,
                        index.checked_sub(1).map(|i| &tokens[i]),
                        next,
                        &mut output,
                    );
                }
                TokenTree::Group(group) => {
                    let inner = match macro_name(&tokens[..index]) {
                        Some(name) => {
                            Resolve { in_macro: !SHOW_TEXT.contains(&&*name.to_string()) }
                        }
                        None => Resolve { in_macro: self.in_macro },
                    };
                    let mut resolved = Group::new(group.delimiter(), inner.stream(group.stream()));
                    resolved.set_span(group.span());
                    output.push(TokenTree::Group(resolved));
                }
                other => output.push(other.clone()),
            }
        }
        output.into_iter().collect()
    }

    /// Puts a fragment, which stands between two tokens, into the output.
    fn fragment(
        &self,
        content: TokenStream,
        previous: Option<&TokenTree>,
        next: Option<&TokenTree>,
        output: &mut Vec<TokenTree>,
    ) {
        // `n as $t < 1`: without parentheses, `<` would begin the type's arguments.
        let is_cast = matches!(previous, Some(TokenTree::Ident(ident)) if ident == "as");
        if is_cast && matches!(next, Some(TokenTree::Punct(punct)) if punct.as_char() == '<') {
            output.push(delimited(Delimiter::Parenthesis, content));
            return;
        }
        if is_one(&content) {
            output.extend(content);
            return;
        }
        let is_alone = !self.in_macro && separates(previous) && separates(next);
        if let Ok(expr) = syn::parse2::<Expr>(content.clone()) {
            match precedence(&expr) {
                Precedence::Never => output.extend(content),
                Precedence::Low if is_alone => output.extend(content),
                Precedence::Block if !self.in_macro && !continues(next) => output.extend(content),
                Precedence::Postfix => output.extend(content),
                Precedence::Low | Precedence::Block => {
                    output.push(delimited(Delimiter::Parenthesis, content));
                }
            }
        } else if let Ok(ty) = syn::parse2::<Type>(content.clone()) {
            if is_path_separator(next) {
                // `$t::new()`.
                output.push(TokenTree::Punct(Punct::new('<', Spacing::Alone)));
                output.extend(content);
                output.push(TokenTree::Punct(Punct::new('>', Spacing::Alone)));
            } else if has_plus(&ty) {
                output.push(delimited(Delimiter::Parenthesis, content));
            } else {
                output.extend(content);
            }
        } else {
            output.extend(content);
        }
    }
}

fn delimited(delimiter: Delimiter, content: TokenStream) -> TokenTree {
    let mut group = Group::new(delimiter, content);
    group.set_span(Span::mixed_site());
    TokenTree::Group(group)
}

/// Whether it is one token, or a lifetime.
fn is_one(content: &TokenStream) -> bool {
    let mut tokens = content.clone().into_iter();
    match (tokens.next(), tokens.next(), tokens.next()) {
        (_, None, _) => true,
        (Some(TokenTree::Punct(tick)), Some(TokenTree::Ident(_)), None) => tick.as_char() == '\'',
        _ => false,
    }
}

/// `name` of `name!`, if the tokens end in that.
fn macro_name(before: &[TokenTree]) -> Option<&Ident> {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(bang)] if bang.as_char() == '!' => Some(name),
        // `macro_rules! name { … }`
        [.., TokenTree::Ident(rules), TokenTree::Punct(bang), TokenTree::Ident(_)]
            if bang.as_char() == '!' =>
        {
            Some(rules)
        }
        _ => None,
    }
}

/// Whether there is no operator, or a token that cannot be one.
fn separates(token: Option<&TokenTree>) -> bool {
    match token {
        None => true,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), ',' | ';'),
        _ => false,
    }
}

/// Whether the next token would continue an expression that ends in a block.
fn continues(next: Option<&TokenTree>) -> bool {
    match next {
        None => false,
        Some(TokenTree::Punct(punct)) => !matches!(punct.as_char(), ',' | ';'),
        Some(TokenTree::Ident(ident)) => ident == "as",
        Some(TokenTree::Group(group)) => group.delimiter() != Delimiter::Brace,
        Some(TokenTree::Literal(_)) => false,
    }
}

fn is_path_separator(next: Option<&TokenTree>) -> bool {
    matches!(next, Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint)
}

enum Precedence {
    /// A path, a call and the like: stays together whatever stands beside it.
    Postfix,
    /// An operator.
    Low,
    /// Ends in a block.
    Block,
    /// Not an expression where parentheses may stand.
    Never,
}

fn precedence(expr: &Expr) -> Precedence {
    match expr {
        Expr::Array(_)
        | Expr::Await(_)
        | Expr::Call(_)
        | Expr::Field(_)
        | Expr::Index(_)
        | Expr::Lit(_)
        | Expr::Macro(_)
        | Expr::MethodCall(_)
        | Expr::Paren(_)
        | Expr::Path(_)
        | Expr::Repeat(_)
        | Expr::Try(_)
        | Expr::Tuple(_) => Precedence::Postfix,
        Expr::Block(_)
        | Expr::Const(_)
        | Expr::ForLoop(_)
        | Expr::If(_)
        | Expr::Loop(_)
        | Expr::Match(_)
        | Expr::Unsafe(_)
        | Expr::While(_) => Precedence::Block,
        Expr::Let(_) | Expr::Verbatim(_) => Precedence::Never,
        _ => Precedence::Low,
    }
}

/// Whether it is a list of bounds, such as `dyn A + B`.
fn has_plus(ty: &Type) -> bool {
    let count = |bounds: &syn::punctuated::Punctuated<TypeParamBound, _>| bounds.len();
    match ty {
        Type::TraitObject(object) => count(&object.bounds) > 1,
        Type::ImplTrait(object) => count(&object.bounds) > 1,
        _ => false,
    }
}
