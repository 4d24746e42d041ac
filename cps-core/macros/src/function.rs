//! `#[coroutine]` on a function, a method, or a method of a trait.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::{
    Error, FnArg, Item, ItemFn, Pat, PatIdent, ReturnType, Signature, TraitItemFn, Type,
    TypeImplTrait,
};

use crate::await_call;
use crate::expansion::{Expansion, hidden};
use crate::options::Options;
use crate::receiver;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let options = Options::parse(options)?;
    if let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) {
        check(&function.sig)?;
        let body = body(&options, &mut function)?;
        declare(&options, &mut function.sig)?;
        let ItemFn { attrs, vis, sig, .. } = function;
        return Ok(quote!(#(#attrs)* #vis #sig { #body }));
    }
    if let Ok(mut method) = syn::parse2::<TraitItemFn>(item.clone()) {
        check(&method.sig)?;
        declare(&options, &mut method.sig)?;
        return Ok(method.into_token_stream());
    }
    Err(match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(_)) | Err(_) => match syn::parse2::<ItemFn>(item) {
            Err(error) => error,
            Ok(_) => Error::new(Span::call_site(), "`#[coroutine]` cannot read this function"),
        },
        Ok(other) => Error::new_spanned(
            other,
            "`#[coroutine]` goes on an `async fn`; for an ad-hoc body use `coroutine_block!`",
        ),
    })
}

/// Refuses what cannot be a coroutine.
fn check(sig: &Signature) -> syn::Result<()> {
    if let Some(token) = &sig.constness {
        return Err(Error::new_spanned(token, "a coroutine cannot be a `const fn`"));
    }
    if let Some(abi) = &sig.abi {
        return Err(Error::new_spanned(abi, "a coroutine cannot be an `extern` function"));
    }
    if let Some(variadic) = &sig.variadic {
        return Err(Error::new_spanned(variadic, "a coroutine cannot be variadic"));
    }
    if sig.asyncness.is_none() {
        return Err(Error::new_spanned(
            sig.fn_token,
            "`#[coroutine]` goes on an `async fn`: write `async fn`",
        ));
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        if matches!(**ty, Type::Never(_)) {
            return Err(Error::new_spanned(
                ty,
                "a coroutine cannot return `!`; return `std::convert::Infallible`",
            ));
        }
    }
    Ok(())
}

/// Turns the signature into that of a plain function that returns a coroutine.
fn declare(options: &Options, sig: &mut Signature) -> syn::Result<()> {
    let krate = &options.krate;
    sig.asyncness = None;
    for (index, input) in sig.inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) => {
                if receiver.reference.is_none() {
                    receiver.mutability = None;
                }
            }
            FnArg::Typed(argument) => {
                let name = parameter_name(index, &argument.pat);
                *argument.pat = syn::parse_quote!(#name);
            }
        }
    }
    let output = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    // The span's edition is this crate's, 2024, in which `impl` captures all lifetimes.
    let span = Span::mixed_site();
    sig.output = syn::parse2(quote_spanned! {span=>
        -> #krate::Coroutine<impl #krate::Body<Output = #output>>
    })?;
    Ok(())
}

/// The expression that makes the coroutine.
fn body(options: &Options, function: &mut ItemFn) -> syn::Result<TokenStream> {
    let sig = &function.sig;
    if sig.receiver().is_some() {
        receiver::rename(&mut function.block);
    }
    let wide = await_call::rewrite(&mut function.block, &options.krate);
    let (args, bindings) = sig.inputs.iter().enumerate().map(argument).unzip();
    let bindings: Vec<TokenStream> = bindings;
    let output = match &sig.output {
        ReturnType::Default => Some(quote!(())),
        ReturnType::Type(_, ty) => (!contains_impl(ty)).then(|| quote!(#ty)),
    };
    Ok(Expansion {
        krate: &options.krate,
        args,
        bindings: quote!(#(#bindings)*),
        body: function.block.to_token_stream(),
        output,
        wide,
    }
    .into_expr())
}

/// The argument as an expression of the outer function, and its binding in the body.
///
/// The bindings are those that rustc makes for an `async fn`, in the same order: each argument,
/// then its pattern. So arguments are dropped in the same order, also those that a pattern ignores.
fn argument((index, input): (usize, &FnArg)) -> (TokenStream, TokenStream) {
    let span = Span::mixed_site();
    let field = syn::Index { index: index as u32, span };
    let fields = hidden("__args");
    match input {
        FnArg::Receiver(receiver) => {
            let (token, renamed) = (&receiver.self_token, receiver::renamed());
            let mutability = receiver.reference.is_none().then_some(receiver.mutability).flatten();
            (quote!(#token), quote_spanned!(span=> let #mutability #renamed = #fields.#field;))
        }
        FnArg::Typed(argument) => {
            let name = parameter_name(index, &argument.pat);
            let (attrs, pat) = (&argument.attrs, &argument.pat);
            let binding = if is_name(pat) {
                quote_spanned!(span=> #(#attrs)* let #pat = #fields.#field;)
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

fn parameter_name(index: usize, pat: &Pat) -> proc_macro2::Ident {
    match pat {
        Pat::Ident(name) if is_name(pat) => name.ident.clone(),
        _ => hidden(&format_ident!("__arg{}", index).to_string()),
    }
}

/// Whether `ty` mentions `impl Trait`, which cannot be named in a body.
fn contains_impl(ty: &Type) -> bool {
    struct Find(bool);
    impl Visit<'_> for Find {
        fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
            self.0 = true;
            visit::visit_type_impl_trait(self, ty);
        }
    }
    let mut find = Find(false);
    find.visit_type(ty);
    find.0
}
