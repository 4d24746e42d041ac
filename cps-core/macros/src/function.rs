//! `#[cps]` on a function, a method, or a method of a trait.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    AttrStyle, Error, FnArg, Item, ItemFn, Pat, ReturnType, Signature, Token, TraitItemFn, Type,
};

use crate::argument;
use crate::attributes;
use crate::await_call;
use crate::expansion::{Expansion, Made, Place};
use crate::fragments;
use crate::instrument::Instrument;
use crate::options::Options;
use crate::output;
use crate::pack;

/// The function's expansion, and its errors. The parts that are right are expanded, and the others are left as they
/// were, so that rustc does not refuse the function's callers too.
pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let item = fragments::resolve(item);
    let mut refusals = Refusals::default();
    let (options, result) = Options::parse(tokens.clone());
    refusals.0.extend(result.err());
    let item = match try_expand(&options, &tokens, item.clone(), &mut refusals) {
        Ok(expanded) => expanded,
        Err(error) => {
            if refusals.0.is_empty() {
                refusals.0.push(error);
            }
            item
        }
    };
    let errors = refusals.0.iter().map(Error::to_compile_error);
    quote!(#item #(#errors)*)
}

/// The errors of a function that is expanded nevertheless. (If other attributes go first, an error is found twice;
/// rustc shows it once.)
#[derive(Default)]
struct Refusals(Vec<Error>);

impl Refusals {
    fn add(&mut self, tokens: impl ToTokens, text: &str) {
        self.0.push(Error::new_spanned(tokens, text));
    }
}

fn try_expand(
    options: &Options,
    tokens: &TokenStream,
    item: TokenStream,
    refusals: &mut Refusals,
) -> syn::Result<TokenStream> {
    if let Ok(function) = syn::parse2::<ItemFn>(item.clone()) {
        return with_body(options, tokens, function, refusals);
    }
    if let Ok(method) = syn::parse2::<TraitItemFn>(item.clone()) {
        return without_body(options, method, refusals);
    }
    Err(match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(_) | Item::Verbatim(_)) | Err(_) => match syn::parse2::<ItemFn>(item) {
            Err(error) => error,
            Ok(_) => Error::new(Span::call_site(), "`#[cps]` cannot read this function"),
        },
        Ok(other) => Error::new_spanned(
            other,
            "`#[cps]` goes on an `async fn`; for an ad-hoc body use `coroutine_block!`",
        ),
    })
}

