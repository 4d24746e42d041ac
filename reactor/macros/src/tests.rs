//! What does not compile, and what the attribute says about it.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use crate::entry::{Entry, expand};

/// The texts in the expansion: an error's is one of them.
fn texts(tokens: TokenStream) -> Vec<String> {
    let texts = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) => texts(group.stream()),
        TokenTree::Literal(literal) => vec![literal.to_string()],
        _ => vec![],
    });
    texts.collect()
}

#[track_caller]
fn assert_refused(options: TokenStream, item: TokenStream, why: &str) {
    let expanded = expand(Entry::Main, options, item);
    assert!(expanded.to_string().contains("compile_error"), "{expanded}");
    let texts = texts(expanded);
    assert!(texts.iter().any(|text| text.contains(why)), "{texts:?}");
}

#[track_caller]
fn assert_option_refused(options: TokenStream, why: &str) {
    assert_refused(
        options,
        quote!(
            async fn main() {}
        ),
        why,
    );
}

#[test]
fn what_is_no_entry_is_refused() {
    let refused = |item, why| assert_refused(quote!(), item, why);
    refused(
        quote!(
            fn main() {}
        ),
        "the function of `#[reactor::main]` must be `async`",
    );
    refused(
        quote!(
            async fn main(_: u32) {}
        ),
        "has no arguments",
    );
    refused(
        quote!(
            async fn main(&self) {}
        ),
        "has no arguments",
    );
    refused(
        quote!(
            async fn main<T>() {}
        ),
        "is not generic",
    );
    refused(
        quote!(
            struct Main;
        ),
        "expected `fn`",
    );
}

#[test]
fn the_attribute_is_named_in_the_error() {
    let expanded = expand(
        Entry::Test,
        quote!(),
        quote!(
            fn it_works() {}
        ),
    );
    assert!(texts(expanded)[0].contains("`#[reactor::test]`"));
}

#[test]
fn what_is_no_option_is_refused() {
    let refused = assert_option_refused;
    refused(quote!(flavour = "current_thread"), "unknown option; there are `flavor");
    refused(quote!(flavor = "single"), "the flavor is");
    refused(quote!(flavor), "expected `flavor = ");
    refused(quote!(worker_threads), "expected `worker_threads = n`");
    refused(quote!(worker_threads = "two"), "expected integer literal");
    refused(quote!(worker_threads = 0), "a runtime needs a worker");
    refused(quote!(crate), "expected `crate = path`");
}

#[test]
fn one_thread_has_no_workers() {
    let why = "a current-thread runtime has no workers";
    assert_option_refused(quote!(flavor = "current_thread", worker_threads = 2), why);
    let of_test = expand(
        Entry::Test,
        quote!(worker_threads = 2),
        quote!(
            async fn it_works() {}
        ),
    );
    assert!(texts(of_test)[0].contains(why));
}

#[test]
fn after_an_error_the_name_is_there() {
    let expanded = expand(
        Entry::Main,
        quote!(flavor),
        quote!(
            pub async fn main() -> u32 {
                1
            }
        ),
    );
    assert!(expanded.to_string().contains("pub fn main () -> u32"), "{expanded}");
}

#[test]
fn the_attribute_of_coroutines_goes_with_the_body() {
    let item = quote! {
        #[allow(unused)]
        #[cps_core::cps(elision = "heap")]
        async fn main() {}
    };
    let expanded = expand(Entry::Main, quote!(), item);
    let expected = quote! {
        #[allow(unused)]
        fn main() {
            #[cps_core::cps(elision = "heap")]
            async fn main() {}
            ::reactor::Runtime::new().expect("cannot create a runtime").block_on(main())
        }
    };
    assert_eq!(expanded.to_string(), expected.to_string());
}
