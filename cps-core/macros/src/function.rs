//! `#[coroutine]` on a function, a method, or a method of a trait.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Error, Item, ItemFn, ReturnType, Signature, TraitItemFn, Type};

use crate::argument;
use crate::await_call;
use crate::expansion::{Expansion, Made};
use crate::options::Options;
use crate::output;
use crate::receiver;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let options = Options::parse(options)?;
    if let Ok(function) = syn::parse2::<ItemFn>(item.clone()) {
        return with_body(&options, function);
    }
    if let Ok(method) = syn::parse2::<TraitItemFn>(item.clone()) {
        return without_body(&options, method);
    }
    Err(match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(_) | Item::Verbatim(_)) | Err(_) => match syn::parse2::<ItemFn>(item) {
            Err(error) => error,
            Ok(_) => Error::new(Span::call_site(), "`#[coroutine]` cannot read this function"),
        },
        Ok(other) => Error::new_spanned(
            other,
            "`#[coroutine]` goes on an `async fn`; for an ad-hoc body use `coroutine_block!`",
        ),
    })
}

fn with_body(options: &Options, mut function: ItemFn) -> syn::Result<TokenStream> {
    if let Some(variants) = argument::split_cfg(&function) {
        return variants.into_iter().map(|variant| with_body(options, variant)).collect();
    }
    check(options, &function.sig)?;
    let body = body(options, &mut function);
    declare(options, &mut function.sig)?;
    let ItemFn { attrs, vis, sig, .. } = function;
    Ok(quote!(#(#attrs)* #vis #sig { #body }))
}

fn without_body(options: &Options, mut method: TraitItemFn) -> syn::Result<TokenStream> {
    if let Some(variants) = argument::split_cfg(&method) {
        return variants.into_iter().map(|variant| without_body(options, variant)).collect();
    }
    check(options, &method.sig)?;
    declare(options, &mut method.sig)?;
    Ok(method.into_token_stream())
}

/// Refuses what cannot be a coroutine.
fn check(options: &Options, sig: &Signature) -> syn::Result<()> {
    if let Some(token) = &sig.constness {
        return Err(Error::new_spanned(token, "a coroutine cannot be a `const fn`"));
    }
    if let Some(abi) = &sig.abi {
        return Err(Error::new_spanned(abi, "a coroutine cannot be an `extern` function"));
    }
    if let Some(variadic) = &sig.variadic {
        return Err(Error::new_spanned(variadic, "a coroutine cannot be variadic"));
    }
    if sig.asyncness.is_none() && options.yields.is_none() {
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

/// Turns the signature into that of a plain function that returns a coroutine or a generator.
fn declare(options: &Options, sig: &mut Signature) -> syn::Result<()> {
    let krate = &options.krate;
    let asyncness = sig.asyncness.take();
    argument::declare(sig);
    let output = output::declared(&sig.output);
    let placement = options.placement();
    // The span's edition is this crate's, 2024, in which `impl` captures all lifetimes.
    let span = Span::mixed_site();
    let body = quote_spanned!(span=> impl #krate::Body<Output = #output>);
    sig.output = syn::parse2(match (&options.yields, asyncness) {
        (None, _) => quote_spanned!(span=> -> #krate::Coroutine<#body, #placement>),
        (Some(item), None) => {
            quote_spanned!(span=> -> #krate::Generator<#item, #body, #placement>)
        }
        (Some(item), Some(_)) => {
            quote_spanned!(span=> -> #krate::AsyncGenerator<#item, #body, #placement>)
        }
    })?;
    Ok(())
}

/// The expression that makes the coroutine or generator.
fn body(options: &Options, function: &mut ItemFn) -> TokenStream {
    let sig = &function.sig;
    if sig.receiver().is_some() {
        receiver::rename(&mut function.block);
    }
    let output = output::nameable(&sig.output);
    let item = options.yields.clone().map(output::inferred);
    let made = match (&item, sig.asyncness) {
        (None, _) => Made::Coroutine,
        (Some(item), None) => Made::Generator(item),
        (Some(item), Some(_)) => Made::AsyncGenerator(item),
    };
    let (args, bindings): (Vec<_>, Vec<_>) = sig
        .inputs
        .iter()
        .enumerate()
        .map(|(index, input)| argument::bind(index, input, &mut function.block, &options.krate))
        .unzip();
    let wide = await_call::rewrite(&mut function.block, &options.krate, output.as_ref());
    Expansion {
        krate: &options.krate,
        placement: options.placement(),
        made,
        args,
        bindings: quote!(#(#bindings)*),
        body: function.block.to_token_stream(),
        output: output.as_ref(),
        wide,
        inlined: function.attrs.iter().any(is_inline_always),
    }
    .into_expr()
}

fn is_inline_always(attr: &Attribute) -> bool {
    attr.path().is_ident("inline")
        && attr.parse_args::<Ident>().is_ok_and(|argument| argument == "always")
}
