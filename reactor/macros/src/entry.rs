//! What becomes of the function.
//!
//! ```text
//!   #[reactor::main]            fn main() -> T {
//!   #[cps]                          #[cps]
//!   async fn main() -> T { … }      async fn main() -> T { … }
//!                                   runtime.block_on(main())
//!                               }
//! ```

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, ItemFn, Signature};

use crate::options::{Flavor, Options};

/// What is made of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

impl Entry {
    fn name(self) -> &'static str {
        match self {
            Entry::Main => "main",
            Entry::Test => "test",
        }
    }

    fn default_flavor(self) -> Flavor {
        match self {
            Entry::Main => Flavor::MultiThread,
            Entry::Test => Flavor::CurrentThread,
        }
    }
}

pub(crate) fn expand(entry: Entry, options: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        // Given back as it is, for the compiler's errors and for completion in editors.
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let runtime = check(entry, &function.sig)
        .and_then(|()| Options::parse(options)?.runtime(entry.default_flavor()));
    match runtime {
        Ok(runtime) => entered(entry, &runtime, function),
        Err(error) => {
            // Its name is defined, so that this is the only error.
            let (error, ItemFn { vis, mut sig, .. }) = (error.into_compile_error(), function);
            sig.asyncness = None;
            quote!(#error #vis #sig { ::core::unimplemented!() })
        }
    }
}

/// Whether a program or a test may begin there.
fn check(entry: Entry, sig: &Signature) -> syn::Result<()> {
    let refuse = |tokens: &dyn quote::ToTokens, why: &str| {
        let message = format!("the function of `#[reactor::{}]` {why}", entry.name());
        Err(Error::new_spanned(tokens.to_token_stream(), message))
    };
    if sig.asyncness.is_none() {
        return refuse(&sig.fn_token, "must be `async`");
    }
    if !sig.inputs.is_empty() {
        return refuse(&sig.inputs, "has no arguments: nobody would give them");
    }
    if !sig.generics.params.is_empty() {
        return refuse(&sig.generics.params, "is not generic: nobody would say for which types");
    }
    Ok(())
}

fn entered(entry: Entry, runtime: &TokenStream, mut function: ItemFn) -> TokenStream {
    // A coroutine's attribute goes with the body. (One above this attribute has put itself there.)
    let (inner, outer): (Vec<_>, Vec<_>) = function.attrs.drain(..).partition(is_coroutine);
    function.attrs = inner;
    let mut sig = function.sig.clone();
    sig.asyncness = None;
    let name = &sig.ident;
    let vis = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    let test = (entry == Entry::Test).then(|| quote!(#[::core::prelude::v1::test]));
    quote! {
        #(#outer)*
        #test
        #vis #sig {
            #function
            #runtime.expect("cannot create a runtime").block_on(#name())
        }
    }
}

/// Whether it is `#[cps]` or `#[coroutine]`, also by a path.
fn is_coroutine(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == "cps" || last.ident == "coroutine")
}
