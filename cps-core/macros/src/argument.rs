//! A function's arguments: as parameters of the outer function, and as locals of the body.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Block, FnArg, ItemFn, Pat, PatIdent, Signature, TraitItemFn};

use crate::expansion::hidden;
use crate::moved_once;
use crate::receiver;

/// Turns the arguments into the outer function's parameters: plain names, without attributes.
pub(crate) fn declare(sig: &mut Signature) {
    for (index, input) in sig.inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) => {
                receiver.attrs.clear();
                if receiver.reference.is_none() {
                    receiver.mutability = None;
                }
            }
            FnArg::Typed(argument) => {
                argument.attrs.clear();
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

/// The argument as an expression of the outer function, and its binding in the body, which may be
/// rewritten.
///
/// The bindings are those that rustc makes for an `async fn`, in the same order: each argument,
/// then its pattern. So arguments are dropped in the same order, also those that a pattern ignores.
pub(crate) fn bind(
    index: usize,
    input: &FnArg,
    block: &mut Block,
    krate: &TokenStream,
) -> (TokenStream, TokenStream) {
    let span = Span::mixed_site();
    let field = syn::Index { index: index as u32, span };
    let fields = hidden("__args");
    match input {
        FnArg::Receiver(receiver) => {
            let (attrs, token) = (&receiver.attrs, &receiver.self_token);
            let renamed = receiver::renamed_at(token.span);
            let mutability = receiver.reference.is_none().then_some(receiver.mutability).flatten();
            let binding = quote_spanned! {span=>
                #(#attrs)* let #mutability #renamed = #fields.#field;
            };
            (quote!(#token), binding)
        }
        FnArg::Typed(argument) => {
            let name = parameter_name(index, &argument.pat);
            let (attrs, pat) = (&argument.attrs, &argument.pat);
            let binding = if is_immutable(pat) && moved_once::unwrap(block, &name, krate) {
                quote_spanned! {span=>
                    #[allow(clippy::shadow_unrelated)]
                    #(#attrs)*
                    let #pat = #krate::__private::Held::new(#fields.#field);
                }
            } else if is_name(pat) {
                // The parameter has the same name.
                quote_spanned! {span=>
                    #[allow(clippy::shadow_unrelated)]
                    #(#attrs)*
                    let #pat = #fields.#field;
                }
            } else {
                quote_spanned!(span=> let #name = #fields.#field; #(#attrs)* let #pat = #name;)
            };
            (quote!(#name), binding)
        }
    }
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
        _ => hidden(&format_ident!("__arg{}", index).to_string()),
    }
}

/// An item with a signature: what `#[coroutine]` is put on.
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

/// If an argument is under `#[cfg]`, the function with it and without it, each under a `#[cfg]` of
/// its own. An attribute macro sees its item before `cfg` is applied to arguments.
pub(crate) fn split_cfg<F: Function>(function: &F) -> Option<[F; 2]> {
    let mut with = function.clone();
    let inputs = &mut with.signature().inputs;
    let (index, attrs) = inputs.iter_mut().enumerate().find_map(|(index, input)| {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(argument) => &mut argument.attrs,
        };
        attrs.iter().any(|attr| attr.path().is_ident("cfg")).then_some((index, attrs))
    })?;
    let position = attrs.iter().position(|attr| attr.path().is_ident("cfg"))?;
    let predicate = match &attrs.remove(position).meta {
        syn::Meta::List(list) => list.tokens.clone(),
        // Not a predicate, which is for rustc to say.
        _ => TokenStream::new(),
    };
    with.attributes().push(syn::parse_quote!(#[cfg(#predicate)]));

    let mut without = function.clone();
    let inputs = &mut without.signature().inputs;
    *inputs = std::mem::take(inputs)
        .into_pairs()
        .enumerate()
        .filter_map(|(at, input)| (at != index).then_some(input))
        .collect();
    without.attributes().push(syn::parse_quote!(#[cfg(not(#predicate))]));
    Some([with, without])
}
