//! The options: `#[reactor::main(flavor = "multi_thread", worker_threads = 4, crate = path)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::{ParseStream, Parser};
use syn::{Error, LitInt, LitStr, Path, parse_quote};

/// Which runtime is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    CurrentThread,
    MultiThread,
}

/// The options in the attribute's parentheses.
pub(crate) struct Options {
    /// The path of `reactor`.
    krate: Path,
    flavor: Option<Flavor>,
    /// The number, and where it is written.
    workers: Option<(usize, Span)>,
}

impl Options {
    /// # Errors
    ///
    /// For what is no option or has no such value.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Options { krate: parse_quote!(::reactor), flavor: None, workers: None };
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("flavor") {
                let name: LitStr = value(&meta, "flavor = \"…\"")?.parse()?;
                options.flavor = Some(flavor(&name)?);
                Ok(())
            } else if meta.path.is_ident("worker_threads") {
                let number: LitInt = value(&meta, "worker_threads = n")?.parse()?;
                options.workers = Some((workers(&number)?, number.span()));
                Ok(())
            } else if meta.path.is_ident("crate") {
                options.krate = value(&meta, "crate = path")?.call(Path::parse_mod_style)?;
                Ok(())
            } else {
                Err(meta.error(
                    "unknown option; there are `flavor = \"…\"`, `worker_threads = n` and `crate = path`",
                ))
            }
        });
        parser.parse2(tokens)?;
        Ok(options)
    }

    /// An expression of the runtime, or the error of creating it.
    ///
    /// # Errors
    ///
    /// If workers are asked for where there are none.
    pub(crate) fn runtime(&self, default: Flavor) -> syn::Result<TokenStream> {
        let krate = &self.krate;
        match (self.flavor.unwrap_or(default), self.workers) {
            (Flavor::CurrentThread, Some((_, span))) => Err(Error::new(
                span,
                "a current-thread runtime has no workers: say `flavor = \"multi_thread\"`",
            )),
            (Flavor::CurrentThread, None) => Ok(quote!(#krate::LocalRuntime::new())),
            (Flavor::MultiThread, None) => Ok(quote!(#krate::Runtime::new())),
            (Flavor::MultiThread, Some((number, _))) => {
                Ok(quote!(#krate::Builder::new().worker_threads(#number).build()))
            }
        }
    }
}

/// The tokens behind the option's `=`.
fn value<'a>(meta: &ParseNestedMeta<'a>, form: &str) -> syn::Result<ParseStream<'a>> {
    meta.value().map_err(|_| meta.error(format!("expected `{form}`")))
}

fn flavor(name: &LitStr) -> syn::Result<Flavor> {
    match &*name.value() {
        "current_thread" => Ok(Flavor::CurrentThread),
        "multi_thread" => Ok(Flavor::MultiThread),
        _ => Err(Error::new(name.span(), "the flavor is \"current_thread\" or \"multi_thread\"")),
    }
}

fn workers(number: &LitInt) -> syn::Result<usize> {
    match number.base10_parse()? {
        0 => Err(Error::new(number.span(), "a runtime needs a worker")),
        workers => Ok(workers),
    }
}
