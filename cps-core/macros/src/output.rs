//! The output type of a function, as written and as it can be named in the body.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type, TypeImplTrait, TypeParamBound, parse_quote};

/// The type in the signature. (`!` cannot be named on stable, except as the type that a function returns.)
pub(crate) fn declared(output: &ReturnType, krate: &TokenStream) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => match &**ty {
            Type::Never(never) => {
                parse_quote!(<fn() -> #never as #krate::__private::FnOutput>::Output)
            }
            other => other.clone(),
        },
    }
}

/// The type for a `let` in the body, where `impl Trait` is left to inference; `None` if nothing
/// remains.
pub(crate) fn nameable(output: &ReturnType, krate: &TokenStream) -> Option<Type> {
    let ty = inferred(declared(output, krate));
    (!matches!(ty, Type::Infer(_))).then_some(ty)
}

/// The type in a body, where `impl Trait` is left to inference.
pub(crate) fn inferred(mut ty: Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            match ty {
                // A macro may stand for `impl Trait`.
                Type::ImplTrait(_) | Type::Macro(_) => *ty = parse_quote!(_),
                _ => visit_mut::visit_type_mut(self, ty),
            }
        }
    }
    Infer.visit_type_mut(&mut ty);
    ty
}

/// The bounds of an output that is `impl Fn(…) -> …` or the like: from them rustc infers the signature of a closure
/// before it looks at its body. `None` if there are none, or if a function within the body cannot name them.
pub(crate) fn closure_bounds(output: &ReturnType) -> Option<TokenStream> {
    const TRAITS: &[&str] =
        &["AsyncFn", "AsyncFnMut", "AsyncFnOnce", "Fn", "FnMut", "FnOnce", "Future"];
    const OTHERS: &[&str] = &[
        "Box", "Option", "Output", "Result", "Send", "String", "Sync", "Unpin", "Vec", "bool",
        "char", "dyn", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "mut", "static",
        "str", "u128", "u16", "u32", "u64", "u8", "usize",
    ];
    fn all_known(tokens: TokenStream) -> bool {
        tokens.into_iter().all(|token| match token {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                TRAITS.contains(&&*name) || OTHERS.contains(&&*name)
            }
            TokenTree::Group(group) => all_known(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => true,
        })
    }

    let ReturnType::Type(_, ty) = output else { return None };
    let Type::ImplTrait(TypeImplTrait { bounds, .. }) = &**ty else { return None };
    let is_closure = bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| TRAITS.iter().any(|name| last.ident == name)),
        _ => false,
    });
    (is_closure && all_known(bounds.to_token_stream())).then(|| bounds.to_token_stream())
}