fn with_body(
    options: &Options,
    tokens: &TokenStream,
    mut function: ItemFn,
    refusals: &mut Refusals,
) -> syn::Result<TokenStream> {
    if let Some(variants) = argument::split_cfg(&function) {
        let expand = |variant| with_body(options, tokens, variant, refusals);
        return variants.into_iter().map(expand).collect();
    }
    // Those within the body's braces.
    for attr in &mut function.attrs {
        attr.style = AttrStyle::Outer;
    }
    check(options, &function.sig)?;
    if !options.last {
        if let Some(index) = function.attrs.iter().position(attributes::is_instrument) {
            return instrumented(options, tokens, function, index, refusals);
        }
        if function.attrs.iter().any(attributes::is_entry) {
            return Ok(entry(options, tokens, function));
        }
        if function.attrs.iter().any(attributes::is_macro) {
            let (first, rest): (Vec<_>, Vec<_>) =
                function.attrs.drain(..).partition(attributes::is_macro);
            function.attrs = rest;
            let again = attributes::again(&options.krate, tokens);
            return Ok(quote!(#(#first)* #again #function));
        }
    }
    repair(&mut function.sig, refusals);
    let twice = argument::bound_twice(&function.sig);
    let output = output::nameable(&function.sig.output, &options.krate);
    refusals.0.extend(pack::expand(
        &function.sig,
        &mut function.block,
        &options.krate,
        output.as_ref(),
    ));
    if let Some(instrument) = &options.instrument {
        instrument.wrap(&mut function, &options.krate)?;
    }
    let body = body(options, &mut function);
    declare(options, &mut function.sig);
    let ItemFn { attrs, vis, sig, .. } = function;
    // An implementation's type is more than a trait's `impl Future` asks for.
    Ok(quote!(#[allow(refining_impl_trait)] #(#attrs)* #vis #sig { #twice #body }))
}

/// `#[instrument]` below the attribute, at `index`, is its option.
fn instrumented(
    options: &Options,
    tokens: &TokenStream,
    mut function: ItemFn,
    index: usize,
    refusals: &mut Refusals,
) -> syn::Result<TokenStream> {
    let attr = function.attrs.remove(index);
    if options.instrument.is_some() {
        return Err(Error::new_spanned(attr, "the function is instrumented already"));
    }
    let option = Instrument::option(&attr)?;
    let separator = (!tokens.is_empty()).then(|| quote!(,));
    let tokens = quote!(#tokens #separator #option);
    let (options, result) = Options::parse(tokens.clone());
    result?;
    with_body(&options, &tokens, function, refusals)
}

/// A program's entry or a test, which an attribute makes of an `async fn`: it awaits the coroutine.
fn entry(options: &Options, tokens: &TokenStream, mut function: ItemFn) -> TokenStream {
    let (mut outer, name) = (function.clone(), format_ident!("__cps_{}", function.sig.ident));
    function.attrs.retain(|attr| !attributes::is_macro(attr));
    function.sig.ident = name.clone();
    function.vis = syn::Visibility::Inherited;
    let args = outer.sig.inputs.iter_mut().enumerate().map(|(index, input)| {
        let argument = Ident::new(&format!("__cps_arg{index}"), Span::mixed_site());
        if let FnArg::Typed(typed) = input {
            let pat: Pat = syn::parse_quote!(#argument);
            *typed.pat = pat;
        }
        argument
    });
    let call = quote!(#name(#(#args),*).await);
    outer.block = syn::parse_quote!({ #call });
    let again = attributes::again(&options.krate, tokens);
    quote!(#outer #again #function)
}

fn without_body(
    options: &Options,
    mut method: TraitItemFn,
    refusals: &mut Refusals,
) -> syn::Result<TokenStream> {
    if options.instrument.is_some() {
        return Err(Error::new_spanned(&method.sig.ident, "there is no body to instrument"));
    }
    if let Some(variants) = argument::split_cfg(&method) {
        let expand = |variant| without_body(options, variant, refusals);
        return variants.into_iter().map(expand).collect();
    }
    check(options, &method.sig)?;
    repair(&mut method.sig, refusals);
    declare(options, &mut method.sig);
    Ok(method.into_token_stream())
}

/// Refuses functions that cannot be expanded.
fn check(options: &Options, sig: &Signature) -> syn::Result<()> {
    if let Some(variadic) = &sig.variadic {
        return Err(Error::new_spanned(variadic, "a coroutine cannot be variadic"));
    }
    if sig.asyncness.is_none() && options.yields.is_none() {
        return Err(Error::new_spanned(
            sig.fn_token,
            "`#[cps]` goes on an `async fn`: write `async fn`. If you did, another attribute has rewritten the \
             function: `#[cps]` goes above `#[tokio::main]` and the like, and not into an impl under \
             `#[async_trait]`, whose methods may call coroutines",
        ));
    }
    if options.instrument.is_some() && options.yields.is_some() {
        return Err(Error::new_spanned(&sig.ident, "a generator cannot be instrumented"));
    }
    Ok(())
}

/// Removes the qualifiers that a coroutine cannot have.
fn repair(sig: &mut Signature, refusals: &mut Refusals) {
    if let Some(token) = sig.constness.take() {
        refusals.add(token, "a coroutine cannot be a `const fn`");
    }
    if let Some(abi) = sig.abi.take() {
        refusals.add(abi, "a coroutine cannot be an `extern` function");
    }
    for input in &mut sig.inputs {
        let FnArg::Typed(argument) = input else { continue };
        argument.attrs.retain(|attr| {
            let is_doc = attr.path().is_ident("doc");
            if is_doc {
                // rustc would not recognise it as a comment any more.
                refusals
                    .add(attr, "documentation comments cannot be applied to function parameters");
            }
            !is_doc
        });
    }
}

/// Turns the signature into that of a plain function that returns a coroutine or a generator.
fn declare(options: &Options, sig: &mut Signature) {
    let krate = &options.krate;
    let asyncness = sig.asyncness.take();
    argument::declare(sig);
    let output = output::declared(&sig.output, krate);
    let placement = options.placement();
    // The span's edition is this crate's, 2024, in which `impl` captures all lifetimes.
    let span = Span::mixed_site();
    let send = options.send.then(|| quote_spanned!(span=> + ::core::marker::Send));
    let body = quote_spanned!(span=> impl #krate::Body<Output = #output> #send);
    let made = match (&options.yields, asyncness) {
        (None, _) => quote_spanned!(span=> #krate::Coroutine<#body, #placement>),
        (Some(item), None) => {
            quote_spanned!(span=> #krate::generator::Generator<#item, #body, #placement>)
        }
        (Some(item), Some(_)) => {
            quote_spanned!(span=> #krate::generator::AsyncGenerator<#item, #body, #placement>)
        }
    };
    // (Not parsed: that would take longer than all the rest of this.)
    sig.output = ReturnType::Type(Token![->](span), Box::new(Type::Verbatim(made)));
}

/// The expression that makes the coroutine or generator.
fn body(options: &Options, function: &mut ItemFn) -> TokenStream {
    let sig = &function.sig;
    let krate = &options.krate;
    let output = output::nameable(&sig.output, krate);
    let item: Option<Type> = options.yields.clone().map(output::inferred);
    let made = match (&item, sig.asyncness) {
        (None, _) => Made::Coroutine,
        (Some(item), None) => Made::Generator(item),
        (Some(item), Some(_)) => Made::AsyncGenerator(item),
    };
    let (args, bindings) = argument::bind(sig, &mut function.block, krate);
    let wide = await_call::rewrite(&mut function.block, krate, output.as_ref());
    let place = sig.asyncness.map(|token| Place {
        start: token.span,
        end: match &sig.output {
            ReturnType::Default => sig.paren_token.span.close(),
            ReturnType::Type(_, ty) => ty.span(),
        },
        body: function.block.brace_token.span.join(),
    });
    Expansion {
        krate,
        placement: options.placement(),
        made,
        args,
        capture: Some(Token![move](Span::mixed_site())),
        receiver: sig.receiver().map(|receiver| receiver.self_token),
        bindings,
        body: function.block.to_token_stream(),
        output: output.as_ref(),
        bounds: output::closure_bounds(&sig.output),
        wide,
        place,
        inlined: function.attrs.iter().any(attributes::is_inline_always),
        has_target_features: function.attrs.iter().any(|a| a.path().is_ident("target_feature")),
    }
    .into_expr()
}
