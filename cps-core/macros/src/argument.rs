//! A function's arguments: as parameters of the outer function, and as locals of the body.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, FnArg, ItemFn, Meta, Pat, PatIdent, PatOr, Signature, Token, TraitItemFn,
    parse_quote,
};

use crate::expansion::hidden;
use crate::moved_once;

/// Turns the arguments into the outer function's parameters: plain names. An attribute that sets the level of a lint
/// moves with the pattern into the body. Any other attribute stays, for rustc to refuse.
pub(crate) fn declare(sig: &mut Signature) {
    for (index, input) in sig.inputs.iter_mut().enumerate() {
        match input {
            // The body captures it.
            FnArg::Receiver(_) => {}
            FnArg::Typed(argument) => {
                argument.attrs.retain(|attr| !is_lint_level(attr));
                let name = parameter_name(index, &argument.pat);
                *argument.pat = Pat::Ident(PatIdent {
                    attrs: Vec::new(),
                    by_ref: None,
                    mutability: None,
                    ident: name,
                    subpat: None,
                });
            }
        }
    }
}

/// The arguments, without the receiver, as expressions of the outer function, and their bindings in the body, which
/// may be rewritten.
///
/// rustc makes the same bindings for an `async fn`, in the same order: each argument, then its pattern. So arguments
/// are dropped in the same order, also those that a pattern ignores.
pub(crate) fn bind(
    sig: &Signature,
    block: &mut Block,
    krate: &TokenStream,
) -> (Vec<TokenStream>, TokenStream) {
    let span = Span::mixed_site();
    let fields = hidden("__cps_args");
    let (mut args, mut bindings) = (Vec::new(), TokenStream::new());
    for (index, input) in sig.inputs.iter().enumerate() {
        let FnArg::Typed(argument) = input else { continue };
        let field = syn::Index { index: args.len() as u32, span };
        let name = parameter_name(index, &argument.pat);
        let (attrs, pat) =
            (argument.attrs.iter().filter(|attr| is_lint_level(attr)), &argument.pat);
        let allow = quote_spanned! {span=>
            #[allow(clippy::shadow_unrelated, clippy::no_effect_underscore_binding)]
        };
        bindings.extend(if is_immutable(pat) && moved_once::unwrap(block, &name) {
            quote_spanned! {span=>
                #allow
                #(#attrs)*
                let #pat = #krate::__private::Held::new(#fields.#field);
            }
        } else if is_name(pat) {
            // The parameter has the same name.
            quote_spanned! {span=>
                #allow
                #(#attrs)*
                let #pat = #fields.#field;
            }
        } else {
            // A pattern may borrow from it, `ref mut`.
            quote_spanned! {span=>
                #[allow(unused_mut)]
                let mut #name = #fields.#field;
                #(#attrs)*
                let #pat = #name;
            }
        });
        args.push(quote!(#name));
    }
    (args, bindings)
}

/// Whether the attribute sets the level of a lint.
fn is_lint_level(attr: &Attribute) -> bool {
    ["allow", "deny", "expect", "forbid", "warn"].iter().any(|name| attr.path().is_ident(name))
}

/// A function that has each name which the patterns bind more than once as a parameter, for rustc to refuse. As
/// bindings of the body, the last would shadow the others. (A name that begins with a capital may be a constant
/// instead of a binding.)
pub(crate) fn bound_twice(sig: &Signature) -> Option<TokenStream> {
    struct Names(Vec<Ident>);
    impl<'a> Visit<'a> for Names {
        fn visit_pat_ident(&mut self, pat: &'a PatIdent) {
            if !pat.ident.to_string().starts_with(char::is_uppercase) {
                self.0.push(pat.ident.clone());
            }
            visit::visit_pat_ident(self, pat);
        }

        /// Each alternative binds the same.
        fn visit_pat_or(&mut self, pat: &'a PatOr) {
            pat.cases.iter().take(1).for_each(|case| self.visit_pat(case));
        }
    }

    let mut names = Names(Vec::new());
    for input in &sig.inputs {
        if let FnArg::Typed(argument) = input {
            names.visit_pat(&argument.pat);
        }
    }
    let Names(names) = names;
    let is_twice = |name: &&Ident| names.iter().filter(|other| other == name).count() > 1;
    let twice: Vec<_> = names.iter().filter(is_twice).collect();
    (!twice.is_empty()).then(|| {
        quote_spanned! {Span::mixed_site()=>
            #[allow(dead_code, non_snake_case, unused_variables)]
            fn __cps_parameters(#(#twice: ()),*) {}
        }
    })
}

/// Whether the pattern only names its argument.
fn is_name(pat: &Pat) -> bool {
    matches!(pat, Pat::Ident(PatIdent { by_ref: None, subpat: None, .. }))
}

fn is_immutable(pat: &Pat) -> bool {
    is_name(pat) && matches!(pat, Pat::Ident(PatIdent { mutability: None, .. }))
}

fn parameter_name(index: usize, pat: &Pat) -> Ident {
    match pat {
        Pat::Ident(name) if is_name(pat) => name.ident.clone(),
        _ => hidden(&format_ident!("__cps_arg{}", index).to_string()),
    }
}

/// An item with a signature, under `#[cps]`.
pub(crate) trait Function: Clone {
    fn signature(&mut self) -> &mut Signature;
    fn attributes(&mut self) -> &mut Vec<Attribute>;
}

impl Function for ItemFn {
    fn signature(&mut self) -> &mut Signature {
        &mut self.sig
    }
    fn attributes(&mut self) -> &mut Vec<Attribute> {
        &mut self.attrs
    }
}

impl Function for TraitItemFn {
    fn signature(&mut self) -> &mut Signature {
        &mut self.sig
    }
    fn attributes(&mut self) -> &mut Vec<Attribute> {
        &mut self.attrs
    }
}

/// If an argument is under `#[cfg]` or `#[cfg_attr]`, the function twice, with that argument or attribute and
/// without, each under a `#[cfg]` of its own. An attribute macro sees its item before these are applied to arguments.
pub(crate) fn split_cfg<F: Function>(function: &F) -> Option<[F; 2]> {
    let (index, position) =
        function.clone().signature().inputs.iter_mut().enumerate().find_map(|(index, input)| {
            let is_conditional =
                |attr: &Attribute| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr");
            Some((index, attributes_of(input).iter().position(is_conditional)?))
        })?;

    let mut with = function.clone();
    let attr = attributes_of(&mut with.signature().inputs[index]).remove(position);
    let is_attr = attr.path().is_ident("cfg_attr");
    // If it is no list, rustc says so.
    let (predicate, rest) = match &attr.meta {
        Meta::List(list) if is_attr => split_at_comma(list.tokens.clone()),
        Meta::List(list) => (list.tokens.clone(), TokenStream::new()),
        _ => Default::default(),
    };
    if is_attr {
        let metas = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(rest).ok()?;
        let attributes = attributes_of(&mut with.signature().inputs[index]);
        for (offset, meta) in metas.into_iter().enumerate() {
            attributes.insert(position + offset, parse_quote!(#[#meta]));
        }
    }
    with.attributes().push(parse_quote!(#[cfg(#predicate)]));

    let mut without = function.clone();
    if is_attr {
        attributes_of(&mut without.signature().inputs[index]).remove(position);
    } else {
        let inputs = &mut without.signature().inputs;
        *inputs = std::mem::take(inputs)
            .into_pairs()
            .enumerate()
            .filter_map(|(at, input)| (at != index).then_some(input))
            .collect();
    }
    without.attributes().push(parse_quote!(#[cfg(not(#predicate))]));
    Some([with, without])
}

fn attributes_of(input: &mut FnArg) -> &mut Vec<Attribute> {
    match input {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(argument) => &mut argument.attrs,
    }
}

/// The tokens before the first comma, and those behind it.
fn split_at_comma(tokens: TokenStream) -> (TokenStream, TokenStream) {
    let mut tokens = tokens.into_iter();
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    let before = tokens.by_ref().take_while(|token| !is_comma(token)).collect();
    (before, tokens.collect())
}
