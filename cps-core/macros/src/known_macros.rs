//! Macros of the standard library that take expressions and contain no `return`: an `.await` in
//! one of them is rewritten, in any other macro it is left as it is (and then awaits the coroutine
//! as a chain of its own, which is correct but not direct).

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Pat, Token};

/// Their arguments are a list of expressions, and the one at the index is a format string.
const FORMAT: &[(&str, usize)] = &[
    ("assert", 1),
    ("assert_eq", 2),
    ("assert_ne", 2),
    ("debug_assert", 1),
    ("debug_assert_eq", 2),
    ("debug_assert_ne", 2),
    ("eprint", 0),
    ("eprintln", 0),
    ("format", 0),
    ("format_args", 0),
    ("panic", 0),
    ("print", 0),
    ("println", 0),
    ("todo", 0),
    ("unimplemented", 0),
    ("unreachable", 0),
    ("write", 1),
    ("writeln", 1),
];

/// Their arguments are expressions too, or nothing.
const OTHER: &[&str] = &[
    "cfg",
    "column",
    "concat",
    "dbg",
    "env",
    "file",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "option_env",
    "pin",
    "stringify",
    "vec",
];

/// A known macro's arguments.
pub(crate) enum Arguments {
    /// `a, b, c`. A named format argument, `x = expr`, is an assignment to the parser, which does
    /// no harm.
    List(Punctuated<Expr, Token![,]>),
    /// `element; count`, of `vec!`.
    Repeat(Box<Expr>, Token![;], Box<Expr>),
    /// `scrutinee, pattern if guard`, of `matches!`.
    Matches(Box<Expr>, Token![,], Box<Pat>, Option<(Token![if], Box<Expr>)>, Option<Token![,]>),
    /// Tokens that are not evaluated, of `stringify!`.
    Quoted(TokenStream),
}

/// Which of the macro's arguments is a format string.
pub(crate) fn format_string(mac: &Macro) -> Option<usize> {
    let name = name(mac)?;
    FORMAT.iter().find_map(|(known, index)| (*known == name).then_some(*index))
}

/// The macro's arguments, if it is known and they can be read.
pub(crate) fn arguments(mac: &Macro) -> Option<Arguments> {
    let name = name(mac)?;
    let tokens = mac.tokens.clone();
    match &*name {
        "stringify" => Some(Arguments::Quoted(tokens)),
        "matches" => Arguments::matches.parse2(tokens).ok(),
        "vec" => Arguments::repeat
            .parse2(tokens.clone())
            .or_else(|_| Arguments::list.parse2(tokens))
            .ok(),
        name if OTHER.contains(&name) || format_string(mac).is_some() => {
            Arguments::list.parse2(tokens).ok()
        }
        _ => None,
    }
}

/// The macro's name. A path of several segments may be anybody's macro of that name.
fn name(mac: &Macro) -> Option<String> {
    mac.path.get_ident().map(|name| name.to_string())
}

impl Arguments {
    fn list(input: ParseStream<'_>) -> syn::Result<Self> {
        Punctuated::parse_terminated(input).map(Arguments::List)
    }

    fn repeat(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Arguments::Repeat(input.parse()?, input.parse()?, input.parse()?))
    }

    fn matches(input: ParseStream<'_>) -> syn::Result<Self> {
        let (scrutinee, comma) = (input.parse()?, input.parse()?);
        let pat = Box::new(Pat::parse_multi_with_leading_vert(input)?);
        let guard = match Option::parse(input)? {
            Some(token) => Some((token, input.parse()?)),
            None => None,
        };
        Ok(Arguments::Matches(scrutinee, comma, pat, guard, Option::parse(input)?))
    }

    /// The expressions that are evaluated.
    pub(crate) fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Arguments::List(list) => list.iter_mut().collect(),
            Arguments::Repeat(element, _, count) => vec![element, count],
            Arguments::Matches(scrutinee, _, _, guard, _) => {
                let guard = guard.as_mut().map(|(_, guard)| &mut **guard);
                std::iter::once(&mut **scrutinee).chain(guard).collect()
            }
            Arguments::Quoted(_) => Vec::new(),
        }
    }
}

impl ToTokens for Arguments {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Arguments::List(list) => list.to_tokens(tokens),
            Arguments::Repeat(element, semi, count) => {
                element.to_tokens(tokens);
                semi.to_tokens(tokens);
                count.to_tokens(tokens);
            }
            Arguments::Matches(scrutinee, comma, pat, guard, trailing) => {
                scrutinee.to_tokens(tokens);
                comma.to_tokens(tokens);
                pat.to_tokens(tokens);
                if let Some((token, guard)) = guard {
                    token.to_tokens(tokens);
                    guard.to_tokens(tokens);
                }
                trailing.to_tokens(tokens);
            }
            Arguments::Quoted(quoted) => quoted.to_tokens(tokens),
        }
    }
}
