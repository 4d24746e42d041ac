//! Macros of the standard library that take expressions and contain no `return`: an `.await` in
//! one of them is rewritten, in any other macro it is left as it is (and then awaits the coroutine
//! as a chain of its own, which is correct but not direct).

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Token};

const KNOWN: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "env",
    "file",
    "format",
    "format_args",
    "include_bytes",
    "include_str",
    "line",
    "module_path",
    "panic",
    "print",
    "println",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// Whether a string literal among the macro's arguments is a format string.
pub(crate) fn formats(mac: &Macro) -> bool {
    is_known(mac) && !["concat", "env", "stringify", "vec"].iter().any(|m| mac.path.is_ident(m))
}

fn is_known(mac: &Macro) -> bool {
    // A path of several segments may be anybody's macro of that name.
    mac.path.get_ident().is_some_and(|name| KNOWN.iter().any(|known| name == known))
}

/// The macro's arguments, if it is known and they are a list of expressions.
///
/// A named format argument, `x = expr`, is an assignment to the parser, which does no harm.
/// `vec![x; n]` is not a list; it is taken for an unknown macro.
pub(crate) fn arguments(mac: &Macro) -> Option<Punctuated<Expr, Token![,]>> {
    if !is_known(mac) {
        return None;
    }
    Punctuated::parse_terminated.parse2(mac.tokens.clone()).ok()
}
