//! `coroutine_block! { … }`: an ad-hoc body that captures what it names, as `async move` does.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Block;
use syn::parse::Parser;

use crate::await_call;
use crate::expansion::Expansion;
use crate::options::Options;

pub(crate) fn expand(tokens: TokenStream) -> syn::Result<TokenStream> {
    let options = Options::default();
    let stmts = Block::parse_within.parse2(tokens)?;
    let mut block = Block { brace_token: Default::default(), stmts };
    let wide = await_call::rewrite(&mut block, &options.krate);
    Ok(Expansion {
        krate: &options.krate,
        args: Vec::new(),
        bindings: quote!(),
        body: block.into_token_stream(),
        output: None,
        wide,
    }
    .into_expr())
}
