//! `coroutine_block! { … }`: an ad-hoc body that captures what it names, as `async move` does.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Block, Error, Meta};

use crate::await_call;
use crate::expansion::{Expansion, Made};
use crate::fragments;
use crate::options::Options;

pub(crate) fn expand(tokens: TokenStream) -> syn::Result<TokenStream> {
    let parser = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_inner)?;
        Ok((options(&attrs)?, input.call(Block::parse_within)?))
    };
    let (options, stmts) = parser.parse2(fragments::resolve(tokens))?;
    if let Some(item) = options.yields {
        return Err(Error::new_spanned(
            item,
            "a block cannot yield; put `#[cps(yields = …)]` on a function",
        ));
    }
    let mut block = Block { brace_token: Default::default(), stmts };
    let wide = await_call::rewrite(&mut block, &options.krate, None);
    Ok(Expansion {
        krate: &options.krate,
        placement: options.placement(),
        made: Made::Coroutine,
        args: Vec::new(),
        receiver: None,
        bindings: quote!(),
        body: block.into_token_stream(),
        output: None,
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
