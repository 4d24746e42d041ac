//! `coroutine_block! { … }`: an ad-hoc body that captures the variables it names by move, as `async move` does; and
//! `coroutine_block!(async { … })`, which captures like the block in it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Block, Error, ExprAsync, Meta, Token};

use crate::await_call;
use crate::expansion::{Expansion, Made};
use crate::fragments;
use crate::options::Options;

pub(crate) fn expand(tokens: TokenStream) -> syn::Result<TokenStream> {
    let parser = |input: ParseStream<'_>| {
        let options = options(&input.call(Attribute::parse_inner)?)?;
        let ahead = input.fork();
        match ahead.parse::<ExprAsync>() {
            Ok(block) if ahead.is_empty() => {
                input.advance_to(&ahead);
                Ok((options, block.capture, block.block))
            }
            _ => {
                let stmts = input.call(Block::parse_within)?;
                let block = Block { brace_token: Default::default(), stmts };
                Ok((options, Some(Token![move](Span::mixed_site())), block))
            }
        }
    };
    let (options, capture, mut block) = parser.parse2(fragments::resolve(tokens))?;
    if let Some(item) = &options.yields {
        return Err(Error::new_spanned(
            item,
            "a block cannot yield; put `#[cps(yields = …)]` on a function",
        ));
    }
    if options.instrument.is_some() {
        return Err(Error::new(Span::call_site(), "a block is instrumented by `.in_span(span)`"));
    }
    let output = options.output.as_ref();
    let wide = await_call::rewrite(&mut block, &options.krate, output);
    Ok(Expansion {
        krate: &options.krate,
        placement: options.placement(),
        made: Made::Coroutine,
        args: Vec::new(),
        capture,
        receiver: None,
        bindings: quote!(),
        body: block.into_token_stream(),
        output,
        bounds: None,
        wide,
        place: None,
        inlined: false,
        has_target_features: false,
    }
    .into_expr())
}

/// The options, which a block takes as an inner attribute: `#![cps(elision = "stack")]`.
fn options(attrs: &[Attribute]) -> syn::Result<Options> {
    match attrs {
        [] => Ok(Options::default()),
        [attr] if attr.path().is_ident("cps") || attr.path().is_ident("coroutine") => {
            match &attr.meta {
                Meta::List(list) => {
                    let (options, result) = Options::parse(list.tokens.clone());
                    result.map(|()| options)
                }
                other => Err(Error::new_spanned(other, "expected `#![cps(option = …)]`")),
            }
        }
        [other, ..] => Err(Error::new_spanned(other, "a block takes `#![cps(option = …)]` only")),
    }
}
